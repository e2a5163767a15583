"""The study's smaller tables as the page lists them."""

from functools import partial

from ssmttm.numbers import budget_name, millions, score_text, significant
from ssmttm.report.cells import Cell, Table, count, interval, kind, number, score, study_table, text
from ssmttm.report.cells import system_name as name
from ssmttm.report.figures.sizes import BASES
from ssmttm.report.scoreboard import Column, main_part
from ssmttm.report.sections.listing_costs import fits, reach
from ssmttm.report.verdicts import rule, verdict
from ssmttm.study.folder import Study
from ssmttm.study.rows import DesignMean, DesignTest, Difference, SizeScore, SmallerSize, rows_of


def differences(study: Study, columns: list[Column]) -> Table:
    """Differences between two systems on the same captions."""
    frame = main_part(study["differences"], columns)
    return study_table(
        study,
        "differences",
        "Paired differences",
        "The score of the first system less that of the second, over the same captions. Look at the adjusted p-value "
        f"first. {rule(frame)}",
        ("Score", "Budget", "First", "Second", "Difference", "p", "Adjusted p", "Verdict", "Captions"),
        [
            [kind(r), text(budget_name(r.budget_kind, r.budget)), text(name(r.a)), text(name(r.b)),
             score(r, r.difference, r.low, r.high), number(r.p_value, significant), number(r.p_adjusted, significant),
             text(verdict(r)), count(r.n)]
            for r in rows_of(frame, Difference)
        ],
        "a paired difference needs two systems with the same captions under one budget",
    )  # fmt: skip


def scaling(study: Study, columns: list[Column]) -> Table:
    """The points of the figure on scaling down."""
    return study_table(
        study,
        "scaling",
        "Scores by size",
        "Look for how much a design loses from one size to the next smaller one, against the width of the intervals. "
        "With one seed, intervals cover only which captions were drawn.",
        ("Score", "Design", "At", "Size", "Parameters", "Share of the largest", "Seeds", "Value"),
        [
            [kind(r), text(r.variant), text(BASES[r.basis]), text(r.size), number(r.parameters, millions), _share(r),
             count(r.seeds), score(r, r.value, r.low, r.high)]
            for r in rows_of(main_part(study["scaling"], columns), SizeScore)
        ],
    )  # fmt: skip


def smaller(study: Study, columns: list[Column]) -> Table:
    """What a design loses with fewer parameters."""
    rows = rows_of(main_part(study["scaling_summary"], columns), SmallerSize)
    sloped = any(row.slope is not None for row in rows)
    if sloped:
        halving = "Each halving: the change of the score with each halving of the parameters, a line through all sizes."
    else:
        halving = "The change with each halving of the parameters would need three sizes under one budget."
    return study_table(
        study,
        "scaling_summary",
        "What smaller models lose",
        "The score of a smaller size less that of the largest: the size whose share of the largest’s parameters is "
        "nearest to a fourth. Look for differences whose interval holds zero: there the smaller model is not shown to "
        f"be worse. Whether one stands out among all pairs is in the paired differences. {halving}",
        ("Score", "Design", "At", "Size", "Share of the parameters", "Smaller less largest", "Paired",
         *(["Each halving"] if sloped else [])),
        [
            [kind(r), text(r.variant), text(BASES[r.basis]), text(r.smaller), _share(r),
             score(r, r.difference, r.low, r.high), text(r.paired), *([_slope(r)] if sloped else [])]
            for r in rows
        ],
    )  # fmt: skip


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
    return study_table(
        study,
        "seeds",
        "Means over seeds",
        "The mean over training seeds with Student’s interval. Look for designs whose intervals don’t overlap: they "
        "differ by more than the luck of the seed.",
        ("Score", "Budget", "Size", "Design", "Seeds", "Mean"),
        [
            [kind(r), text(budget_name(r.budget_kind, r.budget)), text(r.size), text(r.variant), count(r.seeds),
             score(r, r.mean, r.low, r.high)]
            for r in rows_of(main_part(study["seeds"], columns), DesignMean)
        ],
        "every run has one seed, so how much a score changes from seed to seed is not known",
    )  # fmt: skip


def seed_tests(study: Study, columns: list[Column]) -> Table:
    """Paired tests between designs across seeds."""
    return study_table(
        study,
        "seed_tests",
        "Designs compared across seeds",
        "Differences of the means, paired by seed; p-values also adjusted for the number of pairs (Holm). Look at the "
        "number of seeds before the p-value: with few seeds it can’t be small.",
        ("Score", "Budget", "Size", "First", "Second", "Seeds", "Difference", "p"),
        [
            [kind(r), text(budget_name(r.budget_kind, r.budget)), text(r.size), text(r.a), text(r.b), count(r.seeds),
             score(r, r.difference, r.low, r.high),
             number(r.p_value, significant, f"{significant(r.p_adjusted)} adjusted")]
            for r in rows_of(main_part(study["seed_tests"], columns), DesignTest)
        ],
        "a test across seeds needs two designs with the same two or more seeds",
    )  # fmt: skip


LISTINGS = (differences, fits, reach, scaling, smaller, seeds, seed_tests)


def listings(study: Study, columns: list[Column]) -> dict[str, Table]:
    """All of them, by id."""
    return {table.id: table for table in (build(study, columns) for build in LISTINGS)}
