"""The study's smaller tables as the page lists them: cells with the number behind their text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ssmttm.reporting.inputs import EMPTY, Study
from ssmttm.reporting.numbers import (
    BASELINE_NAMES,
    COST_NAMES,
    budget_name,
    cost_text,
    known,
    metric_name,
    millions,
    score_text,
    significant,
)
from ssmttm.reporting.scoreboard import Column
from ssmttm.reporting.sizes import BASES

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


def _score(row: Any, value: str = "value") -> Cell:
    def shown(v: float) -> str:
        return score_text(row.metric, v)

    interval = f"{shown(row.low)} to {shown(row.high)}" if known(row.low) and known(row.high) else ""
    return number(getattr(row, value), shown, interval)


def _kind(row: Any) -> Cell:
    """Metric with its embedder."""
    return {"text": metric_name(row.metric), "value": None, "sub": row.embedder}


def _name(system: str) -> str:
    return BASELINE_NAMES.get(system, (system, ""))[0]


def _main(frame: pd.DataFrame, shown: list[Column]) -> pd.DataFrame:
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


def differences(study: Study, shown: list[Column]) -> Listing:
    """Differences between two systems on the same captions."""
    frame = study["differences"]
    rows = _main(frame, shown)
    return Listing(
        "differences",
        "Paired differences",
        "The score of the first system less that of the second, over the same captions. Look for intervals that don’t "
        "hold zero: only these tell two systems apart. With many pairs, some do so by chance.",
        [("Score", False), ("Budget", False), ("First", False), ("Second", False),
         ("Difference", True), ("Verdict", False), ("Captions", True)],
        [
            [_kind(r), text(budget_name(r.budget_kind, r.budget) if known(r.budget) else "–"), text(_name(r.a)),
             text(_name(r.b)), _score(r, "difference"), text(verdict(r)), number(r.n, lambda v: f"{v:,.0f}")]
            for r in rows.itertuples()
        ],
        EMPTY["differences"],
        len(frame) - len(rows),
    )  # fmt: skip


def verdict(row: Any) -> str:
    """Which of two systems is better, if the interval of their difference says so."""
    if row.low <= 0 <= row.high:
        return "not told apart"
    first = (row.difference > 0) == (row.better == "higher")
    return "first is better" if first else "second is better"


def fits(study: Study, shown: list[Column]) -> Listing:
    """The power laws with offset."""
    frame = study["fits"]
    rows = _main(frame, shown)

    def bounded(r: Any, name: str, form: Callable[[float], str]) -> Cell:
        low, high = getattr(r, f"{name}_low"), getattr(r, f"{name}_high")
        sub = f"{form(low)} to {form(high)}" if known(low) and known(high) else ""
        return number(getattr(r, name), form, sub)

    return Listing(
        "fits",
        "Fits: score = limit ± scale × cost⁻ᵉˣᵖᵒⁿᵉⁿᵗ",
        "The limit is where the score tends to with ever more cost, the exponent how fast. Look at the intervals "
        "first: a wide one says that these points don’t tell.",
        [("Score", False), ("Design", False), ("Against", False), ("Limit", True),
         ("Exponent", True), ("R²", True), ("Points", True), ("Note", False)],
        [
            [_kind(r), text(r.variant), text(COST_NAMES[r.cost]),
             bounded(r, "limit", lambda v, m=r.metric: score_text(m, v)), bounded(r, "exponent", significant),
             number(r.r2, lambda v: f"{v:.2f}".replace("-", "−")), number(r.points, lambda v: f"{v:,.0f}"),
             text(r.note or "")]
            for r in rows.itertuples()
        ],
        EMPTY["fits"],
        len(frame) - len(rows),
    )  # fmt: skip


def reach(study: Study, shown: list[Column]) -> Listing:
    """What each design must spend to score like a target."""
    frame = study["reach"]
    rows = _main(frame, shown)
    rows = rows[rows["cost"] == "flops"]

    def spent(r: Any) -> Cell:
        def form(v: float) -> str:
            return cost_text(r.cost, v)

        low = form(r.low) if known(r.low) else "0"
        sub = f"{low} to {form(r.high) if known(r.high) else 'no bound'}" if known(r.value) else ""
        return number(r.value, form, sub)

    def share(r: Any) -> Cell:
        def form(v: float) -> str:
            return f"{significant(100 * v)} %"

        high = form(r.ratio_high) if known(r.ratio_high) else "no bound"
        low = form(r.ratio_low) if known(r.ratio_low) else "0 %"
        return number(r.ratio, form, f"{low} to {high}" if known(r.ratio) else "")

    return Listing(
        "reach",
        "FLOPs to reach another system’s score",
        "Training FLOPs of a design until its score is the target’s, and their share of the target’s own. "
        "Look at the last column: a measured value is worth more than one beyond the last point.",
        [("Score", False), ("Design", False), ("Target", False), ("Target’s score", True),
         ("FLOPs", True), ("Of the target’s cost", True), ("How it was found", False)],
        [
            [_kind(r), text(r.variant), text(_name(r.target)),
             number(r.target_value, lambda v, m=r.metric: score_text(m, v)), spent(r), share(r), text(r.note or "")]
            for r in rows.itertuples()
        ],
        EMPTY["reach"],
        len(frame) - len(rows),
    )  # fmt: skip


def scaling(study: Study, shown: list[Column]) -> Listing:
    """The points of the figure on scaling down."""
    frame = study["scaling"]
    rows = _main(frame, shown)
    return Listing(
        "scaling",
        "Scores by size",
        "Look for how much a design loses from one size to the next smaller one, against the width of the intervals. "
        "With one seed, intervals cover only which captions were drawn.",
        [("Score", False), ("Design", False), ("At", False), ("Size", False),
         ("Parameters", True), ("Seeds", True), ("Value", True)],
        [
            [_kind(r), text(r.variant), text(BASES[r.basis]), text(r.size), number(r.parameters, millions),
             number(r.seeds, lambda v: f"{v:.0f}"), _score(r)]
            for r in rows.itertuples()
        ],
        EMPTY["scaling"],
        len(frame) - len(rows),
    )  # fmt: skip


def quarter(study: Study, shown: list[Column]) -> Listing:
    """What a fourth of the parameters costs each design."""
    frame = study["scaling_summary"]
    rows = _main(frame, shown)

    def slope(r: Any) -> Cell:
        def form(v: float) -> str:
            return score_text(r.metric, v)

        sub = f"{form(r.slope_low)} to {form(r.slope_high)}" if known(r.slope_low) else r.slope_note or ""
        return number(r.slope, form, sub)

    return Listing(
        "scaling-summary",
        "What smaller models lose",
        "The score of the size nearest to a fourth of the parameters less that of the largest, and the change with "
        "each halving. Look for differences whose interval holds zero: there the smaller model is not shown to "
        "be worse.",
        [("Score", False), ("Design", False), ("At", False), ("Sizes", True), ("A fourth less the whole", True),
         ("Paired", False), ("Each halving", True), ("Note", False)],
        [
            [_kind(r), text(r.variant), text(BASES[r.basis]), number(r.sizes, lambda v: f"{v:.0f}"),
             _score(r, "difference"), text(r.paired or "–"), slope(r), text(r.note or "")]
            for r in rows.itertuples()
        ],
        EMPTY["scaling_summary"],
        len(frame) - len(rows),
    )  # fmt: skip


def seeds(study: Study, shown: list[Column]) -> Listing:
    """Means over the seeds of a design."""
    frame = study["seeds"]
    rows = _main(frame, shown)
    return Listing(
        "seeds",
        "Means over seeds",
        "The mean over training seeds with Student’s interval. Look for designs whose intervals are apart: "
        "they differ by more than luck of the seed.",
        [("Score", False), ("Budget", False), ("Size", False), ("Design", False),
         ("Seeds", True), ("Mean", True)],
        [
            [_kind(r), text(budget_name(r.budget_kind, r.budget)), text(r.size), text(r.variant),
             number(r.seeds, lambda v: f"{v:.0f}"), _score(r, "mean")]
            for r in rows.itertuples()
        ],
        EMPTY["seeds"],
        len(frame) - len(rows),
    )  # fmt: skip


def seed_tests(study: Study, shown: list[Column]) -> Listing:
    """Paired tests between designs across seeds."""
    frame = study["seed_tests"]
    rows = _main(frame, shown)
    return Listing(
        "seed-tests",
        "Designs compared across seeds",
        "Differences of the means, paired by seed; p-values also adjusted for the number of pairs (Holm). Look at the "
        "number of seeds before the p-value: with few seeds it can’t be small.",
        [("Score", False), ("Budget", False), ("Size", False), ("First", False),
         ("Second", False), ("Seeds", True), ("Difference", True), ("p", True)],
        [
            [_kind(r), text(budget_name(r.budget_kind, r.budget)), text(r.size), text(r.a), text(r.b),
             number(r.seeds, lambda v: f"{v:.0f}"), _score(r, "difference"),
             number(r.p_value, significant, f"{significant(r.p_adjusted)} adjusted")]
            for r in rows.itertuples()
        ],
        EMPTY["seed_tests"],
        len(frame) - len(rows),
    )  # fmt: skip


LISTINGS = (differences, fits, reach, scaling, quarter, seeds, seed_tests)


def listings(study: Study, shown: list[Column]) -> dict[str, Listing]:
    """All of them, by id."""
    made = [build(study, shown) for build in LISTINGS]
    return {listing.id: listing for listing in made}
