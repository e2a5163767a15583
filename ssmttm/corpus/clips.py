"""From a track's samples to clips of one length and one loudness."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyloudnorm

PEAK_CEILING = 10 ** (-0.1 / 20)
"""-0.1 dBFS. Where the wanted loudness would push a peak above it, the gain of the whole clip is
reduced instead: no sample is ever clipped, and no dynamics are changed."""


@dataclass(frozen=True)
class Clip:
    """One cut: `wave` `[n]` float32 after normalization, or None when it is silent."""

    start_s: float
    wave: np.ndarray | None
    loudness_lufs: float  # before normalization; -inf for digital silence
    peak: float  # after normalization, linear


@cache
def _meter(sample_rate: int) -> pyloudnorm.Meter:
    return pyloudnorm.Meter(sample_rate)


def loudness(wave: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness of mono samples `[n]` (at least 0.4 s) in LUFS, EBU R128; -inf for silence."""
    with warnings.catch_warnings():  # all blocks under the gate: a mean of nothing, which is -inf
        warnings.simplefilter("ignore")
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(_meter(sample_rate).integrated_loudness(wave.astype(np.float64)))
    return value if np.isfinite(value) else -np.inf


def normalize(wave: np.ndarray, measured_lufs: float, target_lufs: float) -> np.ndarray:
    """Scale samples `[n]` from the measured to the target loudness, peaks at most PEAK_CEILING."""
    gain = 10 ** ((target_lufs - measured_lufs) / 20)
    peak = float(np.abs(wave).max(initial=0.0))
    if peak * gain > PEAK_CEILING:
        gain = PEAK_CEILING / peak
    return np.clip((wave * gain).astype(np.float32), -PEAK_CEILING, PEAK_CEILING)


def clip_starts(samples: int, length: int, per_track: int | None) -> list[int]:
    """Where the non-overlapping clips of `length` samples start; the rest at the end is dropped.

    With a cap, `per_track` of them spread evenly over the track, always the same ones.
    """
    count = samples // length
    chosen: Any = range(count)
    if per_track is not None and per_track < count:
        chosen = [(2 * i + 1) * count // (2 * per_track) for i in range(per_track)]
    return [i * length for i in chosen]


def cut(wave: np.ndarray, settings: dict[str, Any]) -> Iterator[Clip]:
    """Clips of a track's mono samples `[n]` at `settings["sample_rate"]`, in order.

    `settings` is `data.clips` of the config.
    """
    rate = settings["sample_rate"]
    length = round(settings["seconds"] * rate)
    for start in clip_starts(len(wave), length, settings.get("per_track")):
        piece = wave[start : start + length]
        measured = loudness(piece, rate)
        if measured < settings["silence_lufs"]:
            yield Clip(start / rate, None, measured, float(np.abs(piece).max()))
            continue
        levelled = normalize(piece, measured, settings["loudness_lufs"])
        yield Clip(start / rate, levelled, measured, float(np.abs(levelled).max()))
