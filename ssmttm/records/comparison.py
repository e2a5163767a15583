"""The loss of an entry, and whether it beats another one: losses by clip, over artists and seeds."""

from collections.abc import Mapping, Sequence

import numpy as np

from ssmttm.records.data import Data
from ssmttm.records.tracks import CONFIDENCE
from ssmttm.statistics.clustered import Estimate, cluster_means, estimate

Losses = Sequence[Mapping[str, float]]
"""By clip, of each seed in their order."""


def loss_of(losses: Losses, data: Data) -> Estimate:
    """The mean loss over artists and seeds in nats per code, with its interval."""
    return estimate(cluster_means(_array(losses, data), data.tracks, data.artists), CONFIDENCE)


def lead_of(losses: Losses, last: Losses, data: Data) -> Estimate:
    """By how much the loss lies below that of the last record, with the p-value of no difference.

    Paired by clip and by the seeds that both have, which go from 1 on: as many as the entry with fewer of them.
    """
    seeds = min(len(losses), len(last))
    difference = _array(last[:seeds], data) - _array(losses[:seeds], data)
    return estimate(cluster_means(difference, data.tracks, data.artists), CONFIDENCE)


def _array(losses: Losses, data: Data) -> np.ndarray:
    """Float64 `[seeds, clips]`, in the order of the data's clips."""
    return np.array([[of_seed[clip] for clip in data.test] for of_seed in losses], np.float64)
