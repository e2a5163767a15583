"""A curve that never gets worse through noisy scores, and where it reaches a score.

The first noisy point that happens to touch a score would be too cheap an answer to what it costs,
so points are made monotone first (weighted isotonic regression). Scores here are such that lower is
better.
"""

import numpy as np
from scipy.optimize import isotonic_regression

from ssmttm.statistics.noise import scatter


def crossings(cost: np.ndarray, rows: np.ndarray, weights: np.ndarray, aims: np.ndarray) -> np.ndarray:
    """Where the curve through each row of scores `[rows, n]` at `cost` `[n]` comes down to its aim `[rows]`.

    Between two costs the score is taken as linear in the logarithm of the cost. The least cost
    where the curve is as good there already, infinite where it never is.
    """
    at, curve = _curves(cost, rows, weights)
    reached = curve <= aims[:, None]
    first = reached.argmax(1)
    every, before = np.arange(len(curve)), np.maximum(first - 1, 0)
    above, below = curve[every, before], curve[every, first]
    share = np.clip((above - aims) / np.where(above > below, above - below, 1), 0, 1)
    costs = np.exp(np.log(at[before]) + share * (np.log(at[first]) - np.log(at[before])))
    costs = np.where(first == 0, at[0], costs)
    return np.where(reached.any(1), costs, np.inf)


def unexplained(cost: np.ndarray, value: np.ndarray, weights: np.ndarray, covariance: np.ndarray) -> float:
    """Variance of the scores `value` `[n]` about their curve beyond `covariance` `[n, n]`.

    The curve has as many numbers as level pieces (Meyer and Woodroofe 2000): scores that fall all
    the way show none.
    """
    at, (curve,) = _curves(cost, value[None], weights)
    fitted = curve[np.searchsorted(at, cost)]
    same = np.isclose(fitted[:, None], fitted, rtol=1e-12, atol=0) * weights
    projection = np.eye(len(cost)) - same / same.sum(1, keepdims=True)
    return scatter(value - fitted, projection, weights, covariance)


def _curves(cost: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct costs, and each row's curve at them."""
    at, where = np.unique(cost, return_inverse=True)
    mass = np.bincount(where, weights)
    means = np.stack([np.bincount(where, weights * row) for row in rows]) / mass
    return at, np.stack([isotonic_regression(row, weights=mass, increasing=False).x for row in means])
