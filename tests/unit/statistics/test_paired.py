import numpy as np
import pytest
from scipy.stats import norm, ttest_rel

from ssmttm.errors import UserError
from ssmttm.statistics import paired
from ssmttm.statistics.bootstrap import mean_interval, percentile_interval, resamples
from ssmttm.statistics.paired import (
    bootstrap_p,
    holm,
    paired_scores,
    paired_seeds,
    seed_interval,
    sign_flip_p,
)


def test_what_is_common_to_a_caption_does_not_widen_the_interval():
    rng = np.random.default_rng(0)
    captions = rng.normal(size=80) * 5
    a, b = captions + 0.5 + 0.1 * rng.normal(size=80), captions + 0.1 * rng.normal(size=80)
    found = paired_scores(a, b, 0.95, 1)
    assert found.low < 0.5 < found.high and found.high - found.low < 0.1
    assert found.p_value == pytest.approx(1 / 10000)
    alone = mean_interval(a, 0.95)
    assert alone[1] - alone[0] > 10 * (found.high - found.low)


def test_a_bootstrap_p_value_is_where_the_interval_reaches_zero():
    drawn = np.random.default_rng(0).normal(1.0, 0.6, 4000)
    p = bootstrap_p(drawn)
    low, _ = percentile_interval(drawn, 1 - p)
    assert low == pytest.approx(0, abs=0.02)
    assert bootstrap_p(-drawn) == p
    assert bootstrap_p(np.full(199, 3.0)) == 2 / 200 and bootstrap_p(drawn - drawn.mean()) > 0.9
    assert bootstrap_p(np.zeros(10)) == 1
    far = 5 + np.random.default_rng(1).normal(size=199)
    assert bootstrap_p(far) == pytest.approx(2 * norm.sf(5), rel=3) and bootstrap_p(far) < 1e-4


def test_p_values_of_several_tests_are_raised_in_steps():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.01, 0.04, 0.03, 0.9]) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1]) and holm([0.2]) == pytest.approx([0.2])


def test_exact_p_values_can_be_counted_by_hand():
    assert sign_flip_p(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert sign_flip_p(np.array([1.0, -1.0])) == 1
    assert sign_flip_p(np.zeros(20)) == 1
    assert sign_flip_p(np.full(5, 0.1)) == 2 / 32


def test_drawn_signs_agree_with_all_of_them(monkeypatch):
    d = np.random.default_rng(3).normal(0.4, 1, size=12)
    exact = sign_flip_p(d)
    monkeypatch.setattr(paired, "EXACT", 0)
    assert sign_flip_p(d, seed=1) == pytest.approx(exact, abs=0.02)
    assert sign_flip_p(d, seed=1) == sign_flip_p(d, seed=1)


def test_of_equal_systems_few_p_values_are_small():
    small = 0
    for seed in range(200):
        a, b = np.random.default_rng(seed).normal(size=(2, 30))
        small += sign_flip_p(a - b, seed, 999) <= 0.1
    assert 8 <= small <= 34  # 20 expected


def test_seeds_have_student_s_interval():
    found = seed_interval(np.array([1.0, 2.0, 3.0]), 0.95)
    assert (found.mean, found.seeds) == (2, 3)
    assert found.high - found.mean == pytest.approx(4.302652729911275 / np.sqrt(3))
    assert seed_interval(np.array([4.0, 4.0])).low == 4


def test_seeds_are_paired():
    a, b = np.array([3.0, 5.0, 9.0, 4.0]), np.array([2.0, 4.1, 7.9, 3.0])
    found = paired_seeds(a, b)
    assert found.p_value == pytest.approx(ttest_rel(a, b).pvalue)
    assert found.low < found.difference < found.high and found.pairs == 4
    assert paired_seeds(a, a).p_value == 1


def test_one_seed_says_that_it_can_not_tell():
    with pytest.raises(UserError, match="at least two seeds"):
        seed_interval(np.array([1.0]))
    with pytest.raises(UserError, match="at least two seeds"):
        paired_seeds(np.array([1.0]), np.array([2.0]))


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0, 2.0], [1.0], "not paired"),
        ([1.0], [1.0], "two captions"),
        ([np.nan, 1.0], [0.0, 1.0], "finite"),
        ([[1.0, 2.0]], [[1.0, 2.0]], "finite scores"),
    ],
)
def test_what_is_not_paired_is_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        paired_scores(a, b, 0.9, 0)


def test_no_resample_is_of_one_clip_alone():
    drawn = resamples(3, 500, 1)
    assert drawn.shape == (500, 3) and all(len(set(index)) > 1 for index in drawn.tolist())
    assert set(drawn.ravel()) == {0, 1, 2} and (resamples(1, 5, 1) == 0).all()
    assert np.array_equal(resamples(24, 50, 1), np.random.default_rng(1).integers(0, 24, size=(50, 24)))
