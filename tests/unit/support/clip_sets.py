"""Synthetic clip sets and exactly distributed samples for the tests of metrics."""

import numpy as np

from ssmttm.evaluation.clipset import ClipSet
from ssmttm.evaluation.metric import Settings

SETTINGS = Settings(bootstrap=60, confidence=0.95, seed=3)


def clips(seed=0, count=40, windows=6, dim=5, spread=0.5, shift=0.0, name="system"):
    """Clips with a center of their own and windows around it."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(count, 1, dim)) + shift
    return from_windows(centers + spread * rng.normal(size=(count, windows, dim)), name)


def from_windows(windows, name="system"):
    ids = tuple(f"{i:03}" for i in range(len(windows)))
    posteriors = np.full((len(ids), 4), 0.25)
    return ClipSet(name, ids, tuple(f"caption {i}" for i in ids), tuple(windows), posteriors, "tiny 1")


def exact(rows, dim, seed):
    """Rows `[rows, dim]` whose mean is exactly zero and covariance exactly the identity, to rounding."""
    white = np.random.default_rng(seed).normal(size=(rows, dim))
    q, _ = np.linalg.qr(white - white.mean(axis=0))
    return (q - q.mean(axis=0)) * np.sqrt(rows - 1)


def rotation(dim, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]
