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


class _Block:
    """One chunk of frames of some rows of the batch: what forward computes, and backward computes again."""

    def __init__(
        self,
        call: _Call,
        projected: Tensor,
        conv_weight: Tensor,
        conv_bias: Tensor,
        number: int,
        rows: slice,
        threads: int,
    ) -> None:
        from ssmttm.models.kernels import mamba2_loops as loops

        self.start = number * call.chunk
        self.end = min(self.start + call.chunk, call.length)
        self.q, self.count = self.end - self.start, rows.stop - rows.start
        heads = self.count * call.heads
        self.frames = projected[rows], call.past[rows], call.first[rows], self.start
        self.convolution = *self.frames, conv_weight, conv_bias, call.to_end[rows]
        self.decays = call.log_decay[rows], call.dt[rows], self.start
        self.xh = projected.new_empty(heads, self.q, call.inner // call.heads)
        self.b, self.c = (projected.new_empty(self.count, self.q, call.size) for _ in range(2))
        self.adding = projected.new_empty(self.count, self.q, call.inner)
        _run(loops.inputs, threads, *self.convolution, self.xh, self.b, self.c, self.adding)
        self.scores, self.weights = (self.c @ self.b.mT).tril_(), projected.new_empty(heads, self.q, self.q)
        _run(loops.weigh, *self.decays, self.scores, self.weights)


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
    for number in range(-(-call.length // call.chunk)):
        old, new = number + kept - 1, number + kept
        for rows in call.rows():
            block = _Block(call, projected, conv_weight, conv_bias, number, rows, threads)
            carried = block.c[:0] if old < 0 else block.c @ states[old, rows].to(call.kind).mT
            near = projected[rows], block.start, block.weights @ block.xh
            results = far[rows], out[rows], scales[rows]
            _run(loops.outputs, threads, *near, carried, call.from_start[rows], block.xh, d, norm_weight, eps, *results)
            if new < len(states):
                before = None if old < 0 else states[old, rows]
                call.advance(before, call.whole[rows, number], block.adding, block.b, states[new, rows])
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


class _Gradients:
    """What the backward pass has so far: it goes from the last chunk to the first."""

    def __init__(
        self,
        call: _Call,
        projected: Tensor,
        conv_weight: Tensor,
        conv_bias: Tensor,
        d: Tensor,
        norm_weight: Tensor,
        dt: Tensor,
    ) -> None:
        self.call, self.projected, self.dt = call, projected, dt
        self.conv_weight, self.conv_bias, self.d, self.norm_weight = conv_weight, conv_bias, d, norm_weight
        self.threads = _set_threads()
        self.grad = torch.empty_like(projected)
        # What adds to the gradients of l_i and -l_j inside chunks, and of l_Q - l_j and l_Q through states after them:
        self.gained, self.lost = torch.empty_like(dt), torch.empty_like(dt)
        self.passed, self.whole = torch.zeros_like(dt), torch.zeros_like(call.whole)
        self.weight, self.bias, self.skip, self.norm = (
            p.new_zeros(self.threads, *p.shape) for p in (conv_weight, conv_bias, d, norm_weight)
        )
        # After the convolution, of the frames that follow:
        self.following = dt.new_zeros(call.batch, call.width - 1, call.mixed)

    def add(
        self,
        number: int,
        rows: slice,
        forward: tuple[Tensor, Tensor, Tensor],
        state: Tensor | None,
        dh: Tensor | None,
        before: Tensor | None,
    ) -> None:
        """Go back through one block.

        `forward` are the gradient of the block's output, and what the forward pass kept: what states gave the outputs,
        and the scales. `state` is the one before the block, `dh` the gradient of the one after it; that of the former
        is written to `before`.
        """
        from ssmttm.models.kernels import mamba2_loops as loops

        call, dt, new_empty, threads = self.call, self.dt, self.projected.new_empty, self.threads
        block = _Block(call, self.projected, self.conv_weight, self.conv_bias, number, rows, threads)
        q, count, xh, gained = block.q, block.count, block.xh, self.gained[rows]
        grad_out, far, scales = forward
        dyh, dy_carried = torch.empty_like(xh), torch.empty_like(block.adding)
        db, dc = (new_empty(count, q, call.size) for _ in range(2))
        near = self.projected[rows], block.start, block.weights @ xh, far, state is not None, call.from_start[rows]
        outer = xh, self.d, self.norm_weight, grad_out, scales
        results = self.grad[rows], dyh, dy_carried, gained, self.norm, self.skip
        _run(loops.outputs_backward, threads, *near, *outer, *results)
        d_scores, losses = torch.empty_like(block.scores), dt.new_zeros(threads, count, call.heads, q)
        _run(loops.scores_backward, threads, *block.decays, block.scores, dyh @ xh.mT, d_scores, gained, losses)
        self.lost[rows, block.start : block.end] = losses.sum(0).transpose(1, 2)
        torch.bmm(d_scores.mT, block.c, out=db)
        torch.bmm(d_scores, block.b, out=dc)
        through = block.c[:0]
        if dh is not None:
            dhp = dh.to(call.kind)
            through = block.b @ dhp.mT
            torch.baddbmm(db, block.adding, dhp, out=db)
        if before is not None and state is not None:
            torch.baddbmm(dc, dy_carried, state.to(call.kind), out=dc)
            call.advance(dh, call.whole[rows, number], dy_carried, block.c, before)
            if dh is not None:
                self.whole[rows, number] = call.dots(dh, state) * call.whole[rows, number]
        du = dt.new_empty(count, q + call.width - 1, call.mixed)
        du[:, q:] = self.following[rows]
        results = dyh, self.d, db, dc, du, self.passed[rows]
        _run(loops.inputs_backward, threads, *block.convolution, block.weights.mT @ dyh, through, *results)
        convolved = self.conv_weight, call.inner, du, self.grad[rows], self.weight, self.bias
        _run(loops.convolution_backward, threads, *block.frames, *convolved)
        self.following[rows] = du[:, : call.width - 1]


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
    call = _Call(projected, conv_weight, dt, a, norm_weight, past, mask, chunk)
    sums = _Gradients(call, projected, conv_weight, conv_bias, d, norm_weight, dt)
    grad_out = grad_out.to(call.kind).contiguous()
    dh = grad_end
    for number in reversed(range(-(-call.length // call.chunk))):
        old = number if from_state else number - 1
        before = None if old < 0 else torch.empty_like(states[0])
        for rows in call.rows():
            given = None if old < 0 else states[old], dh, before
            state, after, here = (None if x is None else x[rows] for x in given)
            sums.add(number, rows, (grad_out[rows], far[rows], scales[rows]), state, after, here)
        dh = before
    d_dt, d_a = _step_gradients(call, dt, a, sums.gained, sums.lost, sums.passed, sums.whole)
    sums.grad[..., -call.heads :] = d_dt
    weight, bias, skip, norm = (x.sum(0) for x in (sums.weight, sums.bias, sums.skip, sums.norm))
    d_past = _past_gradient(sums.following, conv_weight, call.length)
    d_state = dh if dh is not None else dt.new_zeros(0)
    return sums.grad, weight, bias, d_dt.sum((0, 1)), d_a, skip, norm, d_past, d_state


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
