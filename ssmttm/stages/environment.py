"""Make the environment of a package that can't share the main one."""

from pathlib import Path

from ssmttm.evaluation.packages import environment


def run(package: str, pins: Path, out: Path) -> None:
    """Make what `pins` names in the folder of `out`, unless it is there; `out` then says what it was made from."""
    environment.make(package, pins, out)
