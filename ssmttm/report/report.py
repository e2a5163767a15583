"""The report page: gathers its parts and renders them into one self-contained HTML file."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ssmttm import numbers
from ssmttm.dataset.sharing import RealMusic
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.report import scoreboard
from ssmttm.report.cells import Table
from ssmttm.report.figures.chart import Chart, Figure
from ssmttm.report.figures.curves import codes_of
from ssmttm.report.figures.figures import figures, svg_names, variant_colors
from ssmttm.report.page import render
from ssmttm.report.sections.claims import claims_section
from ssmttm.report.sections.comparability import Caveat, caveats
from ssmttm.report.sections.conclusions import Conclusions, conclusions, limits, study_sentence
from ssmttm.report.sections.corpus import Corpus, corpus, usable
from ssmttm.report.sections.every_score import backends, every_score
from ssmttm.report.sections.external import external_systems, external_table
from ssmttm.report.sections.ledger import Place, ledger, places
from ssmttm.report.sections.listing import listings
from ssmttm.report.sections.methods import Paragraph, paragraphs
from ssmttm.report.sections.players import MAX_BYTES, Listen, listen
from ssmttm.report.sections.remarks import copies, outliers
from ssmttm.study.folder import Study, read_study
from ssmttm.study.seeds import seeds_sentence

FIGURES = "figures"
"""Folder of a study's static figures."""


@dataclass(frozen=True)
class StudyPart:
    """What the page says of one study."""

    name: str
    sentence: str
    conclusions: list[Conclusions]
    limits: list[str]
    caveats: list[Caveat]
    colors: dict[str, int]
    confidence: float
    columns: list[scoreboard.Column]
    blocks: list[scoreboard.Block]
    external: Table
    every_score: Table
    backends: Table
    remarks: list[Table]
    listings: dict[str, Table]
    seeds: str
    figures: dict[str, Figure]
    listen: Listen
    methods: list[Paragraph]
    ledger: Table
    places: list[Place]
    files: list[str]
    """Of the study's tables, those that are there."""
    link: Callable[[str], str]
    """From a path relative to the study's folder to an address."""

    def svg(self, figure: Figure, key: str) -> list[str]:
        """Addresses of the static charts under `key`."""
        return [self.link(f"{FIGURES}/{name}") for name in svg_names(figure, key)]

    @property
    def drawn(self) -> dict[str, object]:
        """What the page's script draws: charts and addresses of static files, by figure and selected values."""
        return {
            figure.id: {
                "keys": [selector.key for selector in figure.selectors],
                "charts": {key: [_plain(chart) for chart in charts] for key, charts in figure.charts.items()},
                "svg": {key: self.svg(figure, key) for key in figure.charts},
            }
            for figure in self.figures.values()
        }


def _plain(chart: Chart) -> dict[str, object]:
    return asdict(chart, dict_factory=lambda items: {key: value for key, value in items if value is not None})


def study_part(
    study: Study, data: Corpus, settings: Mapping[str, Any], share: int, link: Callable[[Path], str], music: RealMusic
) -> StudyPart:
    """Everything that the page says of one study; `share` bytes are for its players."""
    summary, comparison, embedders = study.summary, study["comparison"], study.embedders
    columns = scoreboard.columns(comparison, embedders)
    main, runs = scoreboard.main_rows(comparison, columns), scoreboard.run_rows(comparison)
    colors, external = variant_colors(study), external_systems(study)
    origins = {name: system.origin for name, system in external.items()}
    names = ["comparison.csv", "summary.json", *(f"{name}.parquet" for name in study.tables)]

    def address(name: str) -> str:
        return link(study.folder / name)

    return StudyPart(
        name=summary["study"],
        sentence=study_sentence(runs, data),
        conclusions=conclusions(main, study["differences"], codes_of(study)),
        limits=limits(main, data, embedders),
        caveats=caveats(study, external),
        colors=colors,
        confidence=float(comparison["confidence"].iloc[0]),
        columns=columns,
        blocks=scoreboard.blocks(comparison, columns, colors, origins),
        external=external_table(external),
        every_score=every_score(study, address("comparison.csv")),
        backends=backends(study),
        remarks=[copies(study), outliers(study)],
        listings=listings(study, columns),
        seeds=seeds_sentence(comparison),
        figures=figures(study),
        listen=listen(study, colors, origins, music, settings["report"]["examples"], share),
        methods=paragraphs(study, data, settings),
        ledger=ledger(study, address),
        places=places(summary["runs"]),
        files=[name for name in names if (study.folder / name).is_file()],
        link=address,
    )


def linker(page: Path) -> Callable[[Path], str]:
    """A function from a file to its address relative to the page at `page`: it holds wherever the tree is moved."""
    folder = page.resolve().parent

    def link(path: Path) -> str:
        return quote(Path(os.path.relpath(path.resolve(), folder)).as_posix())

    return link


def build(spec: Mapping[str, Any], studies: list[Path], data: Path, page: Path, claims: Path | None = None) -> str:
    """The report on `studies` and the data set in folder `data`, as one HTML text for the file `page`.

    Links lead from `page` to the files that the numbers come from. `claims` is the file of the
    claims' table; without one the page says so.
    """
    if not studies:
        raise UserError("a report needs at least one study")
    link = linker(page)
    read = [read_study(folder) for folder in studies]
    music, about = RealMusic(data / "licensed.parquet"), corpus(data)
    parts = [study_part(study, about, spec, MAX_BYTES // len(read), link, music) for study in read]
    return render(
        title=spec["title"],
        corpus=about,
        policy=usable(spec["data"]["license"]),
        studies=parts,
        drawn={part.name: part.drawn for part in parts},
        references={r: numbers.REFERENCE_NAMES[r] for r in scoreboard.REFERENCES},
        claims=claims_section(read_json(claims)) if claims else None,
        claims_href=link(claims) if claims else "",
    )
