"""mamba-ssm's Triton kernels of the scan of Mamba-2 as operators of torch: with gradients, and with shapes alone.

mamba-ssm's own function fails on tensors without contents, on which memory is planned, and `torch.compile` doesn't
look into it. Its backward pass is an internal function: the version is pinned (`ssmttm.models.kernels.packages`).
Symbols are those of `ssmttm.models.kernels.ssd`.
"""

from typing import Any

import torch
from torch import Tensor


@torch.library.custom_op("ssmttm::ssd_kernels", mutates_args=())
def scan(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, state: Tensor | None, chunk: int
) -> tuple[Tensor, Tensor]:
    """Outputs with the skip `d [H]`, `[batch, length, H, P]` of x's type, and the state at the end in single precision.

    b and c are `[batch, length, 1, N]` of x's type; dt, a, d and the state are in single precision.
    """
    from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined

    y, end = mamba_chunk_scan_combined(x, dt, a, b, c, chunk, D=d, initial_states=state, return_final_states=True)
    return y, end


@torch.library.custom_op("ssmttm::ssd_kernels_backward", mutates_args=())
def _scan_backward(
    grad_y: Tensor,
    grad_end: Tensor | None,
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    d: Tensor,
    state: Tensor | None,
    chunk: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, dt, a, b, c, d and the state; the last has no elements if there was none."""
    from mamba_ssm.ops.triton.ssd_combined import _mamba_chunk_scan_combined_bwd

    # The outputs, of which x has the shape, are read only where a gate z is part of the scan.
    grads = _mamba_chunk_scan_combined_bwd(
        grad_y, x, dt, a, b, c, x, chunk, D=d, initial_states=state, dfinal_states=grad_end
    )
    return *grads[:6], a.new_empty(0) if state is None else grads[8]


@scan.register_fake
def _(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, state: Tensor | None, chunk: int
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), a.new_empty(x.shape[0], *x.shape[2:], b.shape[-1])


@_scan_backward.register_fake
def _(grad_y: Tensor, grad_end: Tensor | None, *given: Any) -> tuple[Tensor, ...]:
    *inputs, state, _ = given
    return *map(torch.empty_like, inputs), inputs[2].new_empty(0) if state is None else torch.empty_like(state)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.chunk = inputs
    ctx.save_for_backward(*tensors)
    ctx.set_materialize_grads(False)


def _gradients(ctx: Any, grad_y: Tensor | None, grad_end: Tensor | None) -> tuple[Tensor | None, ...]:
    x, *_, state = ctx.saved_tensors
    if grad_y is None:
        grad_y = x.new_zeros(x.shape)
    *grads, grad_state = _scan_backward(grad_y, grad_end, *ctx.saved_tensors, ctx.chunk)
    return *grads, None if state is None else grad_state, None


scan.register_autograd(_gradients, setup_context=_keep)
