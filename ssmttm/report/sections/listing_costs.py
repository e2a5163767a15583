"""The tables about quality against cost: fits, and what a design spends to score like another system."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pandas as pd

from ssmttm.numbers import COST_NAMES, cost_text, minus, plural, score_text, significant
from ssmttm.report.cells import Cell, Table, count, interval, kind, number, part_of, system_name, text
from ssmttm.report.scoreboard import Column, main_part
from ssmttm.statistics.power_law import POINTS
from ssmttm.study.folder import Study
from ssmttm.study.reach import FIRST
from ssmttm.study.rows import Fit, Reach, rows_of


def fits(study: Study, columns: list[Column]) -> Table:
    """The power laws with offset; where no curve has one, why."""
    frame = main_part(study["fits"], columns)
    laws, empty = rows_of(frame, Fit), "a fit needs scores at several checkpoints of a run"
    if laws and all(law.limit is None for law in laws):
        laws, empty = [], _without_fits(frame, study["progress"])
    rows = [
        {"Score": kind(r), "Design": text(r.variant), "Against": text(COST_NAMES[r.cost]),
         "Limit": _bounded(r.limit, r.limit_low, r.limit_high, partial(score_text, r.metric)),
         "Exponent": _bounded(r.exponent, r.exponent_low, r.exponent_high, significant),
         "R²": number(r.r2, lambda v: minus(f"{v:.2f}")), "Points": count(r.points), "Note": text(r.note)}
        for r in laws
    ]  # fmt: skip
    return part_of(study, "fits", rows, empty)


def _bounded(value: float | None, low: float | None, high: float | None, form: Callable[[float], str]) -> Cell:
    return number(value, form, interval(low, high, form))


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
    return ", ".join(f"{note} ({rows})" for note, rows in notes.str.split(";").str[0].value_counts().items())


def reach(study: Study, columns: list[Column]) -> Table:
    """What each design must spend to score like a target; where none is known to, why."""
    frame = main_part(study["reach"], columns)
    frame = frame[frame["cost"] == "flops"]
    answers, empty = rows_of(frame, Reach), "it needs a fit and a system whose score is to be reached"
    if answers and all(answer.value is None for answer in answers):
        empty = f"none of {plural(len(answers), 'question')} has an answer: {_counted(frame['note'])}"
        answers = []
    rows = [
        {"Score": kind(r), "Design": text(r.variant), "Target": text(system_name(r.target)),
         "Target’s score": number(r.target_value, partial(score_text, r.metric)), "FLOPs": _spent(r),
         "Share of the target’s": number(r.ratio, _percent, reaching(r.ratio_low, r.ratio_high, _percent)),
         "How it was found": text(r.note)}
        for r in answers
    ]  # fmt: skip
    return part_of(study, "reach", rows, empty)


def _spent(row: Reach) -> Cell:
    form = partial(cost_text, row.cost)
    cell = number(row.value, form, reaching(row.low, row.high, form))
    return replace(cell, text=f"≤ {cell.text}") if row.value is not None and FIRST in row.note else cell


def _percent(share: float) -> str:
    return f"{significant(100 * share)} %"


def reaching(low: float | None, high: float | None, form: Callable[[float], str]) -> str:
    """An interval that may lack an end: `2 to 5`, `at least 2`, `at most 5`; nothing without any."""
    if high is not None:
        return f"{form(low)} to {form(high)}" if low is not None and low > 0 else f"at most {form(high)}"
    return f"at least {form(low)}" if low is not None and low > 0 else ""
