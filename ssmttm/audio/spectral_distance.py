"""How far two signals are apart in their spectra: a measure in decibels, and losses to train with."""

import math

import torch
from torch import Tensor

MEASURED = (512, 1024, 2048)
"""Samples of the windows that the distance is averaged over."""
TRAINED = (256, *MEASURED)
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
    """Mean difference of log magnitudes, and spectral convergence (Arık et al. 2018), over all windows of `TRAINED`."""
    logarithmic, linear = [], []
    for window in TRAINED:
        a, b = magnitudes(wave, window), magnitudes(target, window)
        floor = _FLOOR * math.sqrt(window) / 8
        logarithmic.append(((a + floor).log() - (b + floor).log()).abs().mean())
        linear.append((a - b).norm() / b.norm().clamp_min(_FLOOR))
    return torch.stack(logarithmic).mean(), torch.stack(linear).mean()
