"""Write the self-contained report page, and each study's figures as SVG and CSV."""

from pathlib import Path

from ssmttm.files import write_text
from ssmttm.report.report import build, study_parts
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

    Without `write_figures` the page links to the figures that are there. Prints the answers, a line each.
    """
    parts = study_parts(spec, studies, data, out)
    for part in parts if write_figures else []:
        part.write_figures()
    write_text(out, build(spec, parts, data, out, claims))
    for part in parts:
        print(f"{part.name}: {spec['title']}" if len(parts) > 1 else spec["title"])
        for card in part.answers.cards:
            print(f"- {card.line}")
    print(f"The page: {out}")
