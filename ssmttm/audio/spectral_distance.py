"""How far two signals are apart in their spectra: a measure in decibels, and losses to train with."""

import math

import torch
from torch import Tensor

from ssmttm.audio.mel import filter_bank

MEASURED = (512, 1024, 2048)
"""Samples of the windows that the distance is averaged over."""
TRAINED = (256, *MEASURED)
BANDS = {512: 48, 1024: 96, 2048: 128}
"""Mel bands that losses are computed in, by window."""
_LEAST_NORM = 1.0  # of a spectrum: near silence is not worth more than quiet music
_FLOOR = 1e-3  # of a magnitude, in the distance: what is quieter counts as silent


def magnitudes(wave: Tensor, window: int) -> Tensor:
    """Magnitudes `[n, window / 2 + 1, frames]` of `wave` [n, samples]: Hann windows, a quarter of one apart."""
    hann = torch.hann_window(window, device=wave.device)
    spectrum = torch.stft(wave, window, window // 4, window=hann, pad_mode="constant", return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-8).sqrt()


def log_spectral_distance(wave: Tensor, target: Tensor) -> Tensor:
    """Multi-resolution log-spectral distance in dB, `[n]`, of two signals `[n, samples]`.

    For each window, the root mean square over frequencies of the difference of log magnitudes, averaged over frames;
    then the mean over the windows.
    """
    distances = []
    for window in MEASURED:
        a, b = (magnitudes(x, window).clamp_min(_FLOOR).log10() for x in (wave, target))
        distances.append((20 * (a - b)).square().mean(1).sqrt().mean(1))
    return torch.stack(distances).mean(0)


def spectral_losses(wave: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Difference of log magnitudes, and spectral convergence (Arık et al. 2018), of signals `[n, samples]`.

    Each the mean over the windows of `TRAINED`, and over the signals.
    """
    logarithmic, linear = [], []
    for window in TRAINED:
        a, b = magnitudes(wave, window), magnitudes(target, window)
        logarithmic.append(_log_difference(a, b, window))
        sizes = b.norm(dim=(1, 2)).clamp_min(_LEAST_NORM)
        linear.append(((a - b).norm(dim=(1, 2)) / sizes).mean())
    return torch.stack(logarithmic).mean(), torch.stack(linear).mean()


def mel_loss(wave: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """Mean difference of log magnitudes of mel bands of signals `[n, samples]`, over the windows of `BANDS`.

    Bins of a spectrum fluctuate with phases that can't be known; the level of a band can be.
    """
    parts = []
    for window, bands in BANDS.items():
        bank = torch.tensor(filter_bank(sample_rate, window, bands), device=wave.device)
        a, b = (bank @ magnitudes(x, window) for x in (wave, target))
        parts.append(_log_difference(a, b, window))
    return torch.stack(parts).mean()


def _log_difference(a: Tensor, b: Tensor, window: int) -> Tensor:
    floor = _FLOOR * math.sqrt(window) / 8
    return ((a + floor).log() - (b + floor).log()).abs().mean()
