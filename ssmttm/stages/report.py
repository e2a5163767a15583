"""Write the self-contained report page, and each study's figures as SVG and CSV."""

from pathlib import Path
from typing import Any

from ssmttm.files import write_text
from ssmttm.reporting import figures
from ssmttm.reporting.inputs import read_study
from ssmttm.reporting.report import FIGURES, build


def run(spec: dict[str, Any], studies: list[Path], data: Path, out: Path, claims: Path | None = None) -> None:
    """Write the report on `studies` and the data set in `data` to `out`, and `figures/` into every study's folder."""
    for folder in studies:
        figures.write(read_study(folder), folder / FIGURES)
    write_text(out, build(spec, studies, data, out, claims))
