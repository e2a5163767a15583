"""The inside of a Mamba-2 mixer on a CPU as operators of torch: with gradients, shapes alone and FLOP counts.

The work is in `ssmttm.models.kernels.mamba2_blocks`. As operators of their own, its forward and backward pass are
nothing that `torch.compile` and fake tensors look into.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from ssmttm.models.kernels.mamba2_blocks import backward, forward, state_count
from ssmttm.models.kernels.mamba2_plain import Inputs
from ssmttm.models.kernels.ssd import ssd_flops

for _name, _operator in (("mamba2", forward), ("mamba2_backward", backward)):
    torch.library.define(f"ssmttm::{_name}", torch.library.infer_schema(_operator, mutates_args=()))
    torch.library.impl(f"ssmttm::{_name}", "cpu", _operator)
_forward, _backward = torch.ops.ssmttm.mamba2, torch.ops.ssmttm.mamba2_backward


@torch.library.register_fake("ssmttm::mamba2")
def _(*given: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    projected, conv_weight, _, _, a, _, norm_weight, _, state, _, chunk, _ = given
    batch, length, _ = projected.shape
    inner = len(norm_weight)
    far = projected.new_empty(batch, length, inner)
    states = a.new_empty(
        state_count(length, min(chunk, length), state), batch, inner, (conv_weight.shape[1] - inner) // 2
    )
    return torch.empty_like(far), far, a.new_empty(batch, length), a.new_empty(batch, length, len(a)), states


@torch.library.register_fake("ssmttm::mamba2_backward")
def _(*given: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    projected, conv_weight, conv_bias, a, d, norm_weight, _, _, _, _, _, states, from_state, _ = given[2:]
    same = (torch.empty_like(t) for t in (projected, conv_weight, conv_bias, a, a, d, norm_weight))
    d_past = a.new_empty(len(projected), conv_weight.shape[0] - 1, conv_weight.shape[1])
    return *same, d_past, torch.empty_like(states[0]) if from_state else a.new_empty(0)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    projected, conv_weight, conv_bias, _, a, d, norm_weight, past, state, mask, chunk, _ = inputs
    ctx.save_for_backward(projected, conv_weight, conv_bias, a, d, norm_weight, past, mask, *output[1:])
    ctx.from_state, ctx.has_past, ctx.chunk = state is not None, past is not None, chunk
    ctx.set_materialize_grads(False)


def _gradients(ctx: Any, grad_out: Tensor | None, *others: Tensor | None) -> tuple[Tensor | None, ...]:
    saved = ctx.saved_tensors
    if grad_out is None:
        grad_out = torch.zeros_like(saved[8])
    grad_end = None if others[-1] is None or not ctx.from_state else others[-1][-1]
    *grads, d_past, d_state = _backward(grad_out, grad_end, *saved, ctx.from_state, ctx.chunk)
    return *grads, d_past if ctx.has_past else None, d_state if ctx.from_state else None, None, None, None


torch.library.register_autograd("ssmttm::mamba2", _gradients, setup_context=_keep)


@register_flop_formula(torch.ops.ssmttm.mamba2)
def _(*given: Any, **_: Any) -> int:
    """The products of `forward`, from the shapes of its arguments."""
    (batch, length, _), conv_weight, _, _, (heads,), _, (inner,), _, state, _, chunk, _ = given
    size = (conv_weight[1] - inner) // 2
    once = ssd_flops(length, heads, inner // heads, size, chunk).scan_matmul
    ends = 0 if state is None else 2 * inner * size * (min(chunk, length) + (length - 1) % chunk + 1)
    return int(batch * (once + ends))


@register_flop_formula(torch.ops.ssmttm.mamba2_backward)
def _(*given: Any, **_: Any) -> int:
    """The products of `backward` from no state: twice those of the forward pass, and those within chunks again."""
    (batch, length, _), conv_weight, _, (heads,), _, (inner,) = given[2:8]
    chunk = given[-1]
    size = (conv_weight[1] - inner) // 2
    again = 2 * (size + inner) * sum(min(chunk, length - start) ** 2 for start in range(0, length, chunk))
    return int(batch * (2 * ssd_flops(length, heads, inner // heads, size, chunk).scan_matmul + again))


def mamba2_inner(given: Inputs) -> tuple[Tensor, Tensor | None]:
    """See `ssmttm.models.kernels.mamba2_plain.mamba2_inner`; on a CPU."""
    projected, *parameters, past, state, mask, chunk, eps = given
    kind = torch.float32 if projected.dtype == torch.bfloat16 else projected.dtype
    before = None if state is None else state.flatten(1, 2).to(kind)
    out, *_, states = _forward(projected, *(p.to(kind) for p in parameters), past, before, mask, chunk, eps)
    return out, None if state is None else states[-1].clone().unflatten(1, (len(given.a), -1))
