"""Clips of one test at one loudness: one gain per clip, no compression, no clipped peak."""

import math
from collections.abc import Mapping

import numpy as np

from ssmttm.audio.loudness import loudness
from ssmttm.listening.records import Clip

TARGET_LUFS = -23.0
"""The programme level of EBU R128."""

CEILING_DB = -1.0
"""Highest sample peak, dBFS."""

LOWERED_BY_AT_MOST = 6.0
"""LU by which the common level gives way to clips with high peaks."""

FADE_S = 0.005

SHORTEST_S = 0.4
"""The block of ITU-R BS.1770: anything shorter has no loudness."""


def reachable(wave: np.ndarray, measured: float) -> float:
    """The loudness at which the peak of `wave` meets the ceiling."""
    peak = float(np.abs(wave).max(initial=0.0))
    return measured + CEILING_DB - 20 * math.log10(peak) if peak > 0 and math.isfinite(measured) else math.inf


def common_level(reached: Mapping[str, float], target: float = TARGET_LUFS) -> float:
    """The loudness for all clips {name: reachable loudness}: the target, or less where peaks ask for it."""
    return max(min([target, *reached.values()]), target - LOWERED_BY_AT_MOST)


def gain_db(measured: float, reach: float, level: float) -> float:
    """The one gain of a clip: to `level`, or as near as its peak allows; 0 for silence."""
    return min(level, reach) - measured if math.isfinite(measured) else 0.0


def set_gains(waves: dict[str, np.ndarray], rate: int, clips: dict[str, Clip]) -> float:
    """Note loudness and gain of every clip in `clips`; the common level, LUFS."""
    measured = {name: loudness(wave, rate) for name, wave in waves.items()}
    reach = {name: reachable(wave, measured[name]) for name, wave in waves.items()}
    common = common_level(reach)
    for name, lufs in measured.items():
        clips[name]["loudness_lufs"] = lufs if math.isfinite(lufs) else None
        clips[name]["gain_db"] = gain_db(lufs, reach[name], common)
    return common


def faded(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """The samples with 5 ms of fade at both ends: clips are cut to one length, and a cut may click."""
    n = min(int(FADE_S * sample_rate), len(wave) // 2)
    ramp = np.linspace(0.0, 1.0, n, dtype=np.float32)
    out = wave.astype(np.float32, copy=True)
    out[:n] *= ramp
    out[len(out) - n :] *= ramp[::-1]
    return out


def dithered(wave: np.ndarray, seed: int) -> np.ndarray:
    """The samples with triangular noise of at most one step of 16 bits: no two files of one clip are alike."""
    steps = np.random.default_rng(seed).random((2, len(wave)), dtype=np.float32)
    return wave + (steps[0] - steps[1]) / np.float32(32768)


def hiss(samples: int, seed: int) -> np.ndarray:
    """White uniform noise, float32 `[samples]`."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)
