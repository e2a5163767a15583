"""Inputs of the inside of a Mamba-2 mixer, and what one of its forms makes of them, with all gradients."""

import torch

from ssmttm.models.kernels import mamba2_plain

NAMES = ["projected", "conv_weight", "conv_bias", "dt_bias", "a", "d", "norm_weight", "past", "state"]


def arguments(batch, length, heads, channels, size, width=4, from_state=False, dtype=torch.float64):
    g = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    inner, mixed = heads * channels, heads * channels + 2 * size
    given = [
        draw(batch, length, inner + mixed + heads),
        draw(width, mixed) * 0.4,
        draw(mixed) * 0.1,
        draw(heads) - 3,
        -torch.rand(heads, generator=g, dtype=torch.float64) * 15 - 1,
        draw(heads),
        draw(inner),
    ]
    given += [draw(batch, width - 1, mixed), draw(batch, heads, channels, size)] if from_state else [None, None]
    return [None if t is None else t.to(dtype).requires_grad_() for t in given]


def left_padding(batch, length):
    """Padding before the frames of the first and of the last sequence: `[batch, length]`."""
    mask = torch.ones(batch, length, dtype=torch.bool)
    mask[0, : length // 3], mask[-1, : length // 2] = False, False
    return mask


def results(function, given, mask, chunk, precision=None):
    """Outputs at valid frames, end state, and gradients of a random linear function of both."""
    if precision is not None:
        given = [given[0].to(precision), *given[1:]]
    out, end = function(mamba2_plain.Inputs(*given, mask, chunk, 1e-5))
    valid = torch.ones(out.shape[:2], dtype=torch.bool) if mask is None else mask
    out = out * valid[..., None]
    g = torch.Generator().manual_seed(1)
    loss = (out.double() * torch.randn(out.shape, generator=g, dtype=torch.float64)).sum()
    if end is not None:
        loss = loss + (end.double() * torch.randn(end.shape, generator=g, dtype=torch.float64)).sum()
    used = [t for t in given if t is not None]
    grads = torch.autograd.grad(loss, used)
    names = [name for name, t in zip(NAMES, given, strict=True) if t is not None]
    return {"out": out, **({} if end is None else {"end": end}), **dict(zip(names, grads, strict=True))}


def assert_near(got, expected, tolerance):
    for name, reference in expected.items():
        error = (got[name].double() - reference.double()).abs().max()
        assert error <= tolerance * reference.double().abs().max().clamp_min(1e-30), name
