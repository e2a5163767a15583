"""Log-mel spectra of hop-aligned frames, and audio back from them by fast Griffin-Lim."""

import math
from functools import cache

import torch
import torch.nn.functional as F

from ssmttm.audio.mel import filter_bank

FFT = 1024
HOP = 256
BANDS = 96
_OVERLAP = FFT // HOP
_EDGE = (FFT - HOP) // 2
"""Samples added on each side, so that N hops of audio give exactly N frames."""

LOG_FLOOR = math.log(1e-4)
"""Least log magnitude; quieter is inaudible, and its detail would only cost codes."""
LOG_CEILING = math.log(1e3)

_ITERATIONS = 32
_MOMENTUM = 0.99


@cache
def _filter_bank(sample_rate: int) -> torch.Tensor:
    return torch.tensor(filter_bank(sample_rate, FFT, BANDS))


@cache
def _inverse_filter_bank(sample_rate: int) -> torch.Tensor:
    return torch.linalg.pinv(_filter_bank(sample_rate).double()).float()


def log_mel(samples: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Natural log of mel magnitudes, float32 [n / 256, 96], of `samples` [n], n a multiple of 256.

    Frame i is centered on samples 256 i to 256 (i + 1); the edges are mirrored.
    """
    mode = "reflect" if len(samples) > _EDGE else "constant"
    padded = F.pad(samples[None], (_EDGE, _EDGE), mode=mode)[0]
    magnitude = torch.fft.rfft(padded.unfold(0, FFT, HOP) * torch.hann_window(FFT)).abs()
    return (magnitude @ _filter_bank(sample_rate).T).clamp_min(math.exp(LOG_FLOOR)).log()


def invert_log_mel(features: torch.Tensor, sample_rate: int, seed: int = 0) -> torch.Tensor:
    """Audio [256 n], float32, whose log-mel spectrum is near `features` [n, 96]."""
    mel = features.clamp(LOG_FLOOR, LOG_CEILING).exp()
    # The pseudo-inverse leaves small negative magnitudes; a floor keeps their phases defined.
    magnitude = (mel @ _inverse_filter_bank(sample_rate).T).clamp_min(1e-6)
    return griffin_lim(magnitude, seed)[_EDGE : -_EDGE or None]


def griffin_lim(magnitude: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """A signal [(n + 3) 256] whose spectrum has about the given magnitudes [n, 513].

    The fast Griffin-Lim algorithm (Perraudin, Balazs and Sondergaard, 2013) with momentum 0.99
    and 32 iterations, from random phases of `seed`. Buffers are reused: fresh ones cost more in
    page faults than the arithmetic.
    """
    count = len(magnitude)
    window = torch.hann_window(FFT)
    frames = torch.empty(count, FFT)
    signal = torch.empty(count + _OVERLAP - 1, HOP)
    envelope = _overlap_add(window.square().expand(count, FFT), torch.empty_like(signal)).clamp_min(1e-3).clone()

    def synthesize(spectrum: torch.Tensor) -> torch.Tensor:
        return _overlap_add(torch.fft.irfft(spectrum, n=FFT).mul_(window), signal).div_(envelope).view(-1)

    generator = torch.Generator().manual_seed(seed)
    spectrum = torch.polar(magnitude, torch.rand(magnitude.shape, generator=generator) * (2 * math.pi))
    parts = torch.view_as_real(spectrum)
    previous: torch.Tensor | None = None
    for _ in range(_ITERATIONS):
        torch.mul(synthesize(spectrum).unfold(0, FFT, HOP), window, out=frames)
        consistent = torch.view_as_real(torch.fft.rfft(frames))
        if previous is None:
            parts.copy_(consistent)
        else:
            torch.lerp(previous, consistent, 1 + _MOMENTUM, out=parts)
        previous = consistent
        size = parts[..., 0].square().add_(parts[..., 1].square()).clamp_min_(1e-16)
        parts.mul_(size.rsqrt_().mul_(magnitude)[..., None])
    return synthesize(spectrum).clone()


def _overlap_add(frames: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Sum frames [n, 1024] at hops of 256 into `out` [n + 3, 256]."""
    out.zero_()
    segments = frames.unflatten(1, (_OVERLAP, HOP))
    for i in range(_OVERLAP):
        out[i : i + len(frames)] += segments[:, i]
    return out
