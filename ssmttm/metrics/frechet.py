"""Fréchet distance between the embeddings of two sets of clips.

Dowson and Landau 1982; on audio, Kilgour et al. 2019 (Fréchet audio distance). Gaussians are
fitted to the pooled windows of all clips, with the unbiased covariance.
"""

from typing import Any

import numpy as np

from ssmttm.errors import UserError
from ssmttm.metrics.bootstrap import shifted_interval
from ssmttm.metrics.clipset import ClipSet, Settings, same_audio

BETTER = "lower"
DEFINITION = (
    "squared Fréchet distance between Gaussians fitted to the pooled window embeddings of all clips "
    "(unbiased covariance, float64)"
)
INTERVAL = "bootstrap over captions, whole clips of both sets together; percentiles of replicates moved by their bias"

FEW_CLIPS = 50


def backend(embedder: str) -> str:
    """What makes the number: the embedder alone."""
    return embedder


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared Fréchet distance |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1^1/2 S2 S1^1/2)^1/2.

    `x` is `[n, dim]`, `y` is `[m, dim]`, each with at least two rows (ValueError otherwise).
    With S1 = A^T A and S2 = B^T B the last trace is the sum of the singular values of A B^T.
    Taking it there needs no root of a nearly singular matrix, so the result is real, symmetric
    and never negative, at any rank. Fewer rows than dimensions still bias it upward: see
    `rank_deficient`.
    """
    x, y = (np.asarray(a, dtype=np.float64) for a in (x, y))
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"expected [n, dim] and [m, dim], got {x.shape} and {y.shape}")
    if min(len(x), len(y)) < 2:
        raise ValueError("a covariance needs at least two rows")
    a, b = _factor(x), _factor(y)
    shift = x.mean(axis=0) - y.mean(axis=0)
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    # Of equal sets the terms cancel to rounding, which may fall on either side of zero.
    return float(max(shift @ shift + (a * a).sum() + (b * b).sum() - 2 * overlap, 0.0))


def _factor(x: np.ndarray) -> np.ndarray:
    """A with A^T A the unbiased covariance of the rows of `x`, and no more rows than columns."""
    centered = (x - x.mean(axis=0)) / np.sqrt(len(x) - 1)
    return np.linalg.qr(centered, mode="r") if len(x) > x.shape[1] else centered


def rank_deficient(rows: int, dim: int) -> bool:
    """True if a covariance of `rows` rows can't have full rank."""
    return rows - 1 < dim


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> dict[str, Any]:
    """Value, interval, bias and warnings of one system against one reference."""
    if min(system.window_count, reference.window_count) < 2:
        raise UserError(f"frechet of {system.name} against {reference.name}: needs at least two windows in each")
    same = same_audio(system, reference)
    value = 0.0 if same else frechet_distance(np.concatenate(system.windows), np.concatenate(reference.windows))
    low, high, bias = value, value, 0.0
    if not same:
        low, high, bias = shifted_interval(
            lambda index: frechet_distance(
                np.concatenate([system.windows[i] for i in index]),
                np.concatenate([reference.windows[i] for i in index]),
            ),
            value,
            len(system.clip_ids),
            settings.bootstrap,
            settings.confidence,
            settings.seed,
        )
    return {
        "value": value,
        "low": max(low, 0.0),
        "high": high,
        "bias": bias,
        "warnings": _warnings(system, reference, same),
    }


def _warnings(system: ClipSet, reference: ClipSet, same: bool) -> list[str]:
    if same:
        return ["the same audio as the reference: zero by construction, no result"]
    found = []
    dim = system.windows[0].shape[1]
    fewest = min(system.window_count, reference.window_count)
    if rank_deficient(fewest, dim):
        found.append(f"{fewest} windows for {dim} dimensions: covariances lack full rank, the value is biased upward")
    if len(system.clip_ids) < FEW_CLIPS:
        found.append(
            f"only {len(system.clip_ids)} clips: biased upward, comparable only with values at the same number"
        )
    return found
