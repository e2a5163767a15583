"""Integrated loudness by EBU R128 (ITU-R BS.1770), and bringing a clip to a wanted one."""

import math
from functools import cache

import numpy as np
from numba import njit

PEAK_CEILING = 10 ** (-0.1 / 20)
"""-0.1 dBFS. Where the wanted loudness would push a peak above it, the gain of the whole clip is
reduced instead: no sample is ever clipped, and no dynamics are changed."""

_SHELF_HZ, _SHELF_Q, _SHELF_DB = 1681.974450955533, 0.7071752369554196, 3.999843853973347
_SHELF_MIDDLE = 0.4996667741545416
_HIGHPASS_HZ, _HIGHPASS_Q = 38.13547087602444, 0.5003270373238773
"""The analog filters whose bilinear transform at 48 kHz is the K-weighting that BS.1770 tabulates."""

_STEPS_PER_BLOCK = 4  # blocks of 400 ms, every 100 ms
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0


def loudness(wave: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness of mono samples `[n]` (float32) in LUFS; -inf for silence and for less than 0.4 s.

    Gated as in BS.1770-4: blocks of 400 ms that overlap by 75 %, those at least -70 LUFS loud, and
    of these the ones within 10 LU of their mean. A block that is cut off at the end is left out.
    """
    hop = round(sample_rate / 10)
    steps = _energies(wave, _k_weighting(sample_rate), hop, len(wave) // hop)
    if len(steps) < _STEPS_PER_BLOCK:
        return -math.inf
    blocks = np.convolve(steps, np.ones(_STEPS_PER_BLOCK), "valid") / (_STEPS_PER_BLOCK * hop)
    heard = blocks[blocks >= _energy(_ABSOLUTE_GATE)]
    heard = heard[heard > 10 ** (_RELATIVE_GATE / 10) * heard.mean()] if len(heard) else heard
    return -0.691 + 10 * math.log10(heard.mean()) if len(heard) else -math.inf


def normalize(wave: np.ndarray, measured_lufs: float, target_lufs: float) -> np.ndarray:
    """Scale samples `[n]` from the measured to the target loudness, peaks at most PEAK_CEILING."""
    gain = 10 ** ((target_lufs - measured_lufs) / 20)
    peak = max(float(wave.max(initial=0.0)), -float(wave.min(initial=0.0)))
    if peak * gain > PEAK_CEILING:
        gain = PEAK_CEILING / peak
    scaled = (wave * gain).astype(np.float32, copy=False)
    return np.clip(scaled, -PEAK_CEILING, PEAK_CEILING, out=scaled)


def _energy(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)


@cache
def _k_weighting(sample_rate: int) -> np.ndarray:
    """Two biquads `[2, 5]`: b0, b1, b2, a1, a2 of the head's shelf and of the high-pass."""
    high, middle = 10 ** (_SHELF_DB / 20), 10 ** (_SHELF_DB * _SHELF_MIDDLE / 20)
    k, scale, a1, a2 = _poles(_SHELF_HZ, _SHELF_Q, sample_rate)
    shelf = [
        (high + middle * k / _SHELF_Q + k * k) / scale,
        2 * (k * k - high) / scale,
        (high - middle * k / _SHELF_Q + k * k) / scale,
    ]
    # The table has 1, -2, 1 at 48 kHz: so much gain belongs to the filter at every rate.
    gain = _poles(_HIGHPASS_HZ, _HIGHPASS_Q, 48000)[1]
    _, scale, c1, c2 = _poles(_HIGHPASS_HZ, _HIGHPASS_Q, sample_rate)
    highpass = [gain / scale, -2 * gain / scale, gain / scale]
    return np.array([[*shelf, a1, a2], [*highpass, c1, c2]])


def _poles(frequency: float, q: float, sample_rate: int) -> tuple[float, float, float, float]:
    k = math.tan(math.pi * frequency / sample_rate)
    scale = 1 + k / q + k * k
    return k, scale, 2 * (k * k - 1) / scale, (1 - k / q + k * k) / scale


@njit(cache=True, fastmath={"contract", "nsz", "arcp", "reassoc"})
def _energies(wave: np.ndarray, biquads: np.ndarray, hop: int, steps: int) -> np.ndarray:
    """Energy of each of `steps` stretches of `hop` samples after both biquads, float64 `[steps]`.

    Transposed direct form II in double precision.
    """
    b0, b1, b2, a1, a2 = biquads[0]
    d0, d1, d2, c1, c2 = biquads[1]
    s1 = s2 = t1 = t2 = 0.0
    energies = np.empty(steps)
    for step in range(steps):
        total = 0.0
        for i in range(step * hop, (step + 1) * hop):
            x = float(wave[i])
            y = b0 * x + s1
            s1 = b1 * x - a1 * y + s2
            s2 = b2 * x - a2 * y
            z = d0 * y + t1
            t1 = d1 * y - c1 * z + t2
            t2 = d2 * y - c2 * z
            total += z * z
        energies[step] = total
    return energies
