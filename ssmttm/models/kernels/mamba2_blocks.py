"""The inside of a Mamba-2 mixer on a CPU, forward and backward by hand.

Between the input and the output projection a Mamba-2 mixer is many elementwise passes and a few
matrix products (Dao and Gu 2024, arXiv 2405.21060, sections 6 and 7). As operations on whole
sequences it waits for memory: each pass goes through it, and autograd keeps every intermediate.
Here one chunk of frames goes through all of it while it lies in the cache, elementwise work in compiled loops
(`ssmttm.models.kernels.mamba2_loops`); what the backward pass needs beyond inputs, scan outputs and the states
between chunks is computed again.

`ssmttm.models.kernels.ssd` has the symbols, and the plain form that this is tested against.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.models.kernels.ssd import LOST

BLOCK = 1 << 19
"""Elements of a block's widest tensor, about."""


def _run(loop: Any, *arguments: Any) -> None:
    """Call a compiled loop on the memory of tensors; bfloat16 goes as int16."""
    loop(*map(_array, arguments))


def _array(x: Any) -> Any:
    if isinstance(x, Tensor):
        return (x.view(torch.int16) if x.dtype == torch.bfloat16 else x).numpy()
    return x


class _Call:
    """What forward and backward share: sizes, step sizes and what they make of the frames, blocks."""

    def __init__(
        self,
        projected: Tensor,
        conv_weight: Tensor,
        dt: Tensor,
        a: Tensor,
        norm_weight: Tensor,
        past: Tensor | None,
        mask: Tensor | None,
        chunk: int,
    ) -> None:
        self.batch, self.length, _ = projected.shape
        self.kind, self.heads, self.inner = projected.dtype, len(a), len(norm_weight)
        self.width, self.mixed = conv_weight.shape
        self.size = (self.mixed - self.inner) // 2
        self.chunk = min(chunk, self.length)
        self.first = torch.zeros(self.batch, dtype=torch.int64) if mask is None else self.length - mask.sum(1)
        self.past = projected.new_zeros(self.batch, self.width - 1, self.mixed) if past is None else past.to(self.kind)
        padded = self.by_chunk(dt)
        summed = (padded.double() * a).cumsum(2)  # l, in double precision: differences of large sums stay exact
        last = summed[:, :, -1:]
        self.from_start = _decay(summed).to(dt.dtype).flatten(1, 2)  # exp(l_i)
        self.to_end = (padded * _decay(last - summed)).to(dt.dtype).flatten(1, 2)  # dt_j exp(l_Q - l_j)
        self.whole = _decay(last).to(dt.dtype).movedim(2, 3)[..., None]  # exp(l_Q): [batch, count, H, 1, 1]
        self.log_decay = summed.flatten(1, 2).transpose(1, 2).contiguous()  # [batch, H, length]
        self.dt = padded.flatten(1, 2).transpose(1, 2).contiguous()

    def by_chunk(self, x: Tensor) -> Tensor:
        """`[batch, length, H]` as `[batch, count, chunk, H]`, with zeros at the end."""
        return F.pad(x, (0, 0, 0, -self.length % self.chunk)).unflatten(1, (-1, self.chunk))

    def dots(self, a: Tensor, b: Tensor) -> Tensor:
        """Products of states `[rows, H P, N]`, summed by head: `[rows, H, 1, 1]`."""
        a, b = (t.unflatten(1, (self.heads, -1)).flatten(2).flatten(0, 1) for t in (a, b))
        return torch.bmm(a[:, None], b[..., None]).unflatten(0, (-1, self.heads))

    def rows(self) -> list[slice]:
        """The batch in groups of equal size that fit a block."""
        size = -(-self.batch // min(self.batch, -(-self.batch * self.chunk * self.mixed // BLOCK)))
        return [slice(i, min(i + size, self.batch)) for i in range(0, self.batch, size)]

    def advance(self, state: Tensor | None, whole: Tensor, added: Tensor, weights: Tensor, out: Tensor) -> None:
        """state `[rows, inner, N]` * whole + added^T weights, into `out`."""
        if state is None:
            out.copy_(added.mT @ weights)
            return
        torch.mul(state.unflatten(1, (self.heads, -1)), whole, out=out.unflatten(1, (self.heads, -1)))
        if added.dtype == out.dtype:
            torch.baddbmm(out, added.mT, weights, out=out)
        else:
            out.add_(added.mT @ weights)


def _decay(log: Tensor) -> Tensor:
    """exp, and 0 for what is lost in rounding: numbers too small to be normal make products many times slower."""
    return log.exp().masked_fill_(log < LOST, 0)


def step_sizes(raw: Tensor, bias: Tensor, mask: Tensor | None) -> Tensor:
    """softplus(raw + bias), 0 at padding: `[batch, length, H]` in the type of `bias`."""
    dt = F.softplus(raw.to(bias.dtype) + bias)
    return dt if mask is None else dt * mask[..., None]


def forward(
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
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Arguments as `ssmttm.models.kernels.mamba2_plain.Inputs`, state as `[batch, H P, N]`.

    Returns the output `[batch, length, H P]`, and for the backward pass what states give the outputs, the scales of the
    norm `[batch, length]`, the step sizes and the states `[count, batch, H P, N]`: before each chunk but a
    first one that starts from nothing and, if a state was given, after the last.
    """
    from ssmttm.models.kernels import mamba2_loops as loops

    dt = step_sizes(projected[..., -len(a) :], dt_bias, mask)
    call = _Call(projected, conv_weight, dt, a, norm_weight, past, mask, chunk)
    far = projected.new_empty(call.batch, call.length, call.inner)
    out, scales = torch.empty_like(far), dt.new_empty(call.batch, call.length)
    states = dt.new_empty(state_count(call.length, call.chunk, state), call.batch, call.inner, call.size)
    if state is not None:
        states[0] = state
    kept = 0 if state is None else 1
    threads = _set_threads()
    for number, start in enumerate(range(0, call.length, call.chunk)):
        q = min(call.chunk, call.length - start)
        old, new = number + kept - 1, number + kept
        for rows in call.rows():
            count = rows.stop - rows.start
            xh = projected.new_empty(count * call.heads, q, call.inner // call.heads)
            b, c = projected.new_empty(count, q, call.size), projected.new_empty(count, q, call.size)
            adding = projected.new_empty(count, q, call.inner)
            _run(
                loops.inputs,
                threads,
                projected[rows],
                call.past[rows],
                call.first[rows],
                start,
                conv_weight,
                conv_bias,
                call.to_end[rows],
                xh,
                b,
                c,
                adding,
            )
            weights = projected.new_empty(count * call.heads, q, q)
            _run(loops.weigh, call.log_decay[rows], call.dt[rows], start, (c @ b.mT).tril_(), weights)
            carried = c[:0] if old < 0 else c @ states[old, rows].to(call.kind).mT
            _run(
                loops.outputs,
                threads,
                projected[rows],
                start,
                weights @ xh,
                carried,
                call.from_start[rows],
                xh,
                d,
                norm_weight,
                eps,
                far[rows],
                out[rows],
                scales[rows],
            )
            if new < len(states):
                before = None if old < 0 else states[old, rows]
                call.advance(before, call.whole[rows, number], adding, b, states[new, rows])
    return out, far, scales, dt, states


def state_count(length: int, chunk: int, state: Tensor | None) -> int:
    """How many states are kept."""
    chunks = -(-length // chunk)
    return chunks - 1 if state is None else chunks + 1


def _set_threads() -> int:
    import numba

    wanted = torch.get_num_threads()
    threads = min(wanted, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set at its import
    numba.set_num_threads(threads)
    if torch.get_num_threads() != wanted:  # numba starts its threads, which sets OpenMP's number, and so torch's
        torch.set_num_threads(wanted)
    return threads


def backward(
    grad_out: Tensor,
    grad_end: Tensor | None,
    projected: Tensor,
    conv_weight: Tensor,
    conv_bias: Tensor,
    a: Tensor,
    d: Tensor,
    norm_weight: Tensor,
    past: Tensor | None,
    mask: Tensor | None,
    far: Tensor,
    scales: Tensor,
    dt: Tensor,
    states: Tensor,
    from_state: bool,
    chunk: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of projected, conv_weight, conv_bias, dt_bias, a, d, norm_weight, past and state."""
    from ssmttm.models.kernels import mamba2_loops as loops

    call = _Call(projected, conv_weight, dt, a, norm_weight, past, mask, chunk)
    threads = _set_threads()
    grad_out = grad_out.to(call.kind).contiguous()
    grad = torch.empty_like(projected)
    # What adds to the gradients of l_i and -l_j inside chunks, and of l_Q - l_j and l_Q through the states after them:
    gained, lost = torch.empty_like(dt), torch.empty_like(dt)
    passed, whole = torch.zeros_like(dt), torch.zeros_like(call.whole)
    d_weight, d_bias, d_skip, d_norm = (
        p.new_zeros(threads, *p.shape) for p in (conv_weight, conv_bias, d, norm_weight)
    )
    following = dt.new_zeros(call.batch, call.width - 1, call.mixed)  # after the convolution, of the frames that follow
    dh = grad_end
    chunks = -(-call.length // call.chunk)
    for number in reversed(range(chunks)):
        start = number * call.chunk
        end = min(start + call.chunk, call.length)
        q = end - start
        old = number if from_state else number - 1
        dh_before = None if old < 0 else torch.empty_like(states[0])
        for rows in call.rows():
            count = rows.stop - rows.start
            frames = projected[rows], call.past[rows], call.first[rows], start
            convolution = *frames, conv_weight, conv_bias, call.to_end[rows]
            decays = call.log_decay[rows], call.dt[rows], start
            xh, dyh = (projected.new_empty(count * call.heads, q, call.inner // call.heads) for _ in range(2))
            adding, dy_carried = (projected.new_empty(count, q, call.inner) for _ in range(2))
            b, c, db, dc = (projected.new_empty(count, q, call.size) for _ in range(4))
            _run(loops.inputs, threads, *convolution, xh, b, c, adding)
            scores, weights = (c @ b.mT).tril_(), projected.new_empty(count * call.heads, q, q)
            _run(loops.weigh, *decays, scores, weights)
            _run(
                loops.outputs_backward,
                threads,
                projected[rows],
                start,
                weights @ xh,
                far[rows],
                old >= 0,
                call.from_start[rows],
                xh,
                d,
                norm_weight,
                grad_out[rows],
                scales[rows],
                grad[rows],
                dyh,
                dy_carried,
                gained[rows],
                d_norm,
                d_skip,
            )
            d_scores, losses = torch.empty_like(scores), dt.new_zeros(threads, count, call.heads, q)
            _run(loops.scores_backward, threads, *decays, scores, dyh @ xh.mT, d_scores, gained[rows], losses)
            lost[rows, start:end] = losses.sum(0).transpose(1, 2)
            torch.bmm(d_scores.mT, c, out=db)
            torch.bmm(d_scores, b, out=dc)
            through = c[:0]
            if dh is not None:
                dhp = dh[rows].to(call.kind)
                through = b @ dhp.mT
                torch.baddbmm(db, adding, dhp, out=db)
            if dh_before is not None:
                torch.baddbmm(dc, dy_carried, states[old, rows].to(call.kind), out=dc)
                after = None if dh is None else dh[rows]
                call.advance(after, call.whole[rows, number], dy_carried, c, dh_before[rows])
                if after is not None:
                    whole[rows, number] = call.dots(after, states[old, rows]) * call.whole[rows, number]
            du = dt.new_empty(count, q + call.width - 1, call.mixed)
            du[:, q:] = following[rows]
            near = weights.mT @ dyh
            _run(loops.inputs_backward, threads, *convolution, near, through, dyh, d, db, dc, du, passed[rows])
            _run(
                loops.convolution_backward, threads, *frames, conv_weight, call.inner, du, grad[rows], d_weight, d_bias
            )
            following[rows] = du[:, : call.width - 1]
        dh = dh_before
    d_dt, d_a = _step_gradients(call, dt, a, gained, lost, passed, whole)
    grad[..., -call.heads :] = d_dt
    d_state = dh if dh is not None else dt.new_zeros(0)
    return (
        grad,
        d_weight.sum(0),
        d_bias.sum(0),
        d_dt.sum((0, 1)),
        d_a,
        d_skip.sum(0),
        d_norm.sum(0),
        _past_gradient(following, conv_weight, call.length),
        d_state,
    )


def _step_gradients(
    call: _Call, dt: Tensor, a: Tensor, gained: Tensor, lost: Tensor, passed: Tensor, whole: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the step sizes before softplus, `[batch, length, H]`, and of `a`, `[H]`."""
    # l_i sums dt a up to frame i of the chunk. Summed like this, nothing large cancels.
    inside, after = call.by_chunk(gained - lost), call.by_chunk(passed)
    fall = inside.flip(2).cumsum(2).flip(2) + (after.cumsum(2) - after) + whole[..., 0].transpose(2, 3)
    fall = fall.flatten(1, 2)[:, : call.length]
    d_dt = (fall * a + (lost + passed) / dt.clamp_min(torch.finfo(dt.dtype).tiny)).to(dt.dtype)
    d_dt *= -torch.expm1(-dt)  # the derivative of softplus
    return d_dt, (fall * dt).sum((0, 1)).to(dt.dtype)


def _past_gradient(following: Tensor, conv_weight: Tensor, length: int) -> Tensor:
    """Gradient of the frames before the first, `[batch, width - 1, …]`, from that after the convolution."""
    width = len(conv_weight)
    d_past = torch.zeros_like(following)
    for f in range(1 - width, 0):  # frame f < 0 went into frames 0 to f + width - 1
        for t in range(min(f + width, length)):
            d_past[:, f + width - 1] += conv_weight[f - t + width - 1] * following[:, t]
    return d_past
