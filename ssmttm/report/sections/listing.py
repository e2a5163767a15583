"""The study's smaller tables as the page lists them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pandas as pd

from ssmttm.numbers import COST_NAMES, budget_name, cost_text, millions, minus, score_text, significant
from ssmttm.report.cells import Cell, Table, count, interval, kind, number, part_of, score, system_name, text
from ssmttm.report.figures.sizes import BASES
from ssmttm.report.scoreboard import Column, main_part
from ssmttm.report.verdicts import verdict
from ssmttm.statistics.power_law import POINTS
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study.reach import FIRST
from ssmttm.study_rows import DesignMean, DesignTest, Difference, Fit, Reach, SizeScore, SmallerSize
from ssmttm.wording import counted


def differences(study: Study, columns: list[Column]) -> Table:
    """Differences between two systems on the same captions."""
    rows = [
        {"Score": kind(r), "Budget": text(budget_name(r.budget_kind, r.budget)), "First": text(system_name(r.a)),
         "Second": text(system_name(r.b)), "Difference": score(r, r.difference, r.low, r.high),
         "p": number(r.p_value, significant), "Adjusted p": number(r.p_adjusted, significant),
         "Verdict": text(verdict(r)), "Captions": count(r.n)}
        for r in rows_of(main_part(study["differences"], columns), Difference)
    ]  # fmt: skip
    return part_of(study, "differences", rows)


def scaling(study: Study, columns: list[Column]) -> Table:
    """The points of the figure on scaling down."""
    rows = [
        {"Score": kind(r), "Design": text(r.variant), "At": text(BASES[r.basis]), "Size": text(r.size),
         "Parameters": number(r.parameters, millions), "Share of the largest": _share(r), "Seeds": count(r.seeds),
         "Value": score(r, r.value, r.low, r.high)}
        for r in rows_of(main_part(study["scaling"], columns), SizeScore)
    ]  # fmt: skip
    return part_of(study, "scaling", rows)


def smaller(study: Study, columns: list[Column]) -> Table:
    """What a design loses with fewer parameters; each halving where there are three sizes or more."""
    sizes = rows_of(main_part(study["scaling_summary"], columns), SmallerSize)
    sloped = any(size.slope is not None for size in sizes)
    rows = [
        {"Score": kind(r), "Design": text(r.variant), "At": text(BASES[r.basis]), "Size": text(r.smaller),
         "Share of the parameters": _share(r), "Smaller less largest": score(r, r.difference, r.low, r.high),
         "Paired": text(r.paired), **({"Each halving": _slope(r)} if sloped else {})}
        for r in sizes
    ]  # fmt: skip
    return part_of(study, "scaling_summary", rows)


def _slope(row: SmallerSize) -> Cell:
    form = partial(score_text, row.metric)
    return number(row.slope, form, interval(row.slope_low, row.slope_high, form) or row.slope_note)


def _share(row: SizeScore | SmallerSize) -> Cell:
    """The share that a size's name is about, outside embeddings and heads where that is known; below it, of all."""
    if row.core_fraction is None or row.fraction == 1:
        return number(row.fraction, _percent, "of all")
    return number(row.core_fraction, _percent, f"outside embeddings and heads; {_percent(row.fraction)} of all")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


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
        f"none of {counted(len(rows), 'curve')} could be fitted: {_counted(rows['note'])}. A fit needs scores at "
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
        empty = f"none of {counted(len(answers), 'question')} has an answer: {_counted(frame['note'])}"
        answers = []
    rows = [
        {"Score": kind(r), "Design": text(r.variant), "Target": text(system_name(r.target)),
         "Target’s score": number(r.target_value, partial(score_text, r.metric)), "FLOPs": _spent(r),
         "Share of the target’s": number(r.ratio, _share_text, reaching(r.ratio_low, r.ratio_high, _share_text)),
         "How it was found": text(r.note)}
        for r in answers
    ]  # fmt: skip
    return part_of(study, "reach", rows, empty)


def _spent(row: Reach) -> Cell:
    form = partial(cost_text, row.cost)
    cell = number(row.value, form, reaching(row.low, row.high, form))
    return replace(cell, text=f"≤ {cell.text}") if row.value is not None and FIRST in row.note else cell


def _share_text(share: float) -> str:
    return f"{significant(100 * share)} %"


def reaching(low: float | None, high: float | None, form: Callable[[float], str]) -> str:
    """An interval that may lack an end: `2 to 5`, `at least 2`, `at most 5`; nothing without any."""
    if high is not None:
        return f"{form(low)} to {form(high)}" if low is not None and low > 0 else f"at most {form(high)}"
    return f"at least {form(low)}" if low is not None and low > 0 else ""


def seeds(study: Study, columns: list[Column]) -> Table:
    """Means over the seeds of a design."""
    rows = [
        {"Score": kind(r), "Budget": text(budget_name(r.budget_kind, r.budget)), "Size": text(r.size),
         "Design": text(r.variant), "Seeds": count(r.seeds), "Mean": score(r, r.mean, r.low, r.high)}
        for r in rows_of(main_part(study["seeds"], columns), DesignMean)
    ]  # fmt: skip
    return part_of(study, "seeds", rows)


def seed_tests(study: Study, columns: list[Column]) -> Table:
    """Paired tests between designs across seeds."""
    rows = [
        {"Score": kind(r), "Budget": text(budget_name(r.budget_kind, r.budget)), "Size": text(r.size),
         "First": text(r.a), "Second": text(r.b), "Seeds": count(r.seeds),
         "Difference": score(r, r.difference, r.low, r.high),
         "p": number(r.p_value, significant, f"{significant(r.p_adjusted)} adjusted")}
        for r in rows_of(main_part(study["seed_tests"], columns), DesignTest)
    ]  # fmt: skip
    return part_of(study, "seed_tests", rows)


def listings(study: Study, columns: list[Column]) -> dict[str, Table]:
    """All of them, by id."""
    tables = [build(study, columns) for build in (differences, fits, reach, scaling, smaller, seeds, seed_tests)]
    return {table.id: table for table in tables}
