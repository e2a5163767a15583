"""The study's smaller tables as the page lists them."""

from functools import partial

from ssmttm.numbers import budget_name, millions, score_text, significant
from ssmttm.report.cells import Cell, Table, count, interval, kind, number, part_of, score, system_name, text
from ssmttm.report.figures.sizes import BASES
from ssmttm.report.scoreboard import Column, main_part
from ssmttm.report.sections.listing_costs import fits, reach
from ssmttm.report.verdicts import verdict
from ssmttm.study.folder import Study
from ssmttm.study.rows import DesignMean, DesignTest, Difference, SizeScore, SmallerSize, rows_of


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
