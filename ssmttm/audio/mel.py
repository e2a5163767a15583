"""The mel filter bank of Slaney's Auditory Toolbox (1998), as librosa's.

librosa and transformers give the same numbers, but take 1 to 3 s to import, in every job that codes or embeds audio.
"""

from functools import cache

import numpy as np

_LINEAR = 200 / 3
"""Hz per mel below the break."""
_BREAK_HZ = 1000.0
_LOGARITHMIC = np.log(6.4) / 27
"""Natural log of the ratio of frequencies one mel apart above the break."""


def _mel_of(hz: float) -> float:
    above = np.log(max(hz / _BREAK_HZ, 1.0)) / _LOGARITHMIC
    return float(min(hz, _BREAK_HZ) / _LINEAR + above)


def _hz_of(mel: np.ndarray) -> np.ndarray:
    knee = _BREAK_HZ / _LINEAR
    return np.where(mel < knee, _LINEAR * mel, _BREAK_HZ * np.exp(_LOGARITHMIC * (mel - knee)))


@cache
def filter_bank(sample_rate: int, fft: int, bands: int) -> np.ndarray:
    """Triangles of unit area from 0 Hz to half of `sample_rate`, float32 [bands, fft // 2 + 1]; not to be written to.

    Multiplied by the magnitudes or powers of a spectrum of `fft` samples, it gives those of mel bands.
    """
    edges = _hz_of(np.linspace(0, _mel_of(sample_rate / 2), bands + 2))
    low, center, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    hz = np.fft.rfftfreq(fft, 1 / sample_rate)
    rising, falling = (hz - low) / (center - low), (high - hz) / (high - center)
    bank = np.minimum(rising, falling).clip(0) * (2 / (high - low))
    bank = bank.astype(np.float32)
    bank.setflags(write=False)
    return bank
