"""Curves that never rise: where they reach a score, and what scatters about them."""

import numpy as np
import pytest

from ssmttm.statistics.isotonic import crossings, unexplained


def test_points_of_one_cost_are_averaged_by_their_weights():
    cost, weights = np.array([1.0, 10.0, 10.0]), np.array([0.5, 0.4, 0.1])
    found = crossings(cost, np.array([[10.0, 0.0, 5.0]] * 3), weights, np.array([1.0, 5.5, 11.0]))
    assert found == pytest.approx([10, 10**0.5, 1])
    assert np.isinf(crossings(cost, np.array([[10.0, 0.0, 5.0]]), weights, np.array([0.9])))[0]


def test_scatter_about_a_level_is_found_and_that_of_a_fall_is_not_made_up():
    rng, weights = np.random.default_rng(1), np.full(12, 1 / 12)
    cost = np.geomspace(1, 100, 12)
    found = [unexplained(cost, 5 + 2 * rng.normal(size=12), weights, np.zeros((12, 12))) for _ in range(100)]
    assert np.mean(found) == pytest.approx(4, rel=0.2)
    assert unexplained(cost, -cost, weights, np.zeros((12, 12))) == 0


def test_errors_in_common_explain_no_scatter():
    rng, weights, cost = np.random.default_rng(2), np.full(8, 1 / 8), np.geomspace(1, 100, 8)
    values = np.array([5, 5, 4, 6, 5, 4, 6, 5.0]) + rng.normal()
    alone = unexplained(cost, values, weights, np.zeros((8, 8)))
    assert unexplained(cost, values, weights, np.full((8, 8), 9.0)) == pytest.approx(alone)
    assert unexplained(cost, values, weights, np.eye(8) * 9.0) == 0
