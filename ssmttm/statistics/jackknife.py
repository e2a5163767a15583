"""What each clip adds to a score that is no mean over clips: the jackknife (Efron and Tibshirani 1993, chapter 11).

A clip is taken out, with all that belongs to it, and the score is computed anew. No clip ever stands in a set twice, as
it does in a bootstrap's resample, where it would be its own nearest neighbor.
"""

from collections.abc import Callable

import numpy as np

MOST = 1000
"""Of more clips it isn't done: the cost is the number of clips times that of the score."""


def influences(statistic: Callable[[np.ndarray], np.ndarray], clips: int) -> np.ndarray | None:
    """A part of each score for each clip, float64 `[scores, clips]`: their means are the scores themselves.

    `statistic` takes the indices of the clips that are kept and returns scores `[scores]`. The variance of such a mean,
    taken as one of independent parts, is the jackknife's, which tends to be too large rather than too small (Efron and
    Stein 1981). None for fewer than three clips, or more than `MOST`.
    """
    if not 3 <= clips <= MOST:
        return None
    every = np.arange(clips)
    whole = np.asarray(statistic(every), dtype=np.float64)
    without = np.stack([statistic(np.delete(every, i)) for i in every], axis=1)
    return np.asarray(whole[:, None] + (clips - 1) * (without.mean(axis=1, keepdims=True) - without))
