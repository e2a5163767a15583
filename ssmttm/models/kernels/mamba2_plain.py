"""The inside of a Mamba-2 mixer as plain tensor operations: the truth, and what runs where nothing else does."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.models.eager import eager
from ssmttm.models.functional import causal_conv_silu
from ssmttm.models.kernels.ssd import ssd_chunked


class Inputs(NamedTuple):
    """What the inside of a mixer works on: H heads of P channels, states of N."""

    projected: Tensor
    """`[batch, length, H P + (H P + 2 N) + H]`: z, then x, B, C, then dt."""
    conv_weight: Tensor
    """`[width, H P + 2 N]`, the last row for the current frame."""
    conv_bias: Tensor
    """`[H P + 2 N]`."""
    dt_bias: Tensor
    """`[H]`."""
    a: Tensor
    """`[H]`, negative."""
    d: Tensor
    """`[H]`, the skip connection."""
    norm_weight: Tensor
    """`[H P]`."""
    past: Tensor | None
    """`[batch, width - 1, H P + 2 N]`, what the convolution saw before; None for zeros."""
    state: Tensor | None
    """`[batch, H, P, N]`; None for zeros, and none is returned."""
    mask: Tensor | None
    """`[batch, length]`, False at padding on the left; None for no padding."""
    chunk: int
    """Frames per block; speed only."""
    eps: float
    """Of the norm."""


def mamba2_inner(given: Inputs) -> tuple[Tensor, Tensor | None]:
    """Convolution, SiLU, scan, skip, gate and norm of a Mamba-2 mixer.

    Returns `[batch, length, H P]`, and the state after the last frame if one was given.
    """
    return _apart(given) if given.projected.device.type == "cpu" else _inner(given)


def _inner(given: Inputs) -> tuple[Tensor, Tensor | None]:
    projected, conv_weight, conv_bias, dt_bias, a, d, norm_weight, past, state, mask, chunk, eps = given
    heads, inner = len(a), len(norm_weight)
    z, mixed, dt = projected.split([inner, conv_weight.shape[1], heads], -1)
    dt = F.softplus(dt.to(dt_bias.dtype) + dt_bias)
    if mask is not None:
        mixed, dt = mixed * mask[..., None], dt * mask[..., None]
    before = mixed.new_zeros(len(mixed), len(conv_weight) - 1, mixed.shape[-1]) if past is None else past
    mixed = causal_conv_silu(torch.cat([before.to(mixed.dtype), mixed], 1), conv_weight, conv_bias)
    size = (mixed.shape[-1] - inner) // 2
    # No less than single precision, but autocast rounds products.
    u, b, c = mixed.to(dt.dtype).split([inner, size, size], -1)
    u = u.unflatten(-1, (heads, -1))
    y, end = ssd_chunked(u, dt, a, b, c, chunk, state, keep_end=state is not None)
    gated = (y + u * d[:, None]).flatten(-2) * F.silu(z.to(dt.dtype))
    out = F.rms_norm(gated, (inner,), norm_weight, eps).to(projected.dtype)
    return out, end


_apart = eager(_inner)
"""Not for torch.compile: what torch 2.13 makes of the backward pass for a CPU corrupts memory in short chunks."""
