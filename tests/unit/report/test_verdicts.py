"""Which of two systems is better: by adjusted p-values only."""

from dataclasses import replace

import pytest

from ssmttm.report.verdicts import is_significant, level, verdict
from ssmttm.study_rows import Difference

ROW = Difference(
    embedder="musicnn", metric="kl", reference="codec", budget_kind="iterations", budget=9.0, a="a", b="b",
    difference=0.5, low=0.1, high=0.9, p_value=0.01, p_adjusted=0.04, confidence=0.95, n=8, better="lower",
)  # fmt: skip


def row(**more):
    return replace(ROW, **more)


def test_a_verdict_needs_an_adjusted_p_below_the_level_whatever_the_interval_says():
    assert verdict(row()) == "second is better"
    assert verdict(row(p_adjusted=0.05)) == verdict(row(p_adjusted=0.2)) == "no significant difference"
    assert verdict(row(p_adjusted=0.08, confidence=0.9)) == "second is better"
    assert verdict(row(low=-0.1)) == "second is better"
    assert verdict(row(p_adjusted=None)) == "not tested" and not is_significant(row(p_adjusted=None))


@pytest.mark.parametrize(("better", "sign", "first"), [("higher", 1, True), ("higher", -1, False), ("lower", -1, True)])
def test_the_better_one_is_named_by_direction_and_sign(better, sign, first):
    assert verdict(row(better=better, difference=sign * 0.5)).startswith("first" if first else "second")


def test_the_level_is_what_the_confidence_leaves():
    assert (level(0.95), level(0.9)) == (0.05, 0.1)
