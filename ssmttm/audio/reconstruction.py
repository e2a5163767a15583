"""How near a codec's audio is to its original: the mel distance of Codec-SUPERB, and SI-SDR."""

import math

import numpy as np
import torch

from ssmttm.audio.mel import filter_bank

_RESOLUTIONS = ((2048, 150), (512, 80))
"""Samples of a window, and mel bands."""
_FLOOR = 1e-5


def mel_distance(wave: np.ndarray, original: np.ndarray, sample_rate: int) -> float:
    """Distance of the mel spectra of two signals [n], as Codec-SUPERB computes it (Wu et al. 2024, arXiv 2402.13071).

    That is the mel loss of audiotools with its defaults (voidful/Codec-SUPERB, `SoundCodec/metrics.py`): for windows
    of 2,048 samples with 150 mel bands and of 512 with 80, a quarter of a window apart, the mean difference of mel
    magnitudes plus that of 2 log10 of them, both summed. It has no unit and depends on how loud the audio is.
    """
    total = 0.0
    for window, bands in _RESOLUTIONS:
        bank = torch.tensor(filter_bank(sample_rate, window, bands))
        a, b = (bank @ _magnitudes(signal, window) for signal in (wave, original))
        logarithmic = (2 * (a.clamp_min(_FLOOR).log10() - b.clamp_min(_FLOOR).log10())).abs().mean()
        total += float(logarithmic + (a - b).abs().mean())
    return total


def _magnitudes(signal: np.ndarray, window: int) -> torch.Tensor:
    samples = torch.from_numpy(np.ascontiguousarray(signal, np.float32))
    hann = torch.hann_window(window)
    return torch.stft(samples, window, window // 4, window=hann, pad_mode="reflect", return_complex=True).abs()


def si_sdr(wave: np.ndarray, original: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB of a signal [n] (Le Roux et al. 2019), means removed.

    It compares waveforms: of audio whose phases are invented it says nothing. Raises ValueError for a silent original.
    """
    target, estimate = (
        np.asarray(signal, np.float64) - np.mean(signal, dtype=np.float64) for signal in (original, wave)
    )
    energy = target @ target
    if not energy > 0:
        raise ValueError("the original is silent, so that there is no ratio to it")
    projection = (estimate @ target / energy) * target
    rest = estimate - projection
    least = float(np.finfo(np.float64).tiny)
    signal, noise = float(projection @ projection) + least, float(rest @ rest) + least
    return 10 * math.log10(signal / noise)
