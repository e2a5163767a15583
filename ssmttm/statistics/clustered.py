"""Means of paired per-clip numbers over clusters of clips and over training seeds, tested by Student's t.

Clips of one track resemble one another, as do tracks of one artist: clips are no independent draws. So the mean of each
artist (over its tracks the mean of each track's clips) is one observation, and every artist counts equally. A t test
over few means of clusters keeps its level where clusters differ in size and spread (Ibragimov and Müller 2010). Over
several seeds, means of artists and of seeds are crossed: the variance of the grand mean is taken from both mean
squares, with Satterthwaite's degrees of freedom (1946). How often this errs is measured by benchmarks/error_rates.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats

Name = TypeVar("Name", str, tuple[str, str])


@dataclass(frozen=True)
class ClusterMeans:
    """Numbers of clips brought down to their clusters, float64 `[seeds, clusters]`; clusters are artists, or tracks."""

    values: np.ndarray
    unit: str
    """What a cluster is: artist, or track where there is one artist only."""

    @property
    def mean(self) -> float:
        """The grand mean."""
        return float(self.values.mean())


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval and two-sided p-value of zero; None where there is one cluster only."""

    mean: float
    low: float | None
    high: float | None
    p_value: float | None
    seeds: int
    clusters: int


def cluster_means(values: np.ndarray, tracks: Sequence[str], artists: Sequence[str]) -> ClusterMeans:
    """Means of clips by track, then of tracks by artist.

    `values` is `[clips]` or `[seeds, clips]`, with the track and the artist of each clip. Of a single artist the
    clusters are its tracks: then the mean speaks of that artist alone. ValueError for values that aren't finite,
    or that have no clips.
    """
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected finite values [seeds, clips], got {values.shape}")
    if not values.shape[1] == len(tracks) == len(artists):
        raise ValueError(f"{values.shape[1]} values, {len(tracks)} tracks and {len(artists)} artists don't fit")
    pairs = list(zip(artists, tracks, strict=True))
    of_tracks, kept = _means(values, pairs)
    names = [artist for artist, _ in kept]
    if len(set(names)) < 2:
        return ClusterMeans(of_tracks, "track")
    return ClusterMeans(_means(of_tracks, names)[0], "artist")


def _means(values: np.ndarray, names: Sequence[Name]) -> tuple[np.ndarray, list[Name]]:
    """Means `[seeds, groups]` of columns by name, and the groups' names, sorted."""
    kept = sorted(set(names))
    place = {name: i for i, name in enumerate(kept)}
    member = np.zeros((len(names), len(kept)))
    member[np.arange(len(names)), [place[name] for name in names]] = 1
    return values @ (member / member.sum(axis=0)), kept


def standard_error(values: np.ndarray) -> tuple[float, float]:
    """Standard error of the grand mean of `values` `[seeds, clusters]`, and its degrees of freedom.

    One seed: over clusters alone. ValueError for fewer than two clusters.
    """
    seeds, clusters = values.shape
    if clusters < 2:
        raise ValueError("one cluster says nothing of others")
    by_cluster = seeds * values.mean(axis=0).var(ddof=1)
    if seeds == 1:
        return float(np.sqrt(by_cluster / clusters)), clusters - 1.0
    by_seed = clusters * values.mean(axis=1).var(ddof=1)
    rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    residual = (rest**2).sum() / ((seeds - 1) * (clusters - 1))
    # What both mean squares hold of the residual counts once; never less than the larger of them says.
    square = max(by_cluster + by_seed - residual, by_cluster, by_seed)
    spread = by_cluster**2 / (clusters - 1) + by_seed**2 / (seeds - 1) + residual**2 / ((seeds - 1) * (clusters - 1))
    freedom = square**2 / spread if spread > 0 else clusters - 1.0
    return float(np.sqrt(square / (seeds * clusters))), float(max(freedom, min(seeds, clusters) - 1))


def estimate(means: ClusterMeans, confidence: float) -> Estimate:
    """The grand mean with its t interval and p-value."""
    seeds, clusters = means.values.shape
    if clusters < 2:
        return Estimate(means.mean, None, None, None, seeds, clusters)
    error, freedom = standard_error(means.values)
    half = error * float(stats.t.ppf((1 + confidence) / 2, freedom))
    if error <= 1e-12 * max(float(np.abs(means.values).max()), 1e-300):  # only rounding differs
        p_value = 1.0 if abs(means.mean) <= 1e-12 else 0.0
    else:
        p_value = float(2 * stats.t.sf(abs(means.mean) / error, freedom))
    return Estimate(means.mean, means.mean - half, means.mean + half, p_value, seeds, clusters)


def power(error: float, freedom: float, effect: float, level: float = 0.05) -> float:
    """The chance that the t test finds a true `effect`, given the standard error of the mean; two-sided, at `level`."""
    bound, shift = stats.t.ppf(1 - level / 2, freedom), effect / error
    return float(stats.nct.sf(bound, freedom, shift) + stats.nct.cdf(-bound, freedom, shift))
