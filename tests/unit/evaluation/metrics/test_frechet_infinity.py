import numpy as np
import pytest
from clip_sets import SETTINGS, clips, exact

from ssmttm.evaluation.gaussian import Projected, statistics
from ssmttm.evaluation.metric import Settings
from ssmttm.evaluation.metrics import frechet_infinity as module
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.evaluation.metrics.frechet_infinity import (
    evaluate,
    extrapolate,
    frechet_infinity,
    interval,
    replicated,
    sample_sizes,
)


def draw(seed, rows, dim=24, shift=0.0):
    return np.random.default_rng(seed).normal(size=(rows, dim)) + shift


def test_a_line_in_one_over_n_is_found_again():
    sizes = sample_sizes(5000)
    fit = extrapolate(sizes, [2.5 + 300 / n for n in sizes])
    assert (fit.value, fit.slope, fit.r_squared) == pytest.approx((2.5, 300, 1))
    assert fit.error == pytest.approx(0, abs=1e-9)


def test_sizes_are_those_of_fadtk_where_there_are_enough_windows():
    assert sample_sizes(5000) == [int(n) for n in np.linspace(500, 5000, 25)]
    few = sample_sizes(100)
    assert (few[0], few[-1], len(few)) == (25, 100, 25)


def test_weighted_rows_are_repeated_rows():
    x, y = draw(0, 60), draw(1, 200)
    counts = np.random.default_rng(2).integers(0, 3, 60)
    repeated = frechet_distance(np.repeat(x, counts, axis=0), y)
    assert Projected(x, *statistics(y)).distance(counts) == pytest.approx(repeated, rel=1e-9)
    few = np.where(np.arange(60) < 10, counts, 0)
    repeated = frechet_distance(np.repeat(x, few, axis=0), y)
    assert Projected(x, *statistics(y)).distance(few) == pytest.approx(repeated, rel=1e-7)


def test_without_replacement_the_bias_goes_and_with_it_the_sample_s_own_stays():
    reference = exact(4000, 24, 0)  # the very distribution that the samples come from
    plain, drawn, distinct = [], [], []
    for seed in range(6):
        x = draw(seed, 1200)
        plain.append(frechet_distance(x, reference))
        drawn.append(frechet_infinity(x, reference, least=200, seed=seed).intercept)
        distinct.append(frechet_infinity(x, reference, least=200, seed=seed, replacement=False).intercept)
    assert np.mean(plain) > 0.1
    assert np.mean(drawn) == pytest.approx(np.mean(plain), rel=0.15)
    assert abs(np.mean(distinct)) < 0.15 * np.mean(plain)


def test_the_value_depends_on_the_seed_alone_and_little():
    x, y = draw(0, 2000, shift=0.3), draw(1, 2000)
    values = [frechet_infinity(x, y, seed=seed).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert values[0] == pytest.approx(values[2], rel=0.05)


def test_the_short_cut_of_the_interval_is_as_wide_as_fits_of_every_resample():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(8, 6)) * 0.5 + rng.normal(size=6) for _ in range(60)]
    y = draw(1, 500, 6, 0.5)
    fit, drawn = replicated(parts, y, Settings(150, 0.9, 0), points=9, least=60)
    low, high = interval(drawn, 0.9)
    assert low < fit.value < high
    full = []
    for index in rng.integers(0, 60, (150, 60)):
        drawn = np.concatenate([parts[i] for i in index])
        full.append(frechet_infinity(drawn, y, points=9, least=60, seed=int(index[0])).intercept)
    width = np.subtract(*np.quantile(full, [0.95, 0.05]))
    assert (high - low) / width == pytest.approx(1, abs=0.3)


def test_a_score_gives_its_fit_and_the_value_without_replacement():
    found = evaluate(clips(0), clips(1, shift=0.5), SETTINGS)
    assert found["low"] <= found["value"] <= found["high"]
    assert 0 <= found["r_squared"] <= 1 and found["slope"] > 0
    assert found["also"][0]["metric"] == "frechet_infinity_distinct"
    assert "without replacement" in found["also"][0]["definition"] and "with replacement" in module.DEFINITION


def test_the_same_audio_is_zero_by_construction():
    found = evaluate(clips(0), clips(0), SETTINGS)
    assert (found["value"], found["low"], found["high"]) == (0, 0, 0) and "by construction" in found["warnings"][0]


def test_too_little_to_fit_is_refused():
    with pytest.raises(ValueError, match="8 windows"):
        frechet_infinity(draw(0, 7), draw(1, 50))
    with pytest.raises(ValueError, match="three or more sizes"):
        extrapolate([5, 5, 6], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="NaN"):
        frechet_infinity(np.full((20, 3), np.nan), draw(1, 50, 3))
    with pytest.raises(ValueError, match="8 windows"):
        evaluate(clips(0, 2, 2), clips(1, 2, 2), SETTINGS)


def test_constant_windows_lie_on_a_level_line():
    fit = frechet_infinity(np.ones((50, 3)), np.zeros((50, 3)))
    assert (fit.value, fit.slope, fit.r_squared) == pytest.approx((3, 0, 1), abs=1e-9)
