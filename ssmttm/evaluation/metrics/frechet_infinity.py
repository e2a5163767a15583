"""The Fréchet distance extrapolated to infinitely many windows (FAD-inf).

The distance of a sample of n windows is biased by about b / n. Chong and Forsyth 2020 therefore
fit FAD(n) = a + b / n over sizes n, and take a; Gui et al. 2024 (fadtk) do so for audio, drawing
frames with replacement. Two facts to know before reading a:

- Drawn with replacement, samples of any size come from the N windows at hand, so a estimates
  the distance of those N windows, whose own bias stays. Drawn without replacement (as Chong and
  Forsyth do, from a large pool) a estimates the distance of the distribution that they come from.
- The reference's statistics are held fixed, with whatever bias its own size gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssmttm.evaluation import gaussian
from ssmttm.evaluation.arrays import two
from ssmttm.evaluation.cautions import SAME, of_gaussians
from ssmttm.evaluation.clipset import ClipSet
from ssmttm.evaluation.metric import Score, Settings, no_difference
from ssmttm.seeds import stable_int
from ssmttm.statistics.bootstrap import percentile_interval, replicates

BETTER = "lower"
POINTS = 25
LEAST = 500
_FIT = (
    f"intercept a of FAD(n) = a + b / n, fitted by least squares to {POINTS} sample sizes n from {LEAST} windows (a "
    "quarter of them, where there are fewer than 2,000) to all N, frames drawn "
)
DEFINITION = _FIT + (
    "with replacement, against fixed statistics of the reference (as fadtk). Drawn so, the bias of N windows stays in "
    "it, as does the reference's own"
)
INTERVAL = (
    "bootstrap over the system's clips: distances of all windows of the drawn clips, less b / n, moved by their bias, "
    "plus the normal error of the fit; the reference is held fixed"
)
DISTINCT = "frechet_infinity_distinct"
DISTINCT_DEFINITION = (
    _FIT + "without replacement, against fixed statistics of the reference, whose own bias stays in it"
)
GOOD_FIT = 0.9
NOTABLE_BIAS = 0.1
"""Of the value: beyond that share, what comes from the number of windows alone is worth a warning."""


@dataclass(frozen=True)
class Extrapolation:
    """The line a + b / n: `value` is a (not below 0), `intercept` a as fitted, `slope` b."""

    value: float
    intercept: float
    slope: float
    r_squared: float
    error: float
    """Standard error of the intercept, from the residuals."""
    sizes: tuple[int, ...]
    distances: tuple[float, ...]


def sample_sizes(windows: int, points: int = POINTS, least: int = LEAST) -> list[int]:
    """`points` sizes, evenly spaced from `least` to all `windows`; from a quarter of them if they are few.

    Raises ValueError for fewer than eight windows or three points: no line would say anything.
    """
    if windows < 8 or points < 3 or least < 2:
        raise ValueError(f"FAD-inf needs 8 windows and 3 sizes of at least 2, got {windows}, {points} and {least}")
    return [int(n) for n in np.linspace(min(least, windows // 4), windows, points)]


def extrapolate(sizes: Sequence[int], distances: Sequence[float]) -> Extrapolation:
    """Least-squares fit of distances to a + b / n; ValueError unless three sizes or more differ."""
    n, y = np.asarray(sizes, dtype=np.float64), np.asarray(distances, dtype=np.float64)
    if n.shape != y.shape or n.ndim != 1 or len(np.unique(n)) < 3 or not (n > 0).all() or not np.isfinite(y).all():
        raise ValueError("a fit needs a finite distance for each of three or more sizes")
    x = 1 / n
    spread = ((x - x.mean()) ** 2).sum()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / spread)
    intercept = float(y.mean() - slope * x.mean())
    residual = float(((y - intercept - slope * x) ** 2).sum())
    total = float(((y - y.mean()) ** 2).sum())
    error = float(np.sqrt(residual / (len(n) - 2) * (1 / len(n) + x.mean() ** 2 / spread)))
    # Distances that are all equal to rounding lie on a level line.
    level = total <= len(n) * (gaussian.EPS * 16 * max(float(np.abs(y).max()), gaussian.EPS)) ** 2
    r_squared = 1.0 if level else 1 - residual / total
    return Extrapolation(max(intercept, 0.0), intercept, slope, r_squared, error, tuple(sizes), tuple(y.tolist()))


def frechet_infinity(
    x: np.ndarray, y: np.ndarray, points: int = POINTS, least: int = LEAST, seed: int = 0, replacement: bool = True
) -> Extrapolation:
    """FAD-inf of the windows `x` `[n, dim]` against the reference windows `y` `[m, dim]`.

    See the module for what `replacement` means, and `sample_sizes` for the sizes. Good to about
    1e-8 of the traces where the reference lacks full rank. ValueError as `frechet_distance`.
    """
    x, y = two(x, y, least=2)
    return _sampled(gaussian.Projected(x, *gaussian.statistics(y)), len(x), points, least, seed, replacement)


def _sampled(
    projected: gaussian.Projected, windows: int, points: int, least: int, seed: int, replacement: bool
) -> Extrapolation:
    rng = np.random.default_rng(seed)
    sizes = sample_sizes(windows, points, least)
    distances = []
    for n in sizes:
        drawn = rng.choice(windows, size=n, replace=replacement)
        distances.append(projected.distance(np.bincount(drawn, minlength=windows)))
    return extrapolate(sizes, distances)


def replicated(
    clips: Sequence[np.ndarray],
    y: np.ndarray,
    settings: Settings,
    system: str = "",
    points: int = POINTS,
    least: int = LEAST,
    replacement: bool = True,
) -> tuple[Extrapolation, np.ndarray]:
    """FAD-inf of clips (each `[n_i, dim]`) and its replicates `[resamples]`, for one distance per resample.

    A resample draws whole clips. Its extrapolated distance is taken as its distance at all its n
    windows less b / n, with b of the fit: the slope varies little between resamples, and by it
    each costs one distance instead of `points`. The replicates are moved so that their mean is
    the fitted intercept, since a resample's fewer distinct clips bias them upward, and each is
    given the normal error of the fit, which the random draw of windows causes; these errors are
    independent between systems of different names.
    """
    x, y = two(np.concatenate(list(clips)), y, least=2)
    projected = gaussian.Projected(x, *gaussian.statistics(y))
    fit = _sampled(projected, len(x), points, least, settings.seed, replacement)
    lengths = np.array([len(c) for c in clips])

    def distance(counts: np.ndarray) -> float:
        return projected.distance(np.repeat(counts, lengths)) - fit.slope / float(counts @ lengths)

    drawn = replicates(distance, len(clips), settings.bootstrap, settings.seed)
    rng = np.random.default_rng([settings.seed, stable_int("error of the fit", system)])
    return fit, drawn - drawn.mean() + fit.intercept + rng.normal(0.0, fit.error, settings.bootstrap)


def interval(drawn: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentile interval of the replicates; no distance is negative."""
    low, high = percentile_interval(drawn, confidence)
    return max(low, 0.0), max(high, 0.0)


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Value, fit, interval and warnings of one system against one reference; without replacement beside it."""
    warnings = of_gaussians(system, reference)
    if warnings == [SAME]:
        score, distinct = _same(), _same()
    else:
        score, distinct = (_evaluated(system, reference, settings, replacement) for replacement in (True, False))
        if score["r_squared"] < GOOD_FIT:
            warnings.append(f"a + b / n explains only {score['r_squared']:.0%} of the distances: extrapolate with care")
        bias = distinct["slope"] / system.window_count
        if bias > NOTABLE_BIAS * score["value"]:
            warnings.append(f"about {bias:.3g} of it comes from the number of windows alone: see {DISTINCT}")
    distinct["metric"], distinct["definition"] = DISTINCT, DISTINCT_DEFINITION
    score["warnings"], score["also"] = warnings, [distinct]
    return score


def _same() -> Score:
    return {**no_difference(), "slope": 0.0, "r_squared": 1.0}


def _evaluated(system: ClipSet, reference: ClipSet, settings: Settings, replacement: bool) -> Score:
    y = np.concatenate(reference.windows)
    fit, drawn = replicated(system.windows, y, settings, system.name, replacement=replacement)
    low, high = interval(drawn, settings.confidence)
    return {
        "value": fit.value,
        "low": low,
        "high": high,
        "slope": fit.slope,
        "r_squared": fit.r_squared,
        "sizes": fit.sizes,
        "distances": fit.distances,
        "replicates": drawn,
    }
