"""What a chart and a figure are: data that the page's script draws and, as SVG, `svg`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

DASHES = ("solid", "dash", "dot", "dashdot")
"""By size, largest first."""

NEUTRAL = -1
"""The color of what is no design of the study."""

Numbers = list[float | None]


@dataclass(frozen=True)
class Axis:
    """An axis; `ticks` are positions with their texts."""

    title: str
    log: bool = False
    ticks: list[tuple[float, str]] | None = None


@dataclass(frozen=True)
class Series:
    """A line with points; `color` is the number of a color of the style sheet, `low` and `high` are error bars."""

    name: str
    color: int
    x: Numbers
    y: Numbers
    low: Numbers | None = None
    high: Numbers | None = None
    text: list[str] | None = None
    """What the page says of each point when the mouse is over it."""
    dash: str = "solid"
    symbol: str = "circle"
    lines: bool = True
    points: bool = True
    opacity: float = 1.0


@dataclass(frozen=True)
class Band:
    """The area between two curves."""

    color: int
    x: Numbers
    low: Numbers
    high: Numbers


@dataclass
class Level:
    """A horizontal line."""

    name: str
    y: float


@dataclass(frozen=True)
class Chart:
    """Series over two axes; `note` stands below the title."""

    title: str
    x: Axis
    y: Axis
    series: list[Series]
    bands: list[Band] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Selector:
    """A selector of a figure: `options` maps each value to its text."""

    key: str
    label: str
    options: dict[str, str]


@dataclass(frozen=True)
class Figure:
    """Charts by the selected values, which are joined by `|`, and the data of all."""

    id: str
    charts: dict[str, list[Chart]]
    table: pd.DataFrame
    selectors: list[Selector] = field(default_factory=list)

    @property
    def first(self) -> str:
        """The key of the charts that the page opens with."""
        return next(iter(self.charts), "")

    @property
    def names(self) -> set[str]:
        """The names of all series."""
        return {series.name for charts in self.charts.values() for chart in charts for series in chart.series}

    def selected(self, key: str) -> dict[str, str]:
        """The value of each selector under `key`."""
        return dict(zip((s.key for s in self.selectors), key.split("|"), strict=False))

    def available(self, key: str) -> dict[str, set[str]]:
        """What each selector offers under `key`: that for which there are charts given the selectors before it."""
        selected, keys = key.split("|"), [k.split("|") for k in self.charts]
        return {
            selector.key: {parts[i] for parts in keys if parts[:i] == selected[:i]}
            for i, selector in enumerate(self.selectors)
        }


def rounded(values: Iterable[float | None]) -> Numbers:
    """Six significant digits: more can't be seen, and cost bytes; None where there is no number."""
    return [None if v is None or pd.isna(v) else float(f"{v:.6g}") for v in values]


def dash_of(runs: pd.DataFrame) -> dict[str, str]:
    """The dash of each run: by the rank of its size among the runs of its variant."""
    dashes = {}
    for _, group in runs.groupby("variant"):
        sizes = sorted(set(group["parameters"]), reverse=True)
        for name, parameters in zip(group["system"], group["parameters"], strict=True):
            dashes[name] = DASHES[min(sizes.index(parameters), len(DASHES) - 1)]
    return dashes
