"""Is one system better than another? Differences paired by caption, and over seeds.

Two systems answer the same captions, so most of the spread between captions is common to both
and cancels in the difference. Intervals are Student's t, over captions or seeds, p-values from
permutations: if the systems don't differ, then for any caption the two clips might as well be
exchanged (Fisher 1935; Good 2005, chapter 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ssmttm.errors import UserError
from ssmttm.statistics.bootstrap import mean_interval

PERMUTATIONS = 9999
EXACT = 13
"""Up to so many captions, all sign flips are counted instead of drawn."""


@dataclass(frozen=True)
class PairedDifference:
    """a less b: the difference, its interval, the two-sided p-value, and over how many pairs."""

    difference: float
    low: float
    high: float
    p_value: float
    pairs: int


def paired_scores(
    a: np.ndarray, b: np.ndarray, confidence: float, seed: int, permutations: int = PERMUTATIONS
) -> PairedDifference:
    """Difference of the mean per-clip scores `a` and `b` `[n]`, row i of both being caption i.

    Student's t interval over captions, sign-flip p-value (see `sign_flip_p`). ValueError for
    fewer than two captions, different lengths or values that aren't finite.
    """
    a, b = _paired(a, b)
    if len(a) < 2:
        raise ValueError("a paired comparison needs two captions")
    differences = a - b
    low, high = mean_interval(differences, confidence)
    return PairedDifference(
        float(differences.mean()), low, high, sign_flip_p(differences, seed, permutations), len(differences)
    )


def sign_flip_p(differences: np.ndarray, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """Two-sided p-value of a mean of zero: how often random signs give a mean as far from zero.

    Exact over all 2^n signs for up to 13 differences, so never below 2^(1 - n). Otherwise
    (1 + as far) / (1 + `permutations`), which is valid at any number of them. `[n]` in.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1 or not len(d) or not np.isfinite(d).all():
        raise ValueError(f"expected finite differences [n], got {d.shape}")
    # Equal sums in another order differ by rounding: they count as equally far.
    observed = abs(d.sum()) - 1e-12 * np.abs(d).sum()
    if len(d) <= EXACT:
        signs = 1 - 2.0 * (np.arange(2 ** len(d))[:, None] >> np.arange(len(d)) & 1)
        return float((np.abs(signs @ d) >= observed).mean())
    rng, as_far = np.random.default_rng(seed), 0
    for start in range(0, permutations, 1000):
        signs = rng.choice([-1.0, 1.0], size=(min(1000, permutations - start), len(d)))
        as_far += int((np.abs(signs @ d) >= observed).sum())
    return (1 + as_far) / (1 + permutations)


def bootstrap_p(replicates: np.ndarray) -> float:
    """Two-sided p-value of zero from bootstrap replicates `[n]` of a difference, moved by their bias.

    Twice the smaller share on either side of zero, with one replicate more on each (Davison and
    Hinkley 1997, chapter 4): so an interval of confidence 1 - p just reaches zero. Where no
    replicate does, the share can't tell how small p is; it is then that of a normal distribution
    with the replicates' mean and deviation, if that is less.
    """
    drawn = _finite(replicates)
    beyond = min((drawn <= 0).sum(), (drawn >= 0).sum())
    p = min(2 * (1 + beyond) / (1 + len(drawn)), 1.0)
    spread = drawn.std()
    if beyond == 0 and spread > 0:
        p = min(p, 2 * stats.norm.sf(abs(drawn.mean()) / spread))
    return float(p)


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """p-values `[n]` that hold for all n tests together (Holm 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    return np.minimum(adjusted, 1.0)


@dataclass(frozen=True)
class SeedMean:
    """Mean over seeds with its interval."""

    mean: float
    low: float
    high: float
    seeds: int


def seed_interval(values: np.ndarray, confidence: float = 0.95) -> SeedMean:
    """Mean of one score over training seeds `[seeds]`, with Student's t interval.

    It is the spread of training anew that no bootstrap over captions can show. One seed has none:
    UserError, never a zero. Two seeds give a very wide interval, and rightly so.
    """
    values = _finite(values)
    _need_seeds(len(values))
    low, high = values.mean() + stats.sem(values) * np.array(stats.t.interval(confidence, len(values) - 1))
    return SeedMean(float(values.mean()), float(low), float(high), len(values))


def paired_seeds(a: np.ndarray, b: np.ndarray, confidence: float = 0.95) -> PairedDifference:
    """Difference of two designs' scores over the same seeds `[seeds]`: paired t test and interval.

    UserError for one seed: a study with one seed can't tell a design from its luck.
    """
    a, b = _paired(a, b)
    _need_seeds(len(a))
    mean = seed_interval(a - b, confidence)
    # Where rounding is all that differs, no t value can be had.
    if (a - b).std(ddof=1) <= 1e-12 * np.abs(np.concatenate([a, b])).max():
        p_value = 1.0 if abs(mean.mean) <= 1e-12 * np.abs(a).max() else 0.0
    else:
        p_value = float(stats.ttest_rel(a, b).pvalue)
    return PairedDifference(mean.mean, mean.low, mean.high, p_value, len(a))


def _need_seeds(seeds: int) -> None:
    if seeds < 2:
        raise UserError(f"{seeds} seed: no spread over seeds can be had; train at least two seeds of each design")


def _paired(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = _finite(a), _finite(b)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} scores are not paired")
    return a, b


def _finite(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"expected finite scores [n], got {values.shape}")
    return values
