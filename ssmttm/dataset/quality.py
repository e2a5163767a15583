"""Figures that say how good a clip sounds technically, before its loudness is changed."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

FULL_SCALE = 10 ** (-0.1 / 20)
"""-0.1 dBFS: resampling bends the flat top of a clipped wave by about so much."""

_FRAME_SECONDS = 0.05
_SILENT_RMS = 10 ** (-60 / 20)
_SPECTRUM_SAMPLES, _MOST_SPECTRA = 4096, 16
_BANDWIDTH_SHARE = 0.99


@dataclass(frozen=True)
class Quality:
    """What is measured of one clip; the names are the columns of the clips table."""

    clipped: float  # share of samples at full scale
    dc_offset: float  # the mean
    bandwidth_hz: float  # 99 % of the energy lies below; 0 for silence
    silence: float  # share of 50 ms frames below -60 dBFS (root mean square)
    crest_db: float  # peak over root mean square; 0 for silence


def remove_offset(wave: np.ndarray) -> tuple[np.ndarray, float]:
    """Samples `[n]` (float32) without their mean, and the mean."""
    offset = float(wave.mean(dtype=np.float64))
    return wave - np.float32(offset), offset


def measure(wave: np.ndarray, sample_rate: int, offset: float = 0.0) -> Quality:
    """The figures of samples `[n]` (float32, at least one frame of 50 ms) from which the mean `offset` was taken."""
    high, low = float(wave.max()), float(wave.min())
    clipped = 0
    if high + offset >= FULL_SCALE:
        clipped += int(np.count_nonzero(wave >= np.float32(FULL_SCALE - offset)))
    if low + offset <= -FULL_SCALE:
        clipped += int(np.count_nonzero(wave <= np.float32(-FULL_SCALE - offset)))
    frame = round(_FRAME_SECONDS * sample_rate)
    frames = wave[: len(wave) // frame * frame].reshape(-1, frame)
    energies = np.einsum("ij,ij->i", frames, frames) / frame
    rms = math.sqrt(float(energies.mean(dtype=np.float64)))
    return Quality(
        clipped=clipped / len(wave),
        dc_offset=offset,
        bandwidth_hz=bandwidth(wave, sample_rate),
        silence=float((energies < _SILENT_RMS**2).mean()),
        crest_db=20 * math.log10(max(high, -low) / rms) if rms else 0.0,
    )


def bandwidth(wave: np.ndarray, sample_rate: int) -> float:
    """The frequency below which 99 % of the energy of samples `[n]` lies, in Hz; 0 for silence.

    By the mean power spectrum of up to 16 windows that are spread evenly.
    """
    size = min(_SPECTRUM_SAMPLES, len(wave))
    count = min(_MOST_SPECTRA, len(wave) // size)
    starts = np.linspace(0, len(wave) - size, count).astype(int)
    spectra = np.fft.rfft(np.stack([wave[s : s + size] for s in starts]) * _window(size))
    power = (spectra.real**2 + spectra.imag**2).sum(axis=0, dtype=np.float64)
    total = power.sum()
    return float(np.searchsorted(power.cumsum(), _BANDWIDTH_SHARE * total) * sample_rate / size) if total else 0.0


@cache
def _window(size: int) -> np.ndarray:
    return np.hanning(size).astype(np.float32)
