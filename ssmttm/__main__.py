"""Python's option `-m ssmttm`: the same as the command `ssmttm`."""

from ssmttm.cli import main

main()
