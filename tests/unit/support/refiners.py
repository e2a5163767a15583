"""Tiny refiners of every backbone and objective, shared by the tests of models, training and generation."""

from typing import Any

import torch
from torch import nn

from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.refiner import Clips, Refiner, build_refiner

BACKBONES = ("mamba2", "transformer", "unet")
OBJECTIVES = ("diffusion", "flow", "masked")

TINY: dict[str, Any] = {
    "levels": 3,
    "d_model": 16,
    "layers": 2,
    "d_state": 4,
    "d_conv": 4,
    "expand": 2,
    "head_dim": 8,
    "chunk": 5,
    "attention_heads": 2,
    "feedforward_factor": 2,
    "dropout": 0.0,
    "jitter": 0.1,
    "window": 16,
    "overlap": 5,
}
WIDTHS = {"codebook_size": 7, "text_width": 6, "given": 3, "refined": 4}


def moments(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance."""
    return vectors.mean(0), torch.cov(vectors.T)


def tiny_refiner(backbone: str = "mamba2", objective: str = "diffusion", **changes: Any) -> Refiner:
    """A refiner whose weights, those that start at 0 included, are all random."""
    torch.manual_seed(0)
    config = RefinerConfig(**{**TINY, **WIDTHS, "backbone": backbone, "objective": objective, **changes})
    refiner = build_refiner(config).eval()
    for parameter in refiner.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    refiner.set_statistics(*(moments(torch.randn(50, width)) for width in (config.given, config.refined)))
    return refiner


def captions(batch: int, tokens: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Caption embeddings and masks; the last one is padded."""
    g = torch.Generator().manual_seed(2)
    mask = torch.ones(batch, tokens, dtype=torch.bool)
    mask[-1, 3:] = False
    return torch.randn(batch, tokens, WIDTHS["text_width"], generator=g), mask


def clips(refiner: Refiner, batch: int = 2, frames: int = 11) -> Clips:
    """Made-up training examples."""
    g, config = torch.Generator().manual_seed(3), refiner.config
    clean = torch.randn(batch, frames, config.given, generator=g)
    rest = torch.randn(batch, frames, config.refined, generator=g)
    codes = torch.randint(0, config.codebook_size, (batch, config.levels - 1, frames), generator=g)
    return Clips(clean, rest, codes, *captions(batch))


def draws(refiner: Refiner, batch: int = 2, frames: int = 11, place: float = 0.6) -> dict[str, torch.Tensor]:
    """Their random numbers."""
    rows = [refiner.draw(frames, torch.Generator().manual_seed(i), place) for i in range(batch)]
    return {key: torch.stack([row[key] for row in rows]) for key in rows[0]}
