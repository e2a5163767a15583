"""Which of two systems is better: by adjusted p-values only."""

import numpy as np
import pandas as pd
import pytest

from ssmttm.report.verdicts import rule, told_apart, verdict

ROW = {"low": 0.1, "high": 0.9, "difference": 0.5, "better": "lower", "p_value": 0.01, "p_adjusted": 0.04}
ROW |= {"confidence": 0.95}


def row(**more):
    return pd.Series({**ROW, **more})


def test_a_verdict_needs_an_adjusted_p_below_the_level_whatever_the_interval_says():
    assert verdict(row()) == "second is better"
    assert verdict(row(p_adjusted=0.05)) == verdict(row(p_adjusted=0.2)) == "not told apart"
    assert verdict(row(p_adjusted=0.08, confidence=0.9)) == "second is better"
    assert verdict(row(low=-0.1)) == "second is better"
    assert verdict(row(p_adjusted=np.nan)) == "not tested" and not told_apart(row(p_adjusted=None))


@pytest.mark.parametrize(("better", "sign", "first"), [("higher", 1, True), ("higher", -1, False), ("lower", -1, True)])
def test_the_better_one_is_named_by_direction_and_sign(better, sign, first):
    assert verdict(row(better=better, difference=sign * 0.5)).startswith("first" if first else "second")


def test_the_rule_is_told_with_its_level():
    assert "adjusted p below 0.05" in rule(pd.DataFrame([ROW]))
    assert rule(pd.DataFrame([ROW]).iloc[:0]) == ""
