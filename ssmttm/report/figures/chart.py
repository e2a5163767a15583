"""What a figure is: plain dictionaries, drawn by the page's script and, as SVG, by `svg`.

A chart: `title`, `x` and `y` (axes: `title`, perhaps `log` and `ticks`), `series`, `bands` and
`levels`. A series: `name`, `color` (number of a color of the style sheet), `dash`, `symbol`,
`lines` and `points` (whether they are drawn), `x`, `y`, perhaps `low`, `high` and `text`. A band:
`color`, `x`, `low`, `high`. A level: `name`, `y`, perhaps `low` and `high`: a horizontal line.

A figure: `id`, `choices` (key, label and options of each selector), `charts` (a list of charts
under each choice, keys joined by `|`) and `table`, the data as a frame.
"""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

DASHES = ("solid", "dash", "dot", "dashdot")
"""By size, largest first."""


@dataclass(frozen=True)
class Choice:
    """A selector of a figure: `options` maps what is chosen to what is shown."""

    key: str
    label: str
    options: dict[str, str]


@dataclass(frozen=True)
class Figure:
    """Charts under every combination of choices, and their data."""

    id: str
    charts: dict[str, list[dict[str, Any]]]
    table: pd.DataFrame
    choices: list[Choice] = field(default_factory=list)

    @property
    def first(self) -> str:
        """The key of the charts that are shown first."""
        return next(iter(self.charts), "")

    def open(self, key: str) -> dict[str, set[str]]:
        """What each selector offers under `key`: that for which there are charts after the choices before it."""
        chosen, keys = key.split("|"), [k.split("|") for k in self.charts]
        return {
            choice.key: {parts[i] for parts in keys if parts[:i] == chosen[:i]} for i, choice in enumerate(self.choices)
        }


def plain(values: Any) -> list[float | None]:
    """Six significant digits: more can't be seen, and cost bytes; None where there is no number."""
    return [None if pd.isna(v) else float(f"{v:.6g}") for v in values]


def axis(title: str, log: bool = False, ticks: list[tuple[float, str]] | None = None) -> dict[str, Any]:
    """An axis; `ticks` are positions with their texts."""
    return {"title": title, "log": log, **({"ticks": ticks} if ticks else {})}


def chart(
    title: str, x: dict[str, Any], y: dict[str, Any], series: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """A chart; `more` may hold `note`, `bands` and `levels`."""
    return {"title": title, "x": x, "y": y, "series": series, "bands": [], "levels": [], "note": "", **more}


def series(name: str, color: int, x: Any, y: Any, **more: Any) -> dict[str, Any]:
    """A series: a line with points unless `lines` or `points` in `more` says otherwise."""
    drawn = {"dash": "solid", "symbol": "circle", "lines": True, "points": True, "opacity": 1.0}
    told = {k: plain(v) if k in ("low", "high") else v for k, v in more.items()}
    return {"name": name, "color": color, "x": plain(x), "y": plain(y), **drawn, **told}


def dash_of(runs: pd.DataFrame) -> dict[str, str]:
    """The dash of each run: by the rank of its size among the runs of its variant."""
    dashes = {}
    for _, group in runs.groupby("variant"):
        sizes = sorted(set(group["parameters"]), reverse=True)
        for name, parameters in zip(group["system"], group["parameters"], strict=True):
            dashes[name] = DASHES[min(sizes.index(parameters), len(DASHES) - 1)]
    return dashes
