"""Errors that scores share, and scatter that they don't explain."""

import numpy as np
import pytest
from curves_of import judged

from ssmttm.statistics.noise import Noise, line, scatter, weights_of

KEYS = [("a", "0.5", "clap", "kl", "codec"), ("a", "final", "clap", "kl", "codec")]


def test_a_score_has_the_same_errors_wherever_it_occurs():
    noise, sigma = Noise(1, most=50), np.array([1.0, 2.0])
    both = noise.of(KEYS, sigma)
    assert both.shape == (50, 2)
    assert (noise.of(KEYS[::-1], sigma[::-1]) == both[:, ::-1]).all()
    assert (Noise(2, most=50).of(KEYS, sigma) != both).all()


def test_known_draws_are_taken_row_by_row_and_about_their_mean():
    _, drawn = judged([10.0, 20.0], np.random.default_rng(0))
    noise = Noise(1, dict(zip(KEYS, drawn.T)))
    assert noise.of(KEYS, np.zeros(2)) == pytest.approx(drawn - drawn.mean(0))
    assert noise.covariance(KEYS, np.zeros(2)) == pytest.approx(np.cov(drawn.T))
    assert np.corrcoef(noise.of(KEYS, np.zeros(2)).T)[0, 1] > 0.9


def test_a_score_without_draws_is_independent_and_as_wide_as_its_interval():
    _, drawn = judged([10.0], np.random.default_rng(0))
    noise = Noise(1, {KEYS[0]: drawn[:, 0]})
    found = noise.covariance(KEYS, np.array([9.0, 0.5]))
    assert found == pytest.approx(np.diag([drawn.var(ddof=1), 0.25]))
    assert noise.of(KEYS, np.array([9.0, 0.5]))[:, 1].std() == pytest.approx(0.5, rel=0.15)


def test_as_many_draws_as_the_shortest_score_has():
    drawn = np.zeros(30)
    assert Noise(1).draws == 200 and Noise(1, {KEYS[0]: drawn}).draws == 30
    assert Noise(1, {KEYS[0]: drawn, KEYS[1]: np.zeros(500)}, most=20).of(KEYS, np.zeros(2)).shape == (20, 2)


def test_a_missing_standard_error_weighs_as_the_smallest():
    assert weights_of(np.array([0.0, 1.0, 2.0])) == pytest.approx(np.array([4, 4, 1]) / 9)
    assert weights_of(np.zeros(4)) == pytest.approx(np.full(4, 0.25))


def test_scatter_is_what_known_errors_leave():
    rng, weights, level = np.random.default_rng(0), np.full(10, 0.1), np.eye(10) - 0.1
    y = rng.normal(0, 3, (300, 10)) + rng.normal(0, 5, (300, 1))
    found = [scatter(level @ row, level, weights, np.full((10, 10), 25.0)) for row in y]
    assert np.mean(found) == pytest.approx(9, rel=0.1)
    explained = [scatter(level @ row, level, weights, np.full((10, 10), 25.0) + 9 * np.eye(10)) for row in y]
    assert np.mean(explained) < 2
    assert scatter(np.zeros(2), np.zeros((2, 2)), np.full(2, 0.5), np.eye(2)) == 0  # nothing is left to judge by


def test_a_slope_does_not_feel_what_all_points_share():
    x, y, sigma = np.arange(5.0), 2 + 3 * np.arange(5.0), np.full(5, 2.0)
    slope, error = line(x, y, sigma, np.full((5, 5), 4.0))
    assert (slope, error) == pytest.approx((3, 0), abs=1e-9)
    assert line(x, y, sigma, 4 * np.eye(5)) == pytest.approx((3, 2 / np.sqrt(10)))


def test_a_line_through_exact_points_has_no_error_and_weights_count():
    x = np.arange(4.0)
    assert line(x, 2 + 3 * x, np.zeros(4), np.zeros((4, 4))) == pytest.approx((3, 0), abs=1e-9)
    bent, sigma = np.array([0, 1, 2, 50.0]), np.array([1, 1, 1, 1e3])
    assert line(x, bent, sigma, np.diag(sigma**2))[0] == pytest.approx(1, abs=0.01)
