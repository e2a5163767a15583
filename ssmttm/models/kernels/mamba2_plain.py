"""The inside of a Mamba-2 mixer as plain tensor operations: the truth, and what runs on a GPU or on little data."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.models.functional import causal_conv_silu
from ssmttm.models.kernels.ssd import ssd_chunked


@torch.compiler.disable  # torch 2.13 compiles the scan's backward pass on the CPU to code that aborts
def mamba2_inner(
    projected: Tensor,
    conv_weight: Tensor,
    conv_bias: Tensor,
    dt_bias: Tensor,
    a: Tensor,
    d: Tensor,
    norm_weight: Tensor,
    past: Tensor | None,
    state: Tensor | None,
    mask: Tensor | None,
    chunk: int,
    eps: float,
) -> tuple[Tensor, Tensor | None]:
    """See `ssmttm.models.kernels.mamba2_cpu.mamba2_inner`."""
    heads, inner = len(a), len(norm_weight)
    z, mixed, dt = projected.split([inner, conv_weight.shape[1], heads], -1)
    dt = F.softplus(dt.to(dt_bias.dtype) + dt_bias)
    if mask is not None:
        mixed, dt = mixed * mask[..., None], dt * mask[..., None]
    before = mixed.new_zeros(len(mixed), len(conv_weight) - 1, mixed.shape[-1]) if past is None else past
    mixed = causal_conv_silu(torch.cat([before.to(mixed.dtype), mixed], 1), conv_weight, conv_bias)
    size = (mixed.shape[-1] - inner) // 2
    u, b, c = mixed.to(dt.dtype).split([inner, size, size], -1)  # the scan runs in at least single precision
    u = u.unflatten(-1, (heads, -1))
    y, end = ssd_chunked(u, dt, a, b, c, chunk, state, keep_end=state is not None)
    gated = (y + u * d[:, None]).flatten(-2) * F.silu(z.to(dt.dtype))
    out = F.rms_norm(gated, (inner,), norm_weight, eps).to(projected.dtype)
    return out, end
