"""Intervals over listeners and captions at once: the bootstrap of crossed factors.

Participants and captions are both drawn with replacement, independently, and an answer counts as
often as its participant times its caption was drawn (Owen, The Pigeonhole Bootstrap, 2007). So the
intervals speak of other listeners and of other captions; they are a little too wide rather than
too narrow. Except where answers agree: resampling what is equal shows no spread, however few were asked.
"""

from typing import TypedDict

import numpy as np
from scipy import stats

from ssmttm.statistics.bootstrap import percentile_interval

_NO_WIDTH = 1e-6

FEW_AGAINST = 5
"""Fewer answers than this on one side tell little of its share when they are resampled."""


class Bounds(TypedDict):
    """An interval, or None and a `note` that says why there is none."""

    low: float | None
    high: float | None
    note: str | None


def draws(participants: int, captions: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each participant `[count, participants]` and each caption `[count, captions]` is drawn."""
    rng = np.random.default_rng(seed)
    people, texts = (rng.multinomial(n, np.full(n, 1 / n), size=count) for n in (participants, captions))
    return people, texts


def weights(drawn: tuple[np.ndarray, np.ndarray], participant: np.ndarray, caption: np.ndarray) -> np.ndarray:
    """Weight `[count, n]` of each answer, given the indices `[n]` of its participant and caption."""
    return (drawn[0][:, participant] * drawn[1][:, caption]).astype(np.float64)


def group_means(weight: np.ndarray, value: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Weighted mean of `value` `[n]` by group, `[count, groups]`; NaN where nothing was drawn."""
    member = (group[:, None] == np.arange(groups)).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return ((weight * value) @ member) / (weight @ member)


def interval(replicates: np.ndarray, confidence: float) -> tuple[float, float] | None:
    """Percentile interval of replicates `[count]`, without those where nothing was drawn.

    None if these are more than half: then there is too little to resample.
    """
    drawn = replicates[np.isfinite(replicates)]
    if len(drawn) * 2 < len(replicates) or not len(drawn):
        return None
    return percentile_interval(drawn, confidence)


def bounds(replicates: np.ndarray, confidence: float, participants: int) -> Bounds:
    """The interval of replicates `[count]`."""
    if participants < 2:
        return without("one participant says nothing of others")
    ends = interval(replicates, confidence)
    if ends is None:
        return without("too few answers to resample")
    low, high = ends
    if high - low < _NO_WIDTH:
        return without("answers agree so much that all resamples are equal")
    return {"low": low, "high": high, "note": None}


def without(note: str) -> Bounds:
    """No interval, because of `note`."""
    return {"low": None, "high": None, "note": note}


def share_bounds(replicates: np.ndarray, confidence: float, participants: int, share: float, against: float) -> Bounds:
    """As `bounds`, of a `share` from 0 to 1 with `against` answers on its rarer side.

    Where these are fewer than `FEW_AGAINST`, or all resamples equal, resampling shows too little spread:
    the interval is then at least as wide as if each participant had answered once (`exact`).
    """
    resampled = bounds(replicates, confidence, participants)
    if participants < 2 or (against >= FEW_AGAINST and resampled["note"] is None):
        return resampled
    least, most = interval(replicates, confidence) or (share, share)
    low, high = exact(share, participants, confidence)
    return {"low": min(low, least), "high": max(high, most), "note": None}


def exact(share: float, n: int, confidence: float) -> tuple[float, float]:
    """Exact binomial interval (Clopper and Pearson 1934) of a share of `n`; ties make it no whole number of wins."""
    tail, wins = (1 - confidence) / 2, share * n
    low = float(stats.beta.ppf(tail, wins, n - wins + 1)) if wins > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, wins + 1, n - wins)) if wins < n else 1.0
    return low, high
