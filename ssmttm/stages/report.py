"""Write the self-contained report page, and each study's figures as SVG and CSV."""

from pathlib import Path

from ssmttm.files import write_text
from ssmttm.report.figures import figures
from ssmttm.report.inputs import read_study
from ssmttm.report.report import FIGURES, build
from ssmttm.settings import StageSpec


def run(
    spec: StageSpec,
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
    write_text(out, build(dict(spec), studies, data, out, claims))
