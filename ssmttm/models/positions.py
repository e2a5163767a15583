"""Positions, and other numbers, as vectors of sines."""

import math

import torch
from torch import Tensor


def sinusoidal(positions: Tensor, width: int) -> Tensor:
    """Position embedding `[…, width]`: cosines, then sines, of pos / 10000^(i / (width/2 - 1))."""
    half = width // 2
    rates = torch.exp(-math.log(10000.0) * torch.arange(half, device=positions.device) / (half - 1))
    phase = positions[..., None].float() * rates
    return torch.cat([phase.cos(), phase.sin()], -1)
