"""The state-space recurrence of Mamba-2 (SSD), in chunks.

Symbols, with the paper's names (Dao and Gu 2024, arXiv 2405.21060, section 6):
    batch, length, heads H, head channels P, state size N, chunk Q
    x  [batch, length, H, P]   inputs X
    dt [batch, length, H]      step sizes Delta, positive; 0 leaves the state as it is
    a  [H]                     A, negative
    b, c [batch, length, N]    B and C, shared by all heads
    state [batch, H, P, N]     h

Recurrence: h_t = exp(dt_t a) h_{t-1} + dt_t x_t b_t^T,  y_t = h_t c_t.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ssmttm.models.cost import Cost

LOST = -60.0
"""Decays below e^-60 are lost in rounding; the compiled form takes them as 0."""


def ssd_chunked(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    chunk: int,
    state: Tensor | None = None,
    keep_end: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """The same by matrix products within chunks and a recurrence between them (listing 1 there).

    Any length; `state` None is zero. Exponents are at most 0, so nothing overflows. Without
    `keep_end` the state after the last frame is not computed, and None.
    """
    batch, length, heads, channels = x.shape
    size = b.shape[-1]
    chunk = min(chunk, length)
    whole = length // chunk * chunk
    if whole < length:
        y, state = ssd_chunked(x[:, :whole], dt[:, :whole], a, b[:, :whole], c[:, :whole], chunk, state)
        rest = (x[:, whole:], dt[:, whole:])
        y_rest, end = ssd_chunked(*rest, a, b[:, whole:], c[:, whole:], length - whole, state, keep_end)
        return torch.cat([y, y_rest], 1), end
    count = length // chunk

    xdt = (x * dt[..., None]).unflatten(1, (count, chunk))
    b, c = b.unflatten(1, (count, chunk)), c.unflatten(1, (count, chunk))
    log_decay = (dt * a).view(batch, count, chunk, heads).permute(0, 1, 3, 2).cumsum(-1)  # [batch, count, H, Q]

    # Within a chunk: y_i = sum over j <= i of (c_i . b_j) exp(l_i - l_j) dt_j x_j
    scores = c @ b.transpose(-1, -2)
    later = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).triu(1)
    weights = (log_decay[..., :, None] - log_decay[..., None, :]).masked_fill(later, -torch.inf).exp()
    weights = weights * scores[:, :, None]
    xh = xdt.transpose(2, 3)  # [batch, count, H, Q, P]
    y = (weights @ xh).transpose(2, 3)

    # What each chunk adds to the state at its end: sum over j of exp(l_Q - l_j) dt_j x_j b_j^T
    used = slice(0, count if keep_end else count - 1)
    to_end = (log_decay[:, used, :, -1:] - log_decay[:, used]).exp().transpose(-1, -2)  # [batch, used, Q, H]
    added = (xdt[:, used] * to_end[..., None]).flatten(3).transpose(-1, -2) @ b[:, used]  # [batch, used, H P, N]
    added = added.view(batch, -1, heads, channels, size)

    # Between chunks
    kept = log_decay[:, used, :, -1].exp()
    carry = _carried if torch.compiler.is_compiling() else _Carried.apply
    states = carry(kept, added.to(kept.dtype), state)
    end = states[:, -1] if keep_end else None

    # What the state before a chunk gives its frames: c_i h exp(l_i); the first chunk may have none
    first = 1 if state is None else 0
    if first < count:
        before = states[:, first:count].flatten(2, 3).transpose(-1, -2)
        carried = (c[:, first:] @ before).view(batch, -1, chunk, heads, channels)
        carried = carried * log_decay[:, first:].exp().transpose(-1, -2)[..., None]
        y = torch.cat([y[:, :first], y[:, first:] + carried], 1) if first else y + carried
    return y.reshape(batch, length, heads, channels), end


class _Carried(torch.autograd.Function):
    """`_carried` with its gradients, as eager code calls it: an operator's call takes longer."""

    @staticmethod
    def forward(ctx: Any, kept: Tensor, added: Tensor, state: Tensor | None) -> Tensor:
        states = _carry(kept, added, state)
        ctx.save_for_backward(kept, states)
        ctx.has_state = state is not None
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        grad_kept, grad_states = _carry_back(grad, *ctx.saved_tensors)
        return grad_kept, grad_states[:, 1:], grad_states[:, 0] if ctx.has_state else None


def _carry(kept: Tensor, added: Tensor, state: Tensor | None) -> Tensor:
    """States `[batch, n + 1, H, P, N]` before the first chunk (zeros for None) and after each of n.

    From `kept [batch, n, H]` of the state before, and `added [batch, n, H, P, N]`.
    """
    states = added.new_empty(len(added), added.shape[1] + 1, *added.shape[2:])
    states[:, 0] = 0 if state is None else state
    for i, decay in enumerate(kept[..., None, None].unbind(1)):
        torch.addcmul(added[:, i], states[:, i], decay, out=states[:, i + 1])
    return states


def _carry_back(grad: Tensor, kept: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of `kept`, and of all states: those of the first state and of what is added."""
    grad = grad.clone(memory_format=torch.contiguous_format)
    for i in reversed(range(kept.shape[1])):
        grad[:, i].addcmul_(grad[:, i + 1], kept[:, i, :, None, None])
    return (grad[:, 1:] * states[:, :-1]).sum((-1, -2)), grad


# torch.compile takes the recurrence as one operator: it doesn't trace writes into views, and would unroll the loop.
_carried = torch.library.custom_op("ssmttm::ssd_carried", _carry, mutates_args=())
_carried_back = torch.library.custom_op("ssmttm::ssd_carried_backward", _carry_back, mutates_args=())


@_carried.register_fake
def _(kept: Tensor, added: Tensor, state: Tensor | None) -> Tensor:
    return added.new_empty(len(added), added.shape[1] + 1, *added.shape[2:])


@_carried_back.register_fake
def _(grad: Tensor, kept: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    return kept.new_empty(kept.shape), grad.new_empty(grad.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    kept, _, state = inputs
    ctx.save_for_backward(kept, output)
    ctx.has_state = state is not None


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    grad_kept, grad_states = _carried_back(grad, *ctx.saved_tensors)
    return grad_kept, grad_states[:, 1:], grad_states[:, 0] if ctx.has_state else None


_carried.register_autograd(_gradients, setup_context=_keep)


def ssd_flops(length: int, heads: int, channels: int, size: int, chunk: int) -> Cost:
    """FLOPs of the chunked scan over one sequence from no state: its four products, and its elementwise work by hand.

    The first chunk reads no state, the last one writes none.
    """
    inner = heads * channels
    chunks = [min(chunk, length - start) for start in range(0, length, chunk)]
    squares = sum(q * q for q in chunks)
    across = (length - chunks[0]) + (length - chunks[-1])
    products = 2 * squares * (size + inner) + 2 * across * inner * size
    elementwise = (
        3 * squares * heads  # difference, exponential, times scores
        + 4 * length * inner  # times dt, times decay to the end, times decay from the start, sum
        + 2 * (len(chunks) - 1) * inner * size  # state recurrence
    )
    return Cost(scan_matmul=products, scan_elementwise=elementwise)
