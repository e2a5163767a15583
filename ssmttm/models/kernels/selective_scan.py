"""The state-space recurrence of Mamba-1, over a sequence and step by step.

Symbols, with the paper's names (Gu and Dao 2023, arXiv 2312.00752, algorithm 2):
    batch, length, channels D, state size N, chunk Q
    x  [batch, length, D]    inputs
    dt [batch, length, D]    step sizes Delta, positive; 0 leaves the state as it is
    a  [N, D]                A, negative
    b, c [batch, length, N]  B and C, shared by all channels
    state [batch, N, D]      h

Recurrence: h_t = exp(dt_t a) h_{t-1} + dt_t x_t b_t,  y_t = sum over N of c_t h_t.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.models.cost import Cost

_AT_ONCE = {"cpu": 2**17}
"""State elements that one operation works on: in a CPU's cache; elsewhere many, for fewer calls."""


def selective_scan(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, chunk: int, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Outputs `[batch, length, D]` and the state after the last frame.

    Any length; `state` None is zero. Frames follow one another within a chunk while several chunks
    run side by side; each starts from the state that the chunks before it leave. Only the states
    between chunks are kept for the backward pass, which computes the others again. Decays are
    products of factors of at most 1, so nothing overflows.
    """
    batch, length, channels = x.shape
    if state is None:
        state = x.new_zeros(batch, a.shape[0], channels)
    count = -(-length // chunk)
    chunk = -(-length // count)
    padding = count * chunk - length  # dt = 0 there: neither state nor outputs notice
    inputs = (F.pad(t, (0, 0, 0, padding)).unflatten(1, (count, chunk)) for t in (x * dt, dt, b, c))
    y, state, _ = _scan(*inputs, a, state)
    return y.flatten(1, 2)[:, :length], state


def selective_scan_step_(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> Tensor:
    """One frame: x and dt [batch, D], b and c [batch, N]; overwrites the state and returns y [batch, D]."""
    state.mul_(torch.exp(dt[:, None] * a)).addcmul_((dt * x)[:, None], b[..., None])
    return (state * c[..., None]).sum(1)


def selective_scan_flops(length: int, channels: int, size: int) -> Cost:
    """FLOPs of the recurrence over one sequence, by hand: it has no matrix products."""
    state = 7 * size * channels  # exponent, exponential, decay, addition (2), sum over N (2)
    return Cost(scan_elementwise=length * (state + channels))


def _segments(inputs: Tensor, elements: int) -> Iterator[slice]:
    """Chunks that run side by side. Fewer than four gain nothing: their start states cost a second pass."""
    count = inputs.shape[1]
    together = _AT_ONCE.get(inputs.device.type, 2**25) // elements
    together = 1 if together < 4 else together
    return (slice(i, min(i + together, count)) for i in range(0, count, together))


def _carry(first: Tensor, added: Tensor, decay: Tensor) -> Tensor:
    """States before each chunk `[batch, count, N, D]`, from that before the first, what each adds and its decay."""
    states = [first]
    for i in range(added.shape[1] - 1):
        states.append(torch.addcmul(added[:, i], states[-1], decay[:, i]))
    return torch.stack(states, 1)


@torch.library.custom_op("ssmttm::selective_scan", mutates_args=())
def _scan(xdt: Tensor, dt: Tensor, b: Tensor, c: Tensor, a: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs, last state, and the states before each chunk, for inputs in chunks.

    xdt and dt are `[batch, count, Q, D]`, b and c `[batch, count, Q, N]`; a and state as above. An
    operator of its own, so that tracers don't unroll the loop over frames.
    """
    y = torch.empty_like(xdt)
    starts = []
    for part in _segments(xdt, state.numel()):
        frames = _Frames(xdt[:, part], dt[:, part], b[:, part], a)
        start = state[:, None]
        if frames.count > 1:
            added = frames.zeros()
            for q in range(frames.length):
                frames.advance(added, q)
            start = _carry(state, added, frames.whole_decay())
        h = start.clone()
        for q in range(frames.length):
            frames.advance(h, q)
            y[:, part, q] = torch.mul(h, c[:, part, q, :, None], out=frames.work).sum(-2)
        starts.append(start)
        state = h[:, -1]
    return y, state.clone(), torch.cat(starts, 1)


@torch.library.custom_op("ssmttm::selective_scan_backward", mutates_args=())
def _scan_backward(
    grad_y: Tensor, grad_state: Tensor, xdt: Tensor, dt: Tensor, b: Tensor, c: Tensor, a: Tensor, starts: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of xdt, dt, b, c, a and of the first state: the recurrence run backward."""
    grad_xdt, grad_dt, grad_b, grad_c = (torch.empty_like(t) for t in (xdt, dt, b, c))
    grad_a = torch.zeros_like(a)
    after = grad_state  # of the state after the segment
    for part in reversed(list(_segments(xdt, grad_state.numel()))):
        frames = _Frames(xdt[:, part], dt[:, part], b[:, part], a)
        dy, c_part = grad_y[:, part], c[:, part]
        states = frames.states(starts[:, part])
        g = after[:, None]
        if frames.count > 1:
            added = frames.zeros()
            for q in reversed(range(frames.length)):
                added.addcmul_(dy[:, :, q, None], c_part[:, :, q, :, None]).mul_(frames.decay(q))
            g = _carry(after, added.flip(1), frames.whole_decay().flip(1)).flip(1)
        g = g.clone()
        to_a = frames.zeros()
        for q in reversed(range(frames.length)):
            g.addcmul_(dy[:, :, q, None], c_part[:, :, q, :, None])  # gradient of the state of frame q
            grad_c[:, part, q] = torch.mul(states[q + 1], dy[:, :, q, None], out=frames.work).sum(-1)
            grad_b[:, part, q] = torch.mul(g, frames.xdt[:, :, q, None], out=frames.work).sum(-1)
            grad_xdt[:, part, q] = torch.mul(g, frames.b[:, :, q, :, None], out=frames.work).sum(-2)
            g.mul_(frames.decay(q))
            exponent = torch.mul(g, states[q], out=frames.work)
            to_a.addcmul_(exponent, frames.dt[:, :, q, None])
            grad_dt[:, part, q] = exponent.mul_(a).sum(-2)
        grad_a += to_a.sum((0, 1))
        after = g[:, 0]
    return grad_xdt, grad_dt, grad_b, grad_c, grad_a, after.clone()


@_scan.register_fake
def _(xdt: Tensor, dt: Tensor, b: Tensor, c: Tensor, a: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(xdt), torch.empty_like(state), xdt.new_empty(*xdt.shape[:2], *a.shape)


@_scan_backward.register_fake
def _(
    grad_y: Tensor, grad_state: Tensor, xdt: Tensor, dt: Tensor, b: Tensor, c: Tensor, a: Tensor, starts: Tensor
) -> tuple[Tensor, ...]:
    return tuple(torch.empty_like(t) for t in (xdt, dt, b, c, a, grad_state))


def _save(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs[:5], output[2])


def _differentiate(ctx: Any, grad_y: Tensor, grad_state: Tensor, _: Tensor) -> tuple[Tensor, ...]:
    return _scan_backward(grad_y, grad_state, *ctx.saved_tensors)


_scan.register_autograd(_differentiate, setup_context=_save)


class _Frames:
    """The frames of some chunks: frame q of all of them at once."""

    def __init__(self, xdt: Tensor, dt: Tensor, b: Tensor, a: Tensor) -> None:
        self.xdt, self.dt, self.b, self.a = xdt, dt, b, a
        self.batch, self.count, self.length, channels = xdt.shape
        self.shape = (self.batch, self.count, a.shape[0], channels)
        self.work, self.factor = xdt.new_empty(self.shape), xdt.new_empty(self.shape)

    def zeros(self) -> Tensor:
        """States `[batch, count, N, D]`."""
        return self.xdt.new_zeros(self.shape)

    def decay(self, q: int) -> Tensor:
        """exp(dt a) of frame q; the next call overwrites it."""
        return torch.mul(self.dt[:, :, q, None], self.a, out=self.factor).exp_()

    def whole_decay(self) -> Tensor:
        """exp(dt a) over each whole chunk."""
        return torch.exp(self.dt.sum(2)[:, :, None] * self.a)

    def advance(self, h: Tensor, q: int) -> None:
        """Take the states from before frame q to after it, in place."""
        h.mul_(self.decay(q)).addcmul_(self.xdt[:, :, q, None], self.b[:, :, q, :, None])

    def states(self, start: Tensor) -> Tensor:
        """States before the first frame and after each, `[Q + 1, batch, count, N, D]`."""
        states = start.new_empty(self.length + 1, *self.shape)
        states[0] = start
        for q in range(self.length):
            torch.mul(states[q], self.decay(q), out=states[q + 1])
            states[q + 1].addcmul_(self.xdt[:, :, q, None], self.b[:, :, q, :, None])
        return states
