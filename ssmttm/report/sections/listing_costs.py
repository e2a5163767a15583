"""The tables about quality against cost: fits, and what a design spends to score like another system."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from ssmttm.numbers import COST_NAMES, cost_text, known, plural, score_text, significant
from ssmttm.report.cells import Cell, Listing, between, kind, main_part, number, system_name, text
from ssmttm.report.inputs import EMPTY, Study
from ssmttm.report.scoreboard import Column
from ssmttm.statistics.power_law import POINTS
from ssmttm.study.reach import FIRST


def fits(study: Study, shown: list[Column]) -> Listing:
    """The power laws with offset; where no curve has one, why."""
    frame = study["fits"]
    rows = main_part(frame, shown)
    empty = EMPTY["fits"]
    if len(rows) and rows["limit"].isna().all():
        empty = _without_fits(rows, study["progress"])
        rows = rows.iloc[:0]

    def bounded(r: Any, name: str, form: Callable[[float], str]) -> Cell:
        return number(getattr(r, name), form, between(getattr(r, f"{name}_low"), getattr(r, f"{name}_high"), form))

    return Listing(
        "fits",
        "Fits: score = limit ± scale × cost⁻ᵉˣᵖᵒⁿᵉⁿᵗ",
        "The limit is where the score tends to with ever more cost, the exponent how fast. All points of a curve are "
        "resampled over the same captions. Look at the intervals first: a wide one says that these points don’t tell.",
        [("Score", False), ("Design", False), ("Against", False), ("Limit", True),
         ("Exponent", True), ("R²", True), ("Points", True), ("Note", False)],
        [
            [kind(r), text(r.variant), text(COST_NAMES[r.cost]),
             bounded(r, "limit", partial(score_text, r.metric)), bounded(r, "exponent", significant),
             number(r.r2, lambda v: f"{v:.2f}".replace("-", "−")), number(r.points, lambda v: f"{v:,.0f}"),
             text(r.note or "")]
            for r in rows.itertuples()
        ],
        empty,
        len(frame) - len(rows),
    )  # fmt: skip


def _without_fits(rows: pd.DataFrame, progress: pd.DataFrame) -> str:
    """Why none of these curves has a fit, and what would help."""
    scored = progress.dropna(subset=["checkpoint"]).groupby("run")["checkpoint"].nunique()
    few = f" (now {scored.min()} a run)" if len(scored) else ""
    return (
        f"none of {plural(len(rows), 'curve')} could be fitted: {_counted(rows['note'])}. A fit needs scores at "
        f"{POINTS} costs and a trend that stands out of their noise: score more checkpoints{few} by naming more "
        "fractions in evaluation.checkpoints, and more captions by generation.prompts"
    )


def _counted(notes: pd.Series) -> str:
    """`too few (3), too noisy (1)`: notes with how many rows have each."""
    return ", ".join(f"{note} ({count})" for note, count in notes.str.split(";").str[0].value_counts().items())


def reach(study: Study, shown: list[Column]) -> Listing:
    """What each design must spend to score like a target; where none is known to, why."""
    frame = study["reach"]
    rows = main_part(frame, shown)
    rows = rows[rows["cost"] == "flops"]
    empty = EMPTY["reach"]
    if len(rows) and rows["value"].isna().all():
        empty = f"none of {plural(len(rows), 'question')} has an answer: {_counted(rows['note'])}"
        rows = rows.iloc[:0]

    def spent(r: Any) -> Cell:
        def form(v: float) -> str:
            return cost_text(r.cost, v)

        cell = number(r.value, form, reaching(r.low, r.high, form))
        return {**cell, "text": f"≤ {cell['text']}"} if known(r.value) and FIRST in r.note else cell

    def share(r: Any) -> Cell:
        def form(v: float) -> str:
            return f"{significant(100 * v)} %"

        return number(r.ratio, form, reaching(r.ratio_low, r.ratio_high, form))

    return Listing(
        "reach",
        "FLOPs to reach another system’s score",
        "Training FLOPs of a design until its score is the target’s final one, and their share of what the target "
        "needed for it: where its own curve first has that score, or all its training if it has no curve here. "
        "Scores of all points and of the target are resampled over the same captions. Look at the last column: a "
        "measured value is worth more than one beyond the last point.",
        [("Score", False), ("Design", False), ("Target", False), ("Target’s score", True),
         ("FLOPs", True), ("Share of the target’s", True), ("How it was found", False)],
        [
            [kind(r), text(r.variant), text(system_name(r.target)),
             number(r.target_value, partial(score_text, r.metric)), spent(r), share(r), text(r.note or "")]
            for r in rows.itertuples()
        ],
        empty,
        len(frame) - len(rows),
    )  # fmt: skip


def reaching(low: Any, high: Any, form: Callable[[float], str]) -> str:
    """An interval that may lack an end: `2 to 5`, `at least 2`, `at most 5`; nothing without any."""
    if known(high):
        return f"{form(low)} to {form(high)}" if known(low) and low > 0 else f"at most {form(high)}"
    return f"at least {form(low)}" if known(low) and low > 0 else ""
