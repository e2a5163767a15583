"""Music of our own: random notes, the same for the same number."""

from functools import cache

import numpy as np

RATE = 24000


@cache
def melody(number: int, seconds: float) -> np.ndarray:
    """Mono float32 `[n]` at 24 kHz, of its own tune for every `number`; peak 0.5. Not to be written to."""
    rng = np.random.default_rng(number)
    wave = np.zeros(round(seconds * RATE) + RATE)
    for start in range(0, round(seconds * RATE), RATE // 4):
        for pitch in rng.integers(45, 81, rng.integers(1, 4)):
            wave[start : start + RATE] += _note(int(pitch))
    wave = wave[: round(seconds * RATE)].astype(np.float32)
    wave *= np.float32(0.5) / np.abs(wave).max()
    wave.flags.writeable = False
    return wave


@cache
def _note(pitch: int) -> np.ndarray:
    """One second of a MIDI pitch with overtones, dying away."""
    t = np.arange(RATE) / RATE
    phase = 2 * np.pi * 440.0 * 2 ** ((pitch - 69) / 12) * t
    return sum(np.sin(k * phase) / k**1.5 for k in (1, 2, 3, 4)) * np.exp(-4 * t) * (1 - t)
