"""Clips at one loudness whose peaks stay in bounds: a gain, and a look-ahead limiter where peaks leave no room."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from ssmttm.audio.loudness import loudness

LOOK_AHEAD = 0.005
"""Seconds over which a gain goes down before a peak, and up behind it."""

MOST_DB = 12.0
"""Peaks are turned down by no more: a clip that would need it stays quieter."""

NEAR_LU = 0.05
ROUNDS = 12


@dataclass(frozen=True)
class Leveled:
    """A clip and what was done to it, in dB."""

    wave: np.ndarray
    gain: float | None
    """Of the whole clip; None for one whose loudness can't be measured, which is left alone."""
    limited: float = 0.0
    """By how much its highest peaks were turned down beyond that."""
    short: float = 0.0
    """By how much it is quieter than was asked for."""


def limit(wave: np.ndarray, rate: int, ceiling: float) -> np.ndarray:
    """`wave` `[n]` with no sample beyond `ceiling`: turned down around each peak, and nowhere else.

    The gain at a sample is the mean, over a window, of the least gains that samples within half a window of each need.
    So it is smooth, and at a peak no greater than what that peak needs.
    """
    needed = np.minimum(1.0, ceiling / np.maximum(np.abs(wave), 1e-12))
    width = 2 * int(LOOK_AHEAD * rate) + 1
    gain = uniform_filter1d(minimum_filter1d(needed, width, mode="nearest"), width, mode="nearest")
    return (wave * np.minimum(gain, needed)).astype(np.float32)


def leveled(wave: np.ndarray, rate: int, lufs: float, ceiling: float) -> Leveled:
    """`wave` `[n]` at `lufs` (EBU R128) with peaks up to `ceiling`, or as near as `MOST_DB` of limiting let it come."""
    measured = loudness(wave, rate)
    if not math.isfinite(measured):
        return Leveled(wave, None)
    room = 20 * math.log10(ceiling / float(np.abs(wave).max()))
    gain = lufs - measured
    if gain <= room:
        return Leveled((wave * 10 ** (gain / 20)).astype(np.float32), gain)
    most = room + MOST_DB
    made, reached = wave, measured
    for _ in range(ROUNDS):
        gain = min(gain, most)
        made = limit(wave * 10 ** (gain / 20), rate, ceiling)
        reached = loudness(made, rate)
        if abs(lufs - reached) < NEAR_LU or (gain >= most and reached < lufs):
            break
        gain += lufs - reached
    return Leveled(made, gain, gain - room, max(0.0, lufs - reached))
