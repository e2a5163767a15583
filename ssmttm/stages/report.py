"""Write the self-contained report page."""

from pathlib import Path
from typing import Any

from ssmttm.files import write_text
from ssmttm.reporting.report import build


def run(spec: dict[str, Any], studies: list[Path], data: Path, out: Path) -> None:
    """Write the report on `studies` and the data set in `data` to `out`."""
    write_text(out, build(spec, studies, data))
