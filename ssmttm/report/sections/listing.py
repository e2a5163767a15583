"""The pairs that the study's questions ask for, and how much less a design needs, as the page lists them."""

from functools import partial

from ssmttm.numbers import budget_name, significant
from ssmttm.report.cells import Table, count, interval, number, part_of, text
from ssmttm.report.sections.answers import nats
from ssmttm.study.answers import TEST
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import Efficiency, LossPair

SPLITS = {TEST: "new artists", "known": "known artists"}
"""Splits that losses are reported on, as the page calls them."""

UNITS = {"flops": "FLOPs", "steps": "steps", "seconds": "seconds"}


def loss_pairs(study: Study) -> Table:
    """Every pair that a question asks for; the verdict is empty where it is no news."""
    rows = [
        {"Question": text(r.question), "First": text(r.a), "Second": text(r.b), "Size": text(r.size or "–"),
         "Budget": text(budget_name(r.budget_kind, r.budget) if r.budget_kind and r.budget else "–"),
         "Clips": text(SPLITS.get(r.split, r.split)),
         "Second less first": number(r.difference, nats, interval(r.low, r.high, nats)),
         "Adjusted p": number(r.adjusted, partial(significant, digits=2)), "Seeds": count(r.seeds)}
        for r in rows_of(study["loss_pairs"], LossPair)
    ]  # fmt: skip
    return part_of(study, "loss_pairs", rows)


def efficiency(study: Study) -> Table:
    """How many times less one design needs to the loss of another; those that have no answer are in the file."""
    found = [r for r in rows_of(study["efficiency"], Efficiency) if r.times is not None]
    rows = [
        {"Design": text(r.a, f"size {r.size}"), "To the loss of": text(r.b),
         "Clips": text(SPLITS.get(r.split, r.split)),
         "Counted in": text(UNITS[r.unit]),
         "Times fewer": number(r.times, _times, interval(r.low, r.high, _times)), "Note": text(r.note)}
        for r in found
    ]  # fmt: skip
    return part_of(study, "efficiency", rows)


def _times(value: float) -> str:
    return f"{significant(value, 2)}×"
