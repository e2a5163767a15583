"""The report page: gathers its parts and renders them into one self-contained HTML file."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from ssmttm import numbers
from ssmttm.accounting.claims import ClaimCounts
from ssmttm.dataset.sharing import RealMusic
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.report import scoreboard
from ssmttm.report.figures.chart import Chart, Figure
from ssmttm.report.figures.figures import figures, svg_names, variant_colors, write
from ssmttm.report.page import render
from ssmttm.report.sections.answers import Answers
from ssmttm.report.sections.backends import backends
from ssmttm.report.sections.claims import claims_section
from ssmttm.report.sections.codec import codec_section
from ssmttm.report.sections.comparability import caveats
from ssmttm.report.sections.corpus import corpus
from ssmttm.report.sections.external import external_systems, external_table
from ssmttm.report.sections.ledger import ledger, places
from ssmttm.report.sections.listing import efficiency, loss_pairs
from ssmttm.report.sections.methods import Methods, usable
from ssmttm.report.sections.packages import packages
from ssmttm.report.sections.players import MAX_BYTES, listen
from ssmttm.report.sections.remarks import copies, outliers
from ssmttm.report.sections.stages import Stages
from ssmttm.study.answers import significance
from ssmttm.study.folder import Study, read_study

FIGURES = "figures"
"""Folder of a study's static figures."""


class StudyPart:
    """What the page says of one study; `share` bytes are for its players."""

    def __init__(
        self, study: Study, settings: Mapping[str, Any], share: int, link: Callable[[Path], str], music: RealMusic
    ) -> None:
        comparison = study["comparison"]
        external = external_systems(study)
        origins = {name: system.origin for name, system in external.items()}
        self._study, self._link = study, link
        self.name = study.summary["study"]
        self.colors = variant_colors(study)
        columns = scoreboard.columns(comparison, study.embedders)
        runs = scoreboard.run_rows(comparison)
        self.designs, self.embedders = list(self.colors), study.embedders
        self.run_count, self.seed_count, self.prompts = len(runs), runs["seed"].nunique(), int(runs["n"].min())
        self.parameters = numbers.millions(runs["parameters"].max())
        self.answers = Answers(study)
        self.board = scoreboard.board(study, self.colors, origins)
        self.caveats = caveats(study, external)
        self.confidence = float(comparison["confidence"].iloc[0])
        self.external = external_table(external)
        self.backends = backends(study)
        self.packages = packages(study.folder)
        self.copies, self.outliers = copies(study), outliers(study)
        self.pairs, self.efficiency = loss_pairs(study), efficiency(study)
        self.stages = Stages(study, columns)
        self.significance = significance(self.confidence)
        self.figures = figures(study)
        best, count = self.answers.leaders, settings["report"]["examples"]
        self.listen = listen(study, self.colors, origins, music, best, count, share)
        self.methods = Methods(study, settings["data"], settings["generation"], settings["evaluation"])
        self.ledger = ledger(study, self.link)
        self.places = places(study.summary["runs"])

    def link(self, name: str) -> str:
        """From a path relative to the study's folder to an address."""
        return self._link(self._study.folder / name)

    def write_figures(self) -> None:
        """Write the figures' static form beside the study's tables."""
        write(self._study, self.figures, self._study.folder / FIGURES)

    @property
    def files(self) -> list[str]:
        """Of the study's tables, those that are there."""
        names = ["comparison.csv", "summary.json", *(f"{name}.parquet" for name in self._study.tables)]
        return [name for name in names if (self._study.folder / name).is_file()]

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


def linker(page: Path) -> Callable[[Path], str]:
    """A function from a file to its address relative to the page at `page`: it holds wherever the tree is moved."""
    folder = page.resolve().parent

    def link(path: Path) -> str:
        return quote(Path(os.path.relpath(path.resolve(), folder)).as_posix())

    return link


def study_parts(
    spec: Mapping[str, Any], studies: list[Path], data: Path, page: Path, real_music: bool = True
) -> list[StudyPart]:
    """What the file `page` says of each study: all is read and computed here, once.

    Without `real_music` it plays no real clips, nor their reconstruction by the codec.
    """
    if not studies:
        raise UserError("a report needs at least one study")
    music, share = RealMusic(data / "licensed.parquet" if real_music else None), MAX_BYTES // len(studies)
    return [StudyPart(read_study(folder), spec, share, linker(page), music) for folder in studies]


def build(
    spec: Mapping[str, Any], parts: Sequence[StudyPart], data: Path, page: Path, claims: Path | None = None
) -> str:
    """The report on some studies and the data set in folder `data`, as one HTML text for the file `page`.

    Links lead from `page` to the files that the numbers come from. `claims` is the file of the
    claims' table; without one the page says so.
    """
    return render(
        title=spec["title"],
        corpus=corpus(data),
        codec=codec_section(data),
        codec_href=linker(page)(data / "codec_quality.parquet"),
        policy=usable(spec["data"]["license"]),
        studies=list(parts),
        drawn={part.name: part.drawn for part in parts},
        attribution=linker(page)(data / "ATTRIBUTION.md"),
        claims=claims_section(cast(ClaimCounts, read_json(claims))) if claims else None,
        claims_href=linker(page)(claims) if claims else "",
    )
