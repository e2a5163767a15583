"""A power law with an offset through a score's points against cost.

score(c) = limit + scale * c^(-exponent) where lower is better, limit - scale * c^(-exponent)
where higher is: the form of Hestness et al. 2017 (arXiv 1712.00409, section 2) and Hoffmann et
al. 2022 (arXiv 2203.15556, equation 2). For a given exponent the other two numbers are a line's,
so that only the exponent is searched. Points weigh by their intervals, and intervals of the
numbers come from points drawn anew around the fitted curve: with the errors that they have in
common, and with their scatter about the curve.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ssmttm.statistics.bootstrap import percentile_interval
from ssmttm.statistics.noise import scatter, weights_of

POINTS = 4
"""Distinct costs that a fit needs: three numbers, and one point more to be wrong about."""

EXPONENTS = (0.02, 8.0)
"""Range of the search. A fit at its lower end is a logarithm, at its upper end a single step: neither has a limit
and an exponent that these points can distinguish."""

EDGE = 0.025
"""A fit is refused where more than this share of redrawn points has no exponent inside the range: an interval of
95 % would end where the search does, and not where the points say."""

LEVEL = "the score doesn’t improve with cost"
"""Why there is no fit, if the best one is flat."""

_GRID = np.geomspace(*EXPONENTS, 49)
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Law:
    """A fit and its replicates. Numbers are None, replicates empty, where `note` says why there is no fit."""

    better: str
    points: int
    note: str
    limit: float | None = None
    scale: float | None = None
    exponent: float | None = None
    r2: float | None = None
    replicates: np.ndarray | None = None
    """Limit, scale and exponent of redrawn points, `[draws, 3]`."""

    def predict(self, cost: np.ndarray) -> np.ndarray:
        """Scores at `cost` `[n]`."""
        return self._at(np.array([[self.limit, self.scale, self.exponent]]), cost)[0]

    def predict_interval(self, cost: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        """The central `confidence` share of the replicates' scores at `cost` `[n]`: low, high."""
        tail = (1 - confidence) / 2
        low, high = np.quantile(self._at(self._redrawn, cost), [tail, 1 - tail], axis=0)
        return low, high

    def interval(self, column: int, confidence: float) -> tuple[float, float]:
        """The central `confidence` share of the limit (column 0), the scale (1) or the exponent (2)."""
        return percentile_interval(self._redrawn[:, column], confidence)

    def cost_of(self, score: float) -> float:
        """The cost at which the curve reaches `score`; infinite where it never does."""
        return float(self._inverse(np.array([[self.limit, self.scale, self.exponent]]), np.array([score]))[0])

    def costs_of(self, scores: np.ndarray) -> np.ndarray:
        """For each replicate the cost at which it reaches its score `[draws]`."""
        return self._inverse(self._redrawn, scores)

    @property
    def _redrawn(self) -> np.ndarray:
        if self.replicates is None:
            raise ValueError(f"no curve was fitted: {self.note}")
        return self.replicates

    def _at(self, numbers: np.ndarray, cost: np.ndarray) -> np.ndarray:
        limit, scale, exponent = numbers.T[..., None]
        cost = np.asarray(cost, dtype=np.float64)
        return limit + _sign(self.better) * np.exp(np.log(scale) - exponent * np.log(cost))

    def _inverse(self, numbers: np.ndarray, score: np.ndarray) -> np.ndarray:
        limit, scale, exponent = numbers.T
        above = _sign(self.better) * (score - limit)
        with np.errstate(divide="ignore", over="ignore"):
            cost = np.exp((np.log(scale) - np.log(np.maximum(above, 0))) / exponent)
        return np.where(above > 0, cost, np.inf)


def _sign(better: str) -> int:
    return 1 if better == "lower" else -1


def fit_law(
    cost: np.ndarray,
    value: np.ndarray,
    sigma: np.ndarray,
    better: str,
    errors: np.ndarray,
    covariance: np.ndarray,
    seed: int,
) -> Law:
    """Fit the law to scores `value` `[n]` at `cost` `[n]` with standard errors `sigma` `[n]`.

    `errors` `[draws, n]` of the scores and their `covariance` `[n, n]` are as of
    `ssmttm.statistics.noise`; scatter about the curve beyond them widens the intervals, drawn by
    `seed`. Several points may have one cost. Costs in other units give the same fit, to the digit.
    ValueError unless costs are positive and everything is finite.
    """
    cost, value, sigma = (np.asarray(x, dtype=np.float64) for x in (cost, value, sigma))
    if not (cost > 0).all() or not all(np.isfinite(x).all() for x in (cost, value, sigma)) or (sigma < 0).any():
        raise ValueError("a power law needs positive costs, finite scores and errors of at least zero")
    logs = np.log(cost)
    centre = logs.mean()
    relative = np.round(logs - centre, 10)
    distinct = len(np.unique(np.round(relative, 9)))
    if distinct < POINTS:
        return Law(better, len(cost), f"{distinct} different costs, and a fit needs {POINTS}")
    scores = _sign(better) * value
    if np.ptp(scores) <= 1e-12 * np.abs(scores).max():
        return Law(better, len(cost), "the score is the same at every cost")
    noise = (_sign(better) * errors).tobytes(), covariance.tobytes()
    estimate, r2, replicates, inside = _fit(tuple(relative), tuple(scores), tuple(sigma), *noise, seed)
    if note := _refusal(estimate, inside):
        return Law(better, len(cost), note)
    limit, scale, exponent = (float(x) for x in estimate)
    replicates = replicates.copy()
    replicates[:, 0] *= _sign(better)
    replicates[:, 1] *= np.exp(replicates[:, 2] * centre)
    scale *= float(np.exp(exponent * centre))
    return Law(better, len(cost), "", _sign(better) * limit, scale, exponent, r2, replicates)


def _refusal(estimate: np.ndarray, inside: float) -> str:
    _, scale, exponent = estimate
    if scale <= 0:
        return LEVEL
    if exponent <= EXPONENTS[0] * 1.001:
        return "a logarithm, which has no limit, fits as well"
    if exponent >= EXPONENTS[1] * 0.999:
        return "nearly all of the change lies before the second cost, so the shape of the curve is not known"
    if inside < 1 - EDGE:
        return "the noise of the scores hides the shape of the curve"
    return ""


@lru_cache(maxsize=1024)
def _fit(
    relative: tuple[float, ...],
    scores: tuple[float, ...],
    sigma: tuple[float, ...],
    errors: bytes,
    covariance: bytes,
    seed: int,
) -> tuple[np.ndarray, float, np.ndarray, float]:
    """Estimate [3], R², replicates [draws, 3] and the share of them inside the range; lower scores are better.

    Cached: steps, clips and FLOPs of one design differ by a factor only.
    """
    x, y, count = np.array(relative), np.array(scores), len(scores)
    common = np.frombuffer(covariance).reshape(count, count)
    weights = weights_of(np.array(sigma))
    estimate = _solve(x, y[None], weights)[0]
    limit, scale, exponent = estimate
    basis = np.exp(-exponent * x)
    curve = limit + scale * basis
    slopes = np.column_stack([np.ones(count), basis, scale * x * basis])
    extra = scatter(y - curve, _residuals(slopes, weights), weights, common)
    mean = (weights * y).sum()
    r2 = 1 - float((weights * (y - curve) ** 2).sum() / (weights * (y - mean) ** 2).sum())
    noise = np.frombuffer(errors).reshape(-1, count)
    noise = noise + np.sqrt(extra) * np.random.default_rng(seed).standard_normal(noise.shape)
    replicates = _solve(x, curve + noise, weights)
    low, high = EXPONENTS[0] * 1.001, EXPONENTS[1] * 0.999
    fine = (replicates[:, 1] > 0) & (replicates[:, 2] > low) & (replicates[:, 2] < high)
    # A replicate without any fall is flat: its limit is reached at once.
    replicates[:, 1] = np.maximum(replicates[:, 1], np.finfo(float).tiny)
    return estimate, r2, replicates, float(fine.mean())


def _residuals(slopes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What is left `[n, n]` of points after a weighted fit; `slopes` `[n, 3]` of its curve by each of its numbers."""
    root = np.sqrt(weights)
    return np.eye(len(weights)) - slopes @ (np.linalg.pinv(root[:, None] * slopes) * root)


def _solve(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Limit, scale and exponent `[draws, 3]` of the best law at log costs `x` `[n]` for rows of `y` `[draws, n]`."""
    grid = np.stack([_lines(x, y, weights, np.full(len(y), e))[1] for e in _GRID], 1)
    best = grid.argmin(1)
    low, high = np.log(_GRID[np.maximum(best - 1, 0)]), np.log(_GRID[np.minimum(best + 1, len(_GRID) - 1)])
    for _ in range(45):
        a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        left = _lines(x, y, weights, np.exp(a))[1] <= _lines(x, y, weights, np.exp(b))[1]
        low, high = np.where(left, low, a), np.where(left, b, high)
    exponent = np.exp((low + high) / 2)
    numbers, _ = _lines(x, y, weights, exponent)
    return np.column_stack([numbers, exponent])


def _lines(x: np.ndarray, y: np.ndarray, weights: np.ndarray, exponent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best limit and scale >= 0 `[draws, 2]` for each row's exponent `[draws]`, and their squared errors `[draws]`."""
    basis = np.exp(-exponent[:, None] * x)
    centred = basis - (basis @ weights)[:, None]
    mean = y @ weights
    scale = (centred * (y - mean[:, None])) @ weights / (centred**2 @ weights)
    scale = np.maximum(scale, 0)
    residual = y - mean[:, None] - scale[:, None] * centred
    return np.column_stack([mean - scale * (basis @ weights), scale]), residual**2 @ weights
