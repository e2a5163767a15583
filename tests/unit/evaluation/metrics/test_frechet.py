import numpy as np
import pytest
from scipy.linalg import sqrtm

from ssmttm.evaluation.cautions import few_windows
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.statistics.bootstrap import mean_interval, percentile_interval, replicates, resamples, shifted_interval


def draw(seed, rows, dim, scale=1.0):
    return np.random.default_rng(seed).normal(size=(rows, dim)) * scale


def test_equal_sets_are_at_distance_zero():
    x = draw(0, 300, 20)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_a_shifted_mean_costs_its_squared_length():
    x, shift = draw(0, 300, 20), np.arange(20) / 10
    assert frechet_distance(x, x + shift) == pytest.approx(shift @ shift, rel=1e-9)


def test_diagonal_gaussians_have_the_closed_form():
    x = draw(1, 500, 6)
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T  # covariance is exactly the identity
    a, b = np.array([1, 2, 3, 0.5, 1, 4.0]), np.array([2, 2, 1, 0.1, 5, 1.0])
    assert frechet_distance(x * a, x * b) == pytest.approx(((a - b) ** 2).sum(), rel=1e-9)


def test_agrees_with_sqrtm_on_full_rank_data():
    x, y = draw(2, 400, 30) @ draw(3, 30, 30), draw(4, 500, 30) @ draw(5, 30, 30) + 1
    s1, s2 = np.cov(x.T), np.cov(y.T)
    shift = x.mean(0) - y.mean(0)
    expected = shift @ shift + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_fewer_windows_than_dimensions_stay_real_and_agree_with_the_symmetric_form():
    x, y = draw(6, 12, 60), draw(7, 9, 60) + 0.5
    roots, vectors = np.linalg.eigh(np.cov(x.T))
    half = vectors * np.sqrt(roots.clip(0)) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(half @ np.cov(y.T) @ half).clip(0)).sum()
    shift = x.mean(0) - y.mean(0)
    found = frechet_distance(x, y)
    assert isinstance(found, float) and found > 0
    assert found == pytest.approx(shift @ shift + np.trace(np.cov(x.T) + np.cov(y.T)) - 2 * overlap, rel=1e-5)
    assert "lack full rank" in few_windows(12, 60)[0] and "lack" not in few_windows(61, 60)[0]


def test_a_constant_set_is_no_special_case():
    assert frechet_distance(np.ones((5, 3)), np.zeros((4, 3))) == pytest.approx(3)


def test_is_symmetric_and_ignores_the_order_of_rows():
    x, y = draw(8, 80, 10), draw(9, 60, 10, 2.0)
    value = frechet_distance(x, y)
    assert frechet_distance(y, x) == pytest.approx(value, rel=1e-10)
    assert frechet_distance(x[::-1], y) == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize(("x", "y"), [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5,), (5,))])
def test_refuses_shapes_that_have_no_distance(x, y):
    with pytest.raises(ValueError):
        frechet_distance(np.zeros(x), np.zeros(y))


def test_intervals_of_a_mean_cover_the_true_mean_about_as_often_as_they_say():
    for clips in (8, 60):
        ends = [mean_interval(np.random.default_rng(seed).normal(3, 2, size=clips), 0.9) for seed in range(400)]
        assert 340 <= sum(low <= 3 <= high for low, high in ends) <= 380  # 360 expected


def test_resamples_depend_on_the_seed_and_on_nothing_else():
    assert np.array_equal(resamples(10, 5, 1), resamples(10, 5, 1))
    assert not np.array_equal(resamples(10, 5, 1), resamples(10, 5, 2))


def test_the_shifted_interval_holds_an_estimate_that_every_replicate_exceeds():
    x, y = draw(10, 30, 20), draw(11, 30, 20)
    value = frechet_distance(x, y)
    drawn = replicates(
        lambda counts: frechet_distance(*(np.repeat(a, counts.astype(int), axis=0) for a in (x, y))), 30, 100, 1
    )
    assert drawn == pytest.approx([frechet_distance(x[i], y[i]) for i in resamples(30, 100, 1)])
    assert drawn.min() > value  # why a plain percentile interval is of no use
    low, high, bias = shifted_interval(drawn, value, 0.95)
    assert low < value < high
    assert bias == pytest.approx(drawn.mean() - value)


def test_a_confidence_outside_zero_to_one_is_refused():
    with pytest.raises(ValueError, match="confidence"):
        percentile_interval(np.arange(5), 95)
