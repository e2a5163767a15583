"""How far scores are off, and together: all systems and checkpoints answer the same captions.

An easy draw of captions moves all scores alike, so what they have in common cancels wherever two of
them are compared. Scores were therefore resampled over the same draws of captions, and errors are
taken draw by draw. Scores whose draws were not kept (published ones, older score files) have errors
of their own, normal and independent, as wide as their interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ssmttm.seeds import stable_int

Key = tuple[str, str, str, str, str]
"""A score: system, checkpoint, embedder, metric, reference."""

DRAWS = 200
"""At most so many draws stand behind an interval of a fit."""


@dataclass(frozen=True)
class Noise:
    """Errors of scores, by their key; the same for the same key wherever it occurs."""

    seed: int
    replicates: Mapping[Key, np.ndarray] = field(default_factory=dict)
    """Scores `[resamples]`; row i of all is over the same captions."""
    most: int = DRAWS

    @property
    def draws(self) -> int:
        """How many draws there are of every score."""
        return min([self.most, *(len(values) for values in self.replicates.values())])

    def of(self, keys: Sequence[Key], sigma: np.ndarray) -> np.ndarray:
        """Errors `[draws, n]` of the scores `keys`; `sigma` `[n]` are standard errors of those without replicates."""
        count = self.draws
        errors = np.empty((count, len(keys)))
        for i, key in enumerate(keys):
            drawn = self.replicates.get(key)
            if drawn is None:
                errors[:, i] = sigma[i] * np.random.default_rng(stable_int(self.seed, *key)).standard_normal(count)
            else:
                errors[:, i] = drawn[:count] - np.mean(drawn[:count])
        return errors

    def covariance(self, keys: Sequence[Key], sigma: np.ndarray) -> np.ndarray:
        """Covariance `[n, n]` of the same errors; exact where they are independent."""
        known = np.array([key in self.replicates for key in keys])
        covariance = np.diag(np.asarray(sigma, dtype=np.float64) ** 2)
        if known.any() and self.draws > 1:
            errors = self.of([key for key, has in zip(keys, known) if has], np.zeros(known.sum()))
            covariance[np.ix_(known, known)] = errors.T @ errors / (self.draws - 1)
        return covariance


def weights_of(sigma: np.ndarray) -> np.ndarray:
    """Weights `[n]` that add up to one, by standard errors; those of zero count as the smallest other."""
    known = sigma > 0
    error = np.where(known, sigma, sigma[known].min()) if known.any() else np.ones_like(sigma)
    return error**-2 / (error**-2).sum()


def scatter(residual: np.ndarray, projection: np.ndarray, weights: np.ndarray, covariance: np.ndarray) -> float:
    """Variance of independent errors, beyond those of `covariance` `[n, n]`, that the residuals `[n]` of a fit show.

    Training is noisy, and captions don't show that. `projection` `[n, n]` gives a fit's residuals
    for points around it. By the method of moments (DerSimonian and Laird 1986, equation 8): the
    squared residuals `[n]`, weighted, less what `covariance` alone would give. Zero where that is
    more, or where the fit has as many numbers as points.
    """
    freedom = (weights[:, None] * projection**2).sum()
    if freedom < 1e-9 * weights.sum():
        return 0.0
    expected = weights @ np.einsum("ij,jk,ik->i", projection, covariance, projection)
    return max(0.0, float((weights @ residual**2 - expected) / freedom))


def line(x: np.ndarray, y: np.ndarray, sigma: np.ndarray, covariance: np.ndarray) -> tuple[float, float]:
    """Slope of the weighted straight line through `y` `[n]`, and its standard error.

    Points weigh by `sigma` `[n]`; their errors have `covariance` `[n, n]`, and scatter about the
    line beyond those widens the slope's. Two distinct `x` `[n]` at least.
    """
    weights = weights_of(sigma)
    design = np.column_stack([np.ones_like(x), x])
    root = np.sqrt(weights)
    inverse = np.linalg.pinv(root[:, None] * design) * root
    projection = np.eye(len(x)) - design @ inverse
    extra = scatter(projection @ y, projection, weights, covariance)
    operator = inverse[1]
    variance = operator @ covariance @ operator + extra * (operator**2).sum()
    return float(operator @ y), float(np.sqrt(max(variance, 0.0)))
