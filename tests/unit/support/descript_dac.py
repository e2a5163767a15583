"""The network of the package descript-audio-codec (Kumar et al. 2023), small, with its names of layers and its file.

Written from its published layout: nested `nn.Sequential`, weight normalization as weight_g and weight_v, and a file
of {"state_dict", "metadata": {"kwargs"}}.
"""

import math
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = [2, 4, 8, 8]


def normed(layer: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(layer)


class Snake1d(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.alpha + 1e-9).reciprocal() * torch.sin(self.alpha * x).pow(2)


class ResidualUnit(nn.Module):
    def __init__(self, dim: int, dilation: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            Snake1d(dim),
            normed(nn.Conv1d(dim, dim, 7, dilation=dilation, padding=3 * dilation)),
            Snake1d(dim),
            normed(nn.Conv1d(dim, dim, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


class Block(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


def units(dim: int) -> list[nn.Module]:
    return [ResidualUnit(dim, dilation) for dilation in (1, 3, 9)]


class Encoder(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [normed(nn.Conv1d(1, dim, 7, padding=3))]
        for stride in STRIDES:
            down = nn.Conv1d(dim, 2 * dim, 2 * stride, stride=stride, padding=math.ceil(stride / 2))
            layers.append(Block(*units(dim), Snake1d(dim), normed(down)))
            dim *= 2
        self.block = nn.Sequential(*layers, Snake1d(dim), normed(nn.Conv1d(dim, dim, 3, padding=1)))


class Decoder(nn.Module):
    def __init__(self, latent: int, dim: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [normed(nn.Conv1d(latent, dim, 7, padding=3))]
        for stride in STRIDES[::-1]:
            up = nn.ConvTranspose1d(dim, dim // 2, 2 * stride, stride=stride, padding=math.ceil(stride / 2))
            layers.append(Block(Snake1d(dim), normed(up), *units(dim // 2)))
            dim //= 2
        self.model = nn.Sequential(*layers, Snake1d(dim), normed(nn.Conv1d(dim, 1, 7, padding=3)), nn.Tanh())


class VectorQuantize(nn.Module):
    def __init__(self, latent: int, size: int, dim: int) -> None:
        super().__init__()
        self.in_proj, self.out_proj = normed(nn.Conv1d(latent, dim, 1)), normed(nn.Conv1d(dim, latent, 1))
        self.codebook = nn.Embedding(size, dim)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        projected = self.in_proj(z)[0].T
        codes = (F.normalize(projected) @ F.normalize(self.codebook.weight).T).argmax(1)
        return self.out_proj(self.codebook(codes).T[None]), codes


class Quantizer(nn.Module):
    def __init__(self, latent: int, levels: int, size: int, dim: int) -> None:
        super().__init__()
        self.quantizers = nn.ModuleList(VectorQuantize(latent, size, dim) for _ in range(levels))


class Dac(nn.Module):
    """One recording at a time."""

    def __init__(self, encoder_dim: int = 2, decoder_dim: int = 32, levels: int = 4, size: int = 16) -> None:
        super().__init__()
        latent = encoder_dim * 2 ** len(STRIDES)
        self.kwargs = {
            "encoder_dim": encoder_dim, "encoder_rates": STRIDES, "latent_dim": None, "decoder_dim": decoder_dim,
            "decoder_rates": STRIDES[::-1], "n_codebooks": levels, "codebook_size": size, "codebook_dim": 4,
            "quantizer_dropout": 0.5, "sample_rate": 44100,
        }  # fmt: skip
        self.encoder, self.decoder = Encoder(encoder_dim), Decoder(latent, decoder_dim)
        self.quantizer = Quantizer(latent, levels, size, 4)
        generator = torch.Generator().manual_seed(0)
        for name, parameter in self.named_parameters():
            if name.endswith("weight_v"):
                parameter.data = torch.randn(parameter.shape, generator=generator)
            elif name.endswith(("weight_g", "alpha")):
                parameter.data = 0.5 + torch.rand(parameter.shape, generator=generator)

    @torch.no_grad()
    def encode(self, wave: Tensor) -> Tensor:
        """Codes [levels, T] of samples [512 T]."""
        residual, codes = self.encoder.block(wave[None, None]), []
        for level in self.quantizer.quantizers:
            quantized, found = level(residual)
            residual = residual - quantized
            codes.append(found)
        return torch.stack(codes)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Samples [512 T] of codes [levels, T]."""
        levels = zip(self.quantizer.quantizers, codes)
        return self.decoder.model(sum(level.out_proj(level.codebook(own).T[None]) for level, own in levels))[0, 0]

    def save(self, path: Path) -> Path:
        """The file that the package writes."""
        torch.save({"state_dict": self.state_dict(), "metadata": {"kwargs": self.kwargs}}, path)
        return path
