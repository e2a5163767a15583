"""What tells real audio from a vocoder's: small convolutional networks over spectra of several resolutions.

After the multi-resolution discriminators of UnivNet (Jang et al. 2021, arXiv 2106.07889) and EnCodec (Défossez et al.
2022, arXiv 2210.13438), made slim enough for a CPU; losses are the hinge loss and feature matching, as in Vocos.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

WINDOWS = (512, 1024, 2048)
"""Samples of the windows that the networks see spectra of; successive ones are a quarter of one apart."""
CHANNELS = (16, 32, 48, 48)
_SLOPE = 0.1
_POWER = 0.3  # of magnitudes: quiet partials count, too
_EPSILON = 1e-5


class Judgement(NamedTuple):
    """What the discriminator makes of a batch of signals."""

    scores: list[Tensor]
    """For each window, scores `[n, 1, frames, bins]`: above zero for what sounds real."""
    features: list[Tensor]
    """What its layers saw on the way."""


class _Resolution(nn.Module):
    """The discriminator of one window: 2-D convolutions over frames and bins, fewer bins with each."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        a, b, c, d = CHANNELS
        self.layers = nn.ModuleList(
            [
                _convolution(2, a, (3, 8), (1, 4), (1, 2)),
                _convolution(a, b, (3, 5), (2, 2), (1, 2)),
                _convolution(b, c, (3, 5), (1, 2), (1, 2)),
                _convolution(c, d, (3, 3), (1, 1), (1, 1)),
            ]
        )
        self.out = _convolution(d, 1, (3, 3), (1, 1), (1, 1))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        hann = torch.hann_window(self.window, device=wave.device)
        spectrum = torch.stft(
            wave, self.window, self.window // 4, window=hann, pad_mode="constant", normalized=True, return_complex=True
        )
        parts = torch.view_as_real(spectrum)  # [n, bins, frames, 2]
        size = parts.square().sum(-1, keepdim=True) + _EPSILON
        x = (parts * size ** ((_POWER - 1) / 2)).permute(0, 3, 2, 1)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
            features.append(x)
        return self.out(x), features


def _convolution(
    channels: int, out: int, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> nn.Module:
    layer: nn.Module = weight_norm(nn.Conv2d(channels, out, kernel, stride, padding))
    return layer


class Discriminator(nn.Module):
    """Signals `[n, samples]` to what each resolution's network makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.resolutions = nn.ModuleList(_Resolution(window) for window in WINDOWS)

    def forward(self, wave: Tensor) -> Judgement:
        """See `Judgement`."""
        judged = [resolution(wave) for resolution in self.resolutions]
        return Judgement([score for score, _ in judged], [x for _, features in judged for x in features])


def discriminator_loss(real: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """Hinge loss of scores of real and of made signals: zero once they are above 1 and below -1."""
    parts = [F.relu(1 - r).mean() + F.relu(1 + m).mean() for r, m in zip(real, made, strict=True)]
    return torch.stack(parts).mean()


def adversarial_loss(made: Sequence[Tensor]) -> Tensor:
    """What the vocoder is to lower: how far from real its signals are scored."""
    return torch.stack([F.relu(1 - m).mean() for m in made]).mean()


def feature_loss(real: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """Feature matching (Larsen et al. 2016): difference of features, each relative to the real signal's mean size."""
    parts = []
    for r, m in zip(real, made, strict=True):
        sizes = r.abs().mean((1, 2, 3)).clamp_min(1e-3)
        parts.append(((r - m).abs().mean((1, 2, 3)) / sizes).mean())
    return torch.stack(parts).mean()
