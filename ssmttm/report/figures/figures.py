"""All figures of a study, and their static form: SVG files with the data as CSV beside them."""

import re
from collections.abc import Mapping
from pathlib import Path

from ssmttm.files import atomic_path, write_text
from ssmttm.report.figures import svg
from ssmttm.report.figures.chart import Figure
from ssmttm.report.figures.curves import learning_curves
from ssmttm.report.figures.published import published
from ssmttm.report.figures.stages import two_stages
from ssmttm.report.scoreboard import run_rows
from ssmttm.study.folder import Study

COLORS = 8
"""The style sheet has so many colors; further variants begin again."""


def variant_colors(study: Study) -> dict[str, int]:
    """The number of each variant's color, in the order of the run table."""
    variants = dict.fromkeys(run_rows(study["comparison"])["variant"])
    return {v: i % COLORS for i, v in enumerate(variants)}


def figures(study: Study) -> dict[str, Figure]:
    """The figures of a study by id; one without charts has nothing to show."""
    colors = variant_colors(study)
    made = [build(study, colors) for build in (learning_curves, two_stages, published)]
    return {figure.id: figure for figure in made}


def write(study: Study, made: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write the charts of `made` as `{figure}.{selected}.svg` into `folder`, and all data and tables as CSV.

    Returns the files. A figure without charts has only its data.
    """
    tables = {**study.tables, **{figure.id: figure.table for figure in made.values()}}
    written = []
    for name, table in tables.items():
        with atomic_path(folder / f"{name}.csv") as path:
            table.to_csv(path, index=False)
        written.append(folder / f"{name}.csv")
    for figure in made.values():
        for key, charts in figure.charts.items():
            for chart, name in zip(charts, svg_names(figure, key), strict=True):
                write_text(folder / name, svg.draw(chart))
                written.append(folder / name)
    return written


def svg_names(figure: Figure, key: str) -> list[str]:
    """The file names of the charts under a key: `published.frechet-musicnn.codec.steps.svg`."""
    charts = figure.charts[key]
    titles = [f".{_plain(chart.title)}" if len(charts) > 1 else "" for chart in charts]
    return [f"{figure.id}.{'.'.join(_plain(part) for part in key.split('|'))}{title}.svg" for title in titles]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower().translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹×é", "0123456789xe"))).strip("-")
