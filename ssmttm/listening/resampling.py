"""Intervals over listeners and captions at once: the bootstrap of crossed factors.

Participants and captions are both drawn with replacement, independently, and an answer counts as
often as its participant times its caption was drawn (Owen, The Pigeonhole Bootstrap, 2007). So the
intervals speak of other listeners and of other captions; they are a little too wide rather than
too narrow.
"""

import numpy as np


def draws(participants: int, captions: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each participant `[count, participants]` and each caption `[count, captions]` is drawn."""
    rng = np.random.default_rng(seed)
    return tuple(rng.multinomial(n, np.full(n, 1 / n), size=count) for n in (participants, captions))


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
    found = replicates[np.isfinite(replicates)]
    if len(found) * 2 < len(replicates) or not len(found):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return float(low), float(high)
