"""One frame through the inside of a Mamba-2 mixer, as one loop that Numba compiles.

A step of a small model is some twenty tensor operations on a few hundred numbers each, and takes as long as calling
these takes. Symbols are those of `ssmttm.models.kernels.ssd`.
"""

import math
from collections.abc import Sequence

import torch
from numba import njit
from torch import Tensor

from ssmttm.models.kernels.mamba2_loops import FLAGS


def mamba2_step_(projected: Tensor, weights: Sequence[Tensor], eps: float, conv: Tensor, ssm: Tensor) -> Tensor:
    """What goes into the output projection, `[batch, inner]`; the state is changed in place. On a CPU, of one type.

    Args:
        projected: `[batch, 2 inner + 2 N + H]`, of the input projection.
        weights: of the convolution `[W, inner + 2 N]` and its bias, the bias of dt `[H]`, log -a `[H]`, d `[H]`, and of
            the norm `[inner]`.
        eps: of the norm.
        conv: `[batch, W - 1, inner + 2 N]`, inputs of the convolution from before.
        ssm: `[batch, H, P, N]`, the state h.
    """
    heads, channels = ssm.shape[1:3]
    out = torch.empty(len(projected), heads * channels, dtype=projected.dtype)
    views = (t.detach().numpy() for t in (projected, *weights, conv, ssm, out))
    _step(eps, *views)
    return out


@njit(**FLAGS)
def _step(eps, projected, conv_weight, conv_bias, dt_bias, a_log, d, norm_weight, conv, ssm, out):  # type: ignore[no-untyped-def]
    before, mixed = conv.shape[1:]
    heads, channels, size = ssm.shape[1:]
    inner = heads * channels
    one = projected.dtype.type(1)
    x = conv_bias.copy()
    for row in range(len(out)):
        for i in range(mixed):
            new = projected[row, inner + i]
            total = conv_bias[i] + conv_weight[before, i] * new
            for w in range(before):
                total += conv_weight[w, i] * conv[row, w, i]
            for w in range(before - 1):
                conv[row, w, i] = conv[row, w + 1, i]
            if before:
                conv[row, before - 1, i] = new
            x[i] = total / (one + math.exp(-total))
        b, c = x[inner : inner + size], x[inner + size :]
        squares = one * 0
        for h in range(heads):
            raw = projected[row, inner + mixed + h] + dt_bias[h]
            dt = raw if raw > 20 else math.log1p(math.exp(raw))
            decay = math.exp(-dt * math.exp(a_log[h]))
            for p in range(channels):
                place = h * channels + p
                scaled, y, own = dt * x[place], d[h] * x[place], ssm[row, h, p]
                for n in range(size):
                    own[n] = decay * own[n] + scaled * b[n]
                    y += own[n] * c[n]
                z = projected[row, place]
                y *= z / (one + math.exp(-z))
                out[row, place] = y
                squares += y * y
        scale = one / math.sqrt(squares / inner + eps)
        for i in range(inner):
            out[row, i] *= scale * norm_weight[i]
