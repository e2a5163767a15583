"""The elementwise work of a Mamba-2 mixer as loops that pass over memory once, compiled by Numba.

Arrays are views of torch tensors; half-precision ones come as the int16 of their bits (bfloat16) and
are computed with in single precision. A block is the frames `start` to `end` (one chunk, q frames) of
some rows of the batch. Layouts: token-major `[rows, q, channels]`, head-major `[rows * H, q, P]`. The caller
(`ssmttm.models.kernels.mamba2_blocks`) does the matrix products between these loops. Symbols as in
`ssmttm.models.kernels.ssd`: l is the sum of dt * a from the chunk's first frame on.
"""

import math
from typing import Any

import numpy as np
from numba import njit, prange, types
from numba.extending import overload

from ssmttm.models.kernels.ssd import LOST

FLAGS: dict[str, Any] = {
    "fastmath": {"contract", "nsz", "arcp", "reassoc", "afn"},
    "error_model": "numpy",
    "cache": True,
}
"""Of loops that Numba compiles."""
_PARALLEL = {"parallel": True, **FLAGS}
_ONE = np.float32(1)


def _exp(x):
    """exp(x): for float32 by a polynomial (Cephes) that compiles to vector instructions, 2 ulp."""


@overload(_exp, inline="always")
def _exp_of(x):
    if x != types.float32:
        return lambda x: math.exp(x)

    def single(x):
        x = min(max(x, np.float32(-87)), np.float32(88))
        n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
        r = (x - n * np.float32(0.693359375)) + n * np.float32(2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * r + np.float32(1.3981999507e-3)
        p = p * r + np.float32(8.3334519073e-3)
        p = p * r + np.float32(4.1665795894e-2)
        p = p * r + np.float32(1.6666665459e-1)
        p = p * r + np.float32(5.0000001201e-1)
        p = p * r * r + r + np.float32(1)
        return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)

    return single


@njit(inline="always", **FLAGS)
def _decay(like, log):
    """exp(log) for log <= 0 (1 above) in the type of `like`, and 0 for what is lost in rounding.

    Numbers too small to be normal make products many times slower.
    """
    kept = _exp(like.dtype.type(min(log, 0.0)))
    return kept if log > LOST else like.dtype.type(0)


def _get(x):
    """A stored number as one to compute with."""


@overload(_get, inline="always")
def _get_of(x):
    if x == types.int16:
        return lambda x: np.int32(np.int32(x) << np.int32(16)).view(np.float32)
    return lambda x: x


def _put(array, x):
    """A computed number as `array` stores it: bfloat16 rounds to the nearest, ties to even."""


@overload(_put, inline="always")
def _put_of(array, x):
    if array.dtype != types.int16:
        return lambda array, x: x

    def half(array, x):
        bits = np.float32(x).view(np.int32)
        return np.int16((bits + np.int32(0x7FFF) + ((bits >> np.int32(16)) & np.int32(1))) >> np.int32(16))

    return half


@njit(**FLAGS)
def _convolve(projected, past, row, t, first, offset, weight, bias, out):
    """Causal depthwise convolution at frame t; frames before `first` are padding, before 0 are in `past`."""
    width, mixed = weight.shape
    for c in range(mixed):
        out[c] = bias[c]
    for k in range(width):
        f = t - width + 1 + k
        w = weight[k]
        if f < 0:
            x = past[row, width - 1 + f]
            for c in range(mixed):
                out[c] += w[c] * _get(x[c])
        elif f >= first:
            x = projected[row, f, offset : offset + mixed]
            for c in range(mixed):
                out[c] += w[c] * _get(x[c])


@njit(**FLAGS)
def _scan_inputs(u, to_end, first_head, i, by_head, b, c, adding):
    """Store u = x, B, C of one frame: x head-major and, times to_end, token-major."""
    inner, size = len(adding), len(b)
    channels = by_head.shape[2]
    for h in range(inner // channels):
        x, y = by_head[first_head + h, i], adding[h * channels : (h + 1) * channels]
        own = u[h * channels : (h + 1) * channels]
        scale = to_end[h]
        for p in range(channels):
            x[p] = _put(by_head, own[p])
        for p in range(channels):
            y[p] = _put(adding, own[p] * scale)
    for n in range(size):
        b[n] = _put(b, u[inner + n])
    for n in range(size):
        c[n] = _put(c, u[inner + size + n])


@njit(**_PARALLEL)
def inputs(parts, projected, past, first, start, weight, bias, to_end, by_head, b, c, adding):
    """Convolution and SiLU: x head-major, B, C and x * to_end token-major."""
    rows, q, inner = adding.shape
    heads = to_end.shape[2]
    for part in prange(parts):
        u = np.empty(weight.shape[1], weight.dtype)
        for index in range(part * rows * q // parts, (part + 1) * rows * q // parts):
            row, i = index // q, index % q
            _convolve(projected, past, row, start + i, first[row], inner, weight, bias, u)
            for n in range(len(u)):
                u[n] /= _ONE + _exp(-u[n])
            _scan_inputs(u, to_end[row, start + i], row * heads, i, by_head, b[row, i], c[row, i], adding[row, i])


@njit(**_PARALLEL)
def weigh(log_decay, dt, start, scores, weights):
    """weights[h, i, j] = scores[i, j] exp(l_i - l_j) dt_j, for scores that are 0 for j > i.

    l and dt are `[rows, H, length]`. Whole rows are computed: short loops of odd lengths don't compile to vector
    instructions.
    """
    rows, q, _ = scores.shape
    heads = dt.shape[1]
    for n in prange(rows * heads):
        row, h = n // heads, n % heads
        decay, step = log_decay[row, h, start : start + q], dt[row, h, start : start + q]
        for i in range(q):
            s, w = scores[row, i], weights[n, i]
            for j in range(q):
                left = _decay(step, decay[i] - decay[j])
                w[j] = _put(weights, left * step[j] * _get(s[j]))


@njit(**_PARALLEL)
def outputs(parts, projected, start, near, carried, from_start, by_head, d, norm_weight, eps, far, out, scales):
    """y = near + carried * from_start, the latter kept in `far`; out = RMSNorm((y + d x) SiLU(z)) * norm_weight."""
    rows, _, inner = out.shape
    heads, (_, q, channels) = len(d), by_head.shape
    has_carried = carried.shape[0] > 0
    for part in prange(parts):
        gated = np.empty(inner, norm_weight.dtype)
        for index in range(part * rows * q // parts, (part + 1) * rows * q // parts):
            row, i = index // q, index % q
            t = start + i
            for h in range(heads):
                own, n = slice(h * channels, (h + 1) * channels), row * heads + h
                y, x, total, kept = near[n, i], by_head[n, i], gated[own], far[row, t, own]
                skip, rest = d[h], from_start[row, t, h]
                for p in range(channels):
                    total[p] = _get(y[p]) + skip * _get(x[p])
                if has_carried:
                    more = carried[row, i, own]
                    for p in range(channels):
                        kept[p] = _put(far, _get(more[p]) * rest)
                    for p in range(channels):
                        total[p] += _get(kept[p])
            z, o = projected[row, t, :inner], out[row, t]
            square = norm_weight.dtype.type(0)
            for n in range(inner):
                v = _get(z[n])
                gated[n] *= v / (_ONE + _exp(-v))
                square += gated[n] * gated[n]
            scale = _ONE / np.sqrt(square / inner + eps)
            scales[row, t] = scale
            for n in range(inner):
                o[n] = _put(out, gated[n] * scale * norm_weight[n])


@njit(**_PARALLEL)
def outputs_backward(
    parts, projected, start, near, far, has_far, from_start, by_head, d, norm_weight, grad_out, scales,
    grad, dy_by_head, dy_carried, gained, d_norm, d_skip,
):  # fmt: skip
    """Back through norm, gate and skip: dz goes into `grad`, <dy, far> per head into `gained`.

    Writes dy by head and dy * from_start by token; adds to d_norm `[threads, inner]` and d_skip `[threads, H]`.
    """
    (rows, q, inner), kind = dy_carried.shape, norm_weight.dtype
    heads, channels = len(d), by_head.shape[2]
    for part in prange(parts):
        n, y, g = np.empty(inner, kind), np.empty(inner, kind), np.empty(inner, kind)
        gate, slope = np.empty(inner, kind), np.empty(inner, kind)
        for index in range(part * rows * q // parts, (part + 1) * rows * q // parts):
            row, i, t = index // q, index % q, start + index % q
            for h in range(heads):
                skip, own, k = d[h], slice(h * channels, (h + 1) * channels), row * heads + h
                total, y_near, x = y[own], near[k, i], by_head[k, i]
                for p in range(channels):
                    total[p] = _get(y_near[p]) + skip * _get(x[p])
            y_far, z, g_in, dz = far[row, t], projected[row, t, :inner], grad_out[row, t], grad[row, t, :inner]
            if has_far:
                for m in range(inner):
                    y[m] += _get(y_far[m])
            for m in range(inner):
                v = _get(z[m])
                sigmoid = _ONE / (_ONE + _exp(-v))
                gate[m] = v * sigmoid
                slope[m] = sigmoid * (_ONE + v * (_ONE - sigmoid))
            scale = scales[row, t]
            for m in range(inner):
                n[m] = y[m] * gate[m] * scale
                g[m] = _get(g_in[m])
            for m in range(inner):
                d_norm[part, m] += g[m] * n[m]
            along = kind.type(0)
            for m in range(inner):
                g[m] *= norm_weight[m]
                along += g[m] * n[m]
            along /= inner
            for m in range(inner):
                g[m] = (g[m] - n[m] * along) * scale
            for m in range(inner):
                dz[m] = _put(grad, g[m] * y[m] * slope[m])
                g[m] *= gate[m]  # now dy
            for h in range(heads):
                rest, own, k = from_start[row, t, h], slice(h * channels, (h + 1) * channels), row * heads + h
                dy, x, y_own, carried, by = g[own], by_head[k, i], y_far[own], dy_carried[row, i, own], dy_by_head[k, i]
                total = kind.type(0)
                for p in range(channels):
                    total += dy[p] * _get(x[p])
                d_skip[part, h] += total
                total = kind.type(0)
                if has_far:
                    for p in range(channels):
                        total += dy[p] * _get(y_own[p])
                gained[row, t, h] = total
                for p in range(channels):
                    by[p] = _put(dy_by_head, dy[p])
                    carried[p] = _put(dy_carried, dy[p] * rest)


@njit(**_PARALLEL)
def scores_backward(parts, log_decay, dt, start, scores, outer, d_scores, gained, lost):
    """Back through `weigh`, from outer[h, i, j] = <dy_i, x_j>.

    d_scores[i, j] is a sum over heads. What each weight adds to the gradients of l_i and -l_j is summed in `gained`
    `[rows, length, H]` and `lost` `[threads, rows, H, q]`.
    """
    rows, q, _ = d_scores.shape
    heads = dt.shape[1]
    for part in prange(parts):
        total, each = np.empty(q, dt.dtype), np.empty(q, dt.dtype)
        for index in range(part, rows * q, parts):
            row, i = index // q, index % q
            s = scores[row, i]
            total[:] = 0
            for h in range(heads):
                decay, step = log_decay[row, h, start : start + q], dt[row, h, start : start + q]
                o, loss = outer[row * heads + h, i], lost[part, row, h]
                for j in range(q):
                    left = _decay(step, decay[i] - decay[j])
                    each[j] = left * step[j] * _get(o[j])
                for j in range(q):
                    total[j] += each[j]
                gain = dt.dtype.type(0)
                for j in range(q):
                    each[j] *= _get(s[j])
                    gain += each[j]
                gained[row, start + i, h] += gain
                for j in range(q):
                    loss[j] += each[j]
            total[i + 1 :] = 0
            for j in range(q):
                d_scores[row, i, j] = _put(d_scores, total[j])


@njit(**_PARALLEL)
def inputs_backward(
    parts, projected, past, first, start, weight, bias, to_end, near, through, dy_by_head, d, d_b, d_c, du, passed
):
    """Back through the scan's inputs and SiLU: gradients after the convolution into du `[rows, q + width - 1, mixed]`.

    dx = near + through * to_end + d dy; <x, through> * to_end per head goes into `passed`.
    """
    rows, q, size = d_b.shape
    mixed = weight.shape[1]
    heads, channels = len(d), near.shape[2]
    inner = heads * channels
    has_through = through.shape[0] > 0
    for part in prange(parts):
        u, slope = np.empty(mixed, weight.dtype), np.empty(mixed, weight.dtype)
        for index in range(part * rows * q // parts, (part + 1) * rows * q // parts):
            row, i = index // q, index % q
            t = start + i
            _convolve(projected, past, row, t, first[row], inner, weight, bias, u)
            for m in range(mixed):
                sigmoid = _ONE / (_ONE + _exp(-u[m]))
                slope[m] = sigmoid * (_ONE + u[m] * (_ONE - sigmoid))
                u[m] *= sigmoid
            g = du[row, i]
            for h in range(heads):
                own = slice(h * channels, (h + 1) * channels)
                dx, x, y, dy = g[own], u[own], near[row * heads + h, i], dy_by_head[row * heads + h, i]
                scale, skip = to_end[row, t, h], d[h]
                for p in range(channels):
                    dx[p] = _get(y[p])
                total = weight.dtype.type(0)
                if has_through:
                    far = through[row, i, own]
                    for p in range(channels):
                        dx[p] += _get(far[p]) * scale
                    for p in range(channels):
                        total += _get(far[p]) * x[p]
                passed[row, t, h] = total * scale
                for p in range(channels):
                    dx[p] += skip * _get(dy[p])
            for m in range(size):
                g[inner + m] = _get(d_b[row, i, m])
            for m in range(size):
                g[inner + size + m] = _get(d_c[row, i, m])
            for m in range(mixed):
                g[m] *= slope[m]


@njit(**_PARALLEL)
def convolution_backward(parts, projected, past, first, start, weight, offset, du, grad, d_weight, d_bias):
    """Back through the convolution, from du of the block and of the width - 1 frames after it, into `grad`.

    Adds to d_weight `[threads, width, mixed]` and d_bias `[threads, mixed]`.
    """
    rows = len(du)
    width, mixed = weight.shape
    q = du.shape[1] - width + 1
    for part in prange(parts):
        back, bias_sum = np.empty(mixed, weight.dtype), d_bias[part]
        for index in range(part * rows * q // parts, (part + 1) * rows * q // parts):
            row, i = index // q, index % q
            t = start + i
            g = du[row, i]
            for m in range(mixed):
                bias_sum[m] += g[m]
            back[:] = 0
            for k in range(width):
                f = t - width + 1 + k
                own = d_weight[part, k]
                if f < 0:
                    x = past[row, width - 1 + f]
                    for m in range(mixed):
                        own[m] += g[m] * _get(x[m])
                elif f >= first[row]:
                    x = projected[row, f, offset : offset + mixed]
                    for m in range(mixed):
                        own[m] += g[m] * _get(x[m])
                w, later = weight[k], du[row, i + width - 1 - k]
                for m in range(mixed):
                    back[m] += w[m] * later[m]
            out = grad[row, t, offset : offset + mixed]
            if t < first[row]:
                back[:] = 0
            for m in range(mixed):
                out[m] = _put(grad, back[m])
