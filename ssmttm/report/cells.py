"""What the page's smaller tables are made of: cells with the number behind their text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ssmttm.numbers import BASELINE_NAMES, known, metric_name, score_text
from ssmttm.report.scoreboard import Column

Cell = dict[str, Any]

REFERENCE = "codec"


@dataclass(frozen=True)
class Listing:
    """A table of the page: `look` says what to look for in it, `empty` why it has no rows."""

    id: str
    title: str
    look: str
    columns: list[tuple[str, bool]]
    rows: list[list[Cell]]
    empty: str
    left_out: int = 0
    """Rows that only the CSV has."""


def text(value: Any) -> Cell:
    """A cell of words."""
    return {"text": str(value), "value": None, "sub": ""}


def number(value: Any, shown: Callable[[float], str], sub: str = "") -> Cell:
    """A cell that sorts by its number; a dash where there is none."""
    if not known(value):
        return {"text": "–", "value": None, "sub": sub}
    return {"text": shown(float(value)), "value": float(value), "sub": sub}


def score(row: Any, value: str = "value") -> Cell:
    """A score of the row's metric with its interval below."""

    def shown(v: float) -> str:
        return score_text(row.metric, v)

    return number(getattr(row, value), shown, between(row.low, row.high, shown))


def between(low: Any, high: Any, shown: Callable[[float], str]) -> str:
    """`2 to 5`; nothing where an end is missing."""
    return f"{shown(float(low))} to {shown(float(high))}" if known(low) and known(high) else ""


def kind(row: Any) -> Cell:
    """Metric with its embedder."""
    return {"text": metric_name(row.metric), "value": None, "sub": row.embedder}


def system_name(system: str) -> str:
    """The name of a system on the page."""
    return BASELINE_NAMES.get(system, (system, ""))[0]


def main_part(frame: pd.DataFrame, shown: list[Column]) -> pd.DataFrame:
    """The rows of the main table's scores, in its order, against codec reconstructions."""
    order = {(c.metric, c.embedder): i for i, c in enumerate(shown)}
    ranks = pd.Series(
        [order.get(pair, -1) for pair in zip(frame["metric"], frame["embedder"], strict=True)],
        index=frame.index,
        dtype=int,
    )
    kept = ranks[ranks >= 0].sort_values(kind="stable").index
    found = frame.loc[kept]
    return found[found["reference"] == REFERENCE]
