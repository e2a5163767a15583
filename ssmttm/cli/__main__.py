"""Python's option `-m ssmttm.cli`: the same as the command `ssmttm`."""

from ssmttm.cli import main

main()
