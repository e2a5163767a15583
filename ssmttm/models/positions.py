"""Positions, and other numbers, as vectors of sines, and as turns of queries and keys."""

import math

import torch
from torch import Tensor


def sinusoidal(positions: Tensor, width: int) -> Tensor:
    """Position embedding `[…, width]`: cosines, then sines, of pos / 10000^(i / (width/2 - 1))."""
    half = width // 2
    rates = torch.exp(-math.log(10000.0) * torch.arange(half, device=positions.device) / (half - 1))
    phase = positions[..., None].float() * rates
    return torch.cat([phase.cos(), phase.sin()], -1)


def rotations(positions: Tensor, width: int) -> Tensor:
    """Cosines, then sines, `[length, width]`, of the angles pos / 10000^(2 i / width) by which `rotate` turns."""
    half = width // 2
    rates = 10000.0 ** -(torch.arange(half, dtype=torch.float64, device=positions.device) / half)
    angles = positions[:, None] * rates  # in double precision: differences of late positions stay exact
    return torch.cat([angles.cos(), angles.sin()], -1)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn pairs (i, i + width/2) of `x [..., length, width]` by their place (RoFormer, equation 34).

    The product of two vectors that were turned depends on how far apart their places are, and not on the places.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    cos, sin = turns.to(wide).chunk(2, -1)
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1).to(x.dtype)
