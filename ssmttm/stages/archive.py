"""Stage `archive`: keep a finished study in a folder of its own, or check one that was kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.progress import notify
from ssmttm.released import RELEASE
from ssmttm.report.report import build, study_parts
from ssmttm.study.archive import PAGE, check, check_place, keep


def run(
    spec: Mapping[str, Any],
    study: Path,
    data: Path,
    out: Path,
    command: str,
    hours: float,
    claims: Path | None,
) -> None:
    """Keep the study in folder `study`, of the data set in `data`, in the folder `out`.

    Its page plays what the best runs made of one caption, and no real music: that is not passed on with it. Raises
    UserError for hours that aren't positive, and for a folder `out` that has other files than a kept study's.
    """
    if not hours > 0:
        raise UserError(f"--hours {hours:g}: say how long the study took by the clock, such as 0.25")
    release = read_release(data)
    check_place(out)
    small = {**spec, "report": {**spec["report"], "examples": 1}}
    page = build(small, study_parts(small, [study], data, study / PAGE, real_music=False), data, study / PAGE, claims)
    facts = {"version": release["settings"]["version"], "sha256": sha256_file(data / RELEASE)}
    keep(study, page, facts, out, command, hours)


def verify(folder: Path) -> None:
    """Say of a kept study that it is whole; UserError where it isn't."""
    manifest = check(folder)
    notify(f"{folder}: study {manifest['study']}, {manifest['runs']} runs, {manifest['hours']:g} hours: as it was kept")
