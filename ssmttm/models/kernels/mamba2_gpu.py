"""The inside of a Mamba-2 mixer by the kernels of mamba-ssm and, for its convolution, causal-conv1d.

What they don't know is done before: padded frames get step size zero and nothing to convolve, and step sizes are
computed here, in single precision (theirs loses digits of small ones).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.models.functional import causal_conv_silu
from ssmttm.models.kernels import packages
from ssmttm.models.kernels.mamba2_plain import Inputs
from ssmttm.models.kernels.norm_kernels import gated_norm
from ssmttm.models.kernels.ssd_kernels import scan


def takes(given: Inputs) -> bool:
    """Whether kernels compute these inputs."""
    batch, length, _ = given.projected.shape
    heads, inner, mixed = len(given.a), len(given.norm_weight), given.conv_weight.shape[1]
    size = (mixed - inner) // 2
    choice = packages.choose_ssd(given.projected.device, given.projected.dtype, given.chunk, inner // heads, size)
    chunks = -(-length // given.chunk)
    per_chunk = max(inner * size, heads * given.chunk, given.chunk**2)  # states, decays, scores
    return choice.kernels and packages.countable(given.projected.numel(), batch * chunks * per_chunk)


def mamba2_inner(given: Inputs) -> tuple[Tensor, Tensor | None]:
    """See `ssmttm.models.kernels.mamba2_plain.mamba2_inner`; only what `takes` says."""
    projected, conv_weight, conv_bias, dt_bias, a, d, norm_weight, past, state, mask, chunk, eps = given
    heads, inner = len(a), len(norm_weight)
    z, mixed, dt = projected.split([inner, conv_weight.shape[1], heads], -1)
    dt = F.softplus(dt.float() + dt_bias.float())
    if mask is not None:
        mixed, dt = mixed * mask[..., None], dt * mask[..., None]
    mixed = _convolved(mixed, conv_weight, conv_bias, past)
    size = (mixed.shape[-1] - inner) // 2
    u, b, c = mixed.split([inner, size, size], -1)
    start = None if state is None else state.float()
    y, end = scan(u.unflatten(-1, (heads, -1)), dt, a.float(), b[:, :, None], c[:, :, None], d.float(), start, chunk)
    out = _gated_norm(y.flatten(-2), z, norm_weight.float(), eps)
    return out, None if state is None else end.to(state.dtype)


def _gated_norm(y: Tensor, z: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Norm of y behind its gate, of the type of `y [batch, length, inner]`."""
    if packages.normalizes(y.dtype, len(weight)):
        return gated_norm(y, z, weight, eps)
    return F.rms_norm(y.float() * F.silu(z.float()), weight.shape, weight, eps).to(y.dtype)


def _convolved(x: Tensor, weight: Tensor, bias: Tensor, past: Tensor | None) -> Tensor:
    """SiLU of the causal convolution of `x [batch, length, channels]`; `past` None is zeros."""
    width, channels = weight.shape
    before = None if past is None else past.to(x.dtype)
    if not packages.convolves(x.device, x.dtype, channels, width):
        before = x.new_zeros(len(x), width - 1, channels) if before is None else before
        return causal_conv_silu(torch.cat([before, x], 1), weight, bias)
    from causal_conv1d import causal_conv1d_fn

    if x.stride(1) % 8 or x.stride(0) % 8 or x.storage_offset() % 8 or x.stride(2) != 1:  # as its kernels read
        x = x.contiguous()
    y: Tensor = causal_conv1d_fn(
        x.transpose(1, 2),
        weight.t().contiguous(),
        bias,
        initial_states=None if before is None else before.contiguous().transpose(1, 2),
        activation="silu",
    )
    return y.transpose(1, 2)
