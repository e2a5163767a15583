"""Fréchet distance between the embeddings of two sets of clips.

Dowson and Landau 1982; on audio, Kilgour et al. 2019 (Fréchet audio distance). Gaussians are
fitted to the pooled windows of all clips, with the unbiased covariance.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ssmttm.evaluation import gaussian
from ssmttm.evaluation.arrays import rows, two
from ssmttm.evaluation.cautions import of_gaussians
from ssmttm.evaluation.clipset import ClipSet, recording_order, same_audio
from ssmttm.evaluation.metric import Outlier, Score, Settings, no_difference
from ssmttm.statistics.bootstrap import replicates, shifted_interval

BETTER = "lower"
DEFINITION = (
    "squared Fréchet distance between Gaussians fitted to the pooled window embeddings of all clips "
    "(unbiased covariance, float64)"
)
INTERVAL = (
    "bootstrap over captions, whole clips of both sets together (over recordings, where the system's clips are the "
    "reference's in another order); percentiles of replicates moved by their bias"
)

OUTLIERS = 5
"""So many clips, farthest from the reference, are named beside the score."""


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared Fréchet distance |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1^1/2 S2 S1^1/2)^1/2.

    `x` is `[n, dim]`, `y` is `[m, dim]`, each finite and with at least two rows (ValueError
    otherwise). No root of the product S1 S2 is taken, which isn't symmetric, so the result is
    real, symmetric and never negative, at any rank: see `gaussian.between`. Fewer rows than
    dimensions still bias it upward: see `cautions.few_windows`.
    """
    return gaussian.between(*two(x, y, least=2))


def frechet_distance_of_statistics(
    mean_x: np.ndarray, cov_x: np.ndarray, mean_y: np.ndarray, cov_y: np.ndarray
) -> float:
    """The same distance from means `[dim]` and covariances `[dim, dim]`, such as published reference statistics.

    Good to rounding while one covariance is safely invertible. Of two singular ones it is good to
    about 1e-8 of their traces, since the rows are not at hand. ValueError for shapes that don't
    fit, values that aren't finite and matrices that are no covariances.
    """
    mean_x, mean_y = (rows(np.atleast_2d(m), "a mean")[0] for m in (mean_x, mean_y))
    cov_x, cov_y = rows(cov_x, "a covariance"), rows(cov_y, "a covariance")
    if not len(mean_x) == len(mean_y) == len(cov_x) == len(cov_y) == cov_x.shape[1] == cov_y.shape[1]:
        shapes = ", ".join(str(a.shape) for a in (mean_x, cov_x, mean_y, cov_y))
        raise ValueError(f"means [dim] and covariances [dim, dim] don't fit: {shapes}")
    for covariance in (cov_x, cov_y):
        if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=1e-6 * np.abs(covariance).max()):
            raise ValueError("a covariance is not symmetric")
    cov_x, cov_y = (cov_x + cov_x.T) / 2, (cov_y + cov_y.T) / 2
    traces = float(np.trace(cov_x) + np.trace(cov_y))
    return gaussian.distance(mean_x - mean_y, traces, gaussian.trace_of_root(cov_x, cov_y))


def frechet_per_clip(clips: Sequence[np.ndarray], reference: np.ndarray) -> np.ndarray:
    """Distance of each clip's own Gaussian to the reference's, `[clips]`, to find outliers.

    `clips[i]` is `[n_i, dim]`, the windows of clip i; `reference` is `[m, dim]`. A clip of few
    windows has a singular covariance, which is no obstacle, but the values are comparable only
    among clips of one length. A clip of one window has no covariance: its is taken as zero.
    Gui et al. 2024 (per-song FAD).
    """
    reference = rows(reference, "reference", 2)
    mean, covariance = gaussian.statistics(reference)
    half = gaussian.root(covariance)
    distances = []
    for i, clip in enumerate(clips):
        clip, _ = two(clip, reference[:1], names=(f"clip {i}", "reference"))
        if len(clip) == 1:
            distances.append(float(((clip[0] - mean) ** 2).sum() + np.trace(covariance)))
        else:
            distances.append(gaussian.Projected(clip, mean, covariance, half).distance())
    return np.array(distances)


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Value, interval, bias, replicates, farthest clips and warnings of one system against one reference."""
    if min(system.window_count, reference.window_count) < 2:
        raise ValueError("needs at least two windows in each")
    warnings = of_gaussians(system, reference)
    if same_audio(system, reference):
        return {**no_difference(), "bias": 0.0, "warnings": warnings}
    x, y = np.concatenate(system.windows), np.concatenate(reference.windows)
    value = frechet_distance(x, y)
    drawn = replicates(resampled_distance(system, reference), len(system.clip_ids), settings.bootstrap, settings.seed)
    low, high, bias = shifted_interval(drawn, value, settings.confidence)
    per_clip = frechet_per_clip(system.windows, y)
    return {
        "value": value,
        "low": max(low, 0.0),
        "high": high,
        "bias": bias,
        "warnings": warnings,
        "replicates": drawn,
        "outliers": outliers(system.clip_ids, per_clip),
    }


def outliers(clip_ids: Sequence[str], per_clip: np.ndarray) -> list[Outlier]:
    """The clips farthest from the reference, farthest first; see `frechet_per_clip`."""
    farthest = np.argsort(-per_clip, kind="stable")[:OUTLIERS]
    return [{"clip_id": clip_ids[i], "value": float(per_clip[i])} for i in farthest]


def resampled_distance(system: ClipSet, reference: ClipSet) -> Callable[[np.ndarray], float]:
    """A function from how often each clip is drawn `[n]` to the distance of the sets that they make.

    What is drawn are pairs that are independent of one another: a caption with both its clips.
    In a system whose clips are the reference's in another order (the shuffled baseline) these
    pairs are not independent, since each recording is in two of them. Its pairs are the two
    versions of one recording, in whichever captions they stand.
    """
    clips = [system.windows[i] for i in recording_order(system, reference)]
    x, y = np.concatenate(clips), np.concatenate(reference.windows)
    sizes_x, sizes_y = [len(w) for w in clips], [len(w) for w in reference.windows]
    return lambda counts: gaussian.between(x, y, np.repeat(counts, sizes_x), np.repeat(counts, sizes_y))
