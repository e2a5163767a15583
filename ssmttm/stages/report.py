"""Write the self-contained report page, and each study's figures as SVG and CSV."""

from pathlib import Path
from typing import Any

from ssmttm.files import write_text
from ssmttm.report.figures import figures
from ssmttm.report.report import FIGURES, build
from ssmttm.study.folder import read_study


def run(
    spec: dict[str, Any],
    studies: list[Path],
    data: Path,
    out: Path,
    claims: Path | None = None,
    write_figures: bool = True,
) -> None:
    """Write the report on `studies` and the data set in `data` to `out`, and `figures/` into every study's folder.

    Without `write_figures` the page links to the figures that are there.
    """
    for folder in studies if write_figures else []:
        figures.write(read_study(folder), folder / FIGURES)
    write_text(out, build(spec, studies, data, out, claims))
