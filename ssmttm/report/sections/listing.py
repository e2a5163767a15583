"""The study's smaller tables as the page lists them."""

from typing import Any

from ssmttm.numbers import budget_name, known, millions, score_text, significant
from ssmttm.report.cells import Cell, Listing, between, kind, main_part, number, score, system_name, text
from ssmttm.report.figures.sizes import BASES
from ssmttm.report.inputs import EMPTY, Study
from ssmttm.report.scoreboard import Column
from ssmttm.report.sections.listing_costs import fits, reach
from ssmttm.report.verdicts import rule, verdict


def differences(study: Study, shown: list[Column]) -> Listing:
    """Differences between two systems on the same captions."""
    frame = study["differences"]
    rows = main_part(frame, shown)
    return Listing(
        "differences",
        "Paired differences",
        "The score of the first system less that of the second, over the same captions. Look at the adjusted p-value "
        f"first. {rule(rows)}",
        [("Score", False), ("Budget", False), ("First", False), ("Second", False), ("Difference", True),
         ("p", True), ("Adjusted p", True), ("Verdict", False), ("Captions", True)],
        [
            [kind(r), text(budget_name(r.budget_kind, r.budget) if known(r.budget) else "–"), text(system_name(r.a)),
             text(system_name(r.b)), score(r, "difference"), number(r.p_value, significant),
             number(r.p_adjusted, significant), text(verdict(r)), number(r.n, lambda v: f"{v:,.0f}")]
            for r in rows.itertuples()
        ],
        EMPTY["differences"],
        len(frame) - len(rows),
    )  # fmt: skip


def scaling(study: Study, shown: list[Column]) -> Listing:
    """The points of the figure on scaling down."""
    frame = study["scaling"]
    rows = main_part(frame, shown)
    return Listing(
        "scaling",
        "Scores by size",
        "Look for how much a design loses from one size to the next smaller one, against the width of the intervals. "
        "With one seed, intervals cover only which captions were drawn.",
        [("Score", False), ("Design", False), ("At", False), ("Size", False),
         ("Parameters", True), ("Share of the largest", True), ("Seeds", True), ("Value", True)],
        [
            [kind(r), text(r.variant), text(BASES[r.basis]), text(r.size), number(r.parameters, millions), _share(r),
             number(r.seeds, lambda v: f"{v:.0f}"), score(r)]
            for r in rows.itertuples()
        ],
        EMPTY["scaling"],
        len(frame) - len(rows),
    )  # fmt: skip


def smaller(study: Study, shown: list[Column]) -> Listing:
    """What a design loses with fewer parameters."""
    frame = study["scaling_summary"]
    rows = main_part(frame, shown)
    sloped = bool(rows["slope"].notna().any())

    def slope(r: Any) -> Cell:
        def form(v: float) -> str:
            return score_text(r.metric, v)

        return number(r.slope, form, between(r.slope_low, r.slope_high, form) or r.slope_note or "")

    look = (
        "The score of a smaller size less that of the largest: the size whose share of the largest’s parameters is "
        "nearest to a fourth. Look for differences whose interval holds zero: there the smaller model is not shown to "
        "be worse. Whether one stands out among all pairs is in the paired differences. "
    )
    if sloped:
        look += "Each halving: the change of the score with each halving of the parameters, a line through all sizes."
    else:
        look += "The change with each halving of the parameters would need three sizes under one budget."
    return Listing(
        "scaling-summary",
        "What smaller models lose",
        look,
        [("Score", False), ("Design", False), ("At", False), ("Size", False), ("Share of the parameters", True),
         ("Smaller less largest", True), ("Paired", False), *([("Each halving", True)] if sloped else [])],
        [
            [kind(r), text(r.variant), text(BASES[r.basis]), text(r.smaller), _share(r), score(r, "difference"),
             text(r.paired), *([slope(r)] if sloped else [])]
            for r in rows.itertuples()
        ],
        EMPTY["scaling_summary"],
        len(frame) - len(rows),
    )  # fmt: skip


def _share(row: Any) -> Cell:
    """The share that a size's name is about, outside embeddings and heads where that is known; below it, of all."""
    if not known(row.core_fraction) or row.fraction == 1:
        return number(row.fraction, _percent, "of all")
    return number(row.core_fraction, _percent, f"outside embeddings and heads; {_percent(row.fraction)} of all")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def seeds(study: Study, shown: list[Column]) -> Listing:
    """Means over the seeds of a design."""
    frame = study["seeds"]
    rows = main_part(frame, shown)
    return Listing(
        "seeds",
        "Means over seeds",
        "The mean over training seeds with Student’s interval. Look for designs whose intervals are apart: "
        "they differ by more than luck of the seed.",
        [("Score", False), ("Budget", False), ("Size", False), ("Design", False),
         ("Seeds", True), ("Mean", True)],
        [
            [kind(r), text(budget_name(r.budget_kind, r.budget)), text(r.size), text(r.variant),
             number(r.seeds, lambda v: f"{v:.0f}"), score(r, "mean")]
            for r in rows.itertuples()
        ],
        EMPTY["seeds"],
        len(frame) - len(rows),
    )  # fmt: skip


def seed_tests(study: Study, shown: list[Column]) -> Listing:
    """Paired tests between designs across seeds."""
    frame = study["seed_tests"]
    rows = main_part(frame, shown)
    return Listing(
        "seed-tests",
        "Designs compared across seeds",
        "Differences of the means, paired by seed; p-values also adjusted for the number of pairs (Holm). Look at the "
        "number of seeds before the p-value: with few seeds it can’t be small.",
        [("Score", False), ("Budget", False), ("Size", False), ("First", False),
         ("Second", False), ("Seeds", True), ("Difference", True), ("p", True)],
        [
            [kind(r), text(budget_name(r.budget_kind, r.budget)), text(r.size), text(r.a), text(r.b),
             number(r.seeds, lambda v: f"{v:.0f}"), score(r, "difference"),
             number(r.p_value, significant, f"{significant(r.p_adjusted)} adjusted")]
            for r in rows.itertuples()
        ],
        EMPTY["seed_tests"],
        len(frame) - len(rows),
    )  # fmt: skip


LISTINGS = (differences, fits, reach, scaling, smaller, seeds, seed_tests)


def listings(study: Study, shown: list[Column]) -> dict[str, Listing]:
    """All of them, by id."""
    made = [build(study, shown) for build in LISTINGS]
    return {listing.id: listing for listing in made}
