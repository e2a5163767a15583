"""Give a run the language model that another run has trained."""

from pathlib import Path

from ssmttm.settings import RunSpec
from ssmttm.training.handing import borrow


def run(name: str, spec: RunSpec, lender: Path, out: Path) -> None:
    """Copy model, curve and checkpoints from the run in folder `lender` to folder `out` of run `name`; see `borrow`."""
    borrow(name, spec, lender, out)
