"""mamba-ssm's CUDA kernels of the recurrence of Mamba-1 as operators of torch: see `ssd_kernels`.

They start from no state and give no gradient of the last one: they are for training and for scores, and a state is
carried on by `ssmttm.models.kernels.selective_scan`, whose symbols these are.
"""

from typing import Any

import torch
from torch import Tensor

from ssmttm.models.kernels import packages

_PIECE = 2048
"""Frames after which the kernels keep their state for the backward pass."""


@torch.library.custom_op("ssmttm::selective_scan_kernels", mutates_args=())
def _scan(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs `[batch, D, length]`, and what the backward pass needs, for x and dt `[batch, D, length]`.

    a is `[D, N]`, b and c are `[batch, 1, N, length]`; all are contiguous and in single precision.
    """
    import selective_scan_cuda

    y, kept, *_ = selective_scan_cuda.fwd(x, dt, a, b, c, None, None, None, False)
    return y, kept


@torch.library.custom_op("ssmttm::selective_scan_kernels_backward", mutates_args=())
def _scan_backward(
    grad: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, kept: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, dt, a, b and c."""
    import selective_scan_cuda

    grads = selective_scan_cuda.bwd(x, dt, a, b, c, None, None, None, grad.contiguous(), kept, None, None, False, False)
    return tuple(grads[:5])


@_scan.register_fake
def _(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    batch, channels, length = x.shape
    return torch.empty_like(x), x.new_empty(batch, channels, -(-length // _PIECE), 2 * a.shape[1])


@_scan_backward.register_fake
def _(grad: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
    return tuple(map(torch.empty_like, given[:5]))


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, output[1])


def _gradients(ctx: Any, grad_y: Tensor, _: Tensor) -> tuple[Tensor, ...]:
    return _scan_backward(grad_y, *ctx.saved_tensors)


_scan.register_autograd(_gradients, setup_context=_keep)


def takes(x: Tensor, a: Tensor) -> bool:
    """Whether kernels compute the scan of `x [batch, length, D]` from no state."""
    batch, length, channels = x.shape
    size = a.shape[0]
    choice = packages.choose_selective(x.device, size)
    pieces = -(-length // _PIECE)
    return (
        choice.kernels
        and x.dtype == torch.float32
        and packages.countable(x.numel(), batch * channels * pieces * 2 * size, batch * size * length)
    )


def selective_scan(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Outputs `[batch, length, D]` of `ssmttm.models.kernels.selective_scan.selective_scan` from no state."""
    x, dt, b, c = (t.transpose(1, 2).contiguous() for t in (x, dt, b, c))
    y, _ = _scan(x, dt, a.t().contiguous(), b[:, None], c[:, None])
    return y.transpose(1, 2)
