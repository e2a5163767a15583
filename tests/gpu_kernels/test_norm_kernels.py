"""mamba-ssm's kernels of gate and norm give what our tensor operations give: outputs and every gradient."""

import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("triton", reason="make gpu-kernels-test installs it")
pytest.importorskip("mamba_ssm", reason="make gpu-kernels-test installs it")
from mixer_insides import arguments, assert_near, results

from ssmttm.models.kernels import mamba2_gpu, mamba2_plain, norm_kernels, packages

EPS = 1e-5


def inputs(batch, length, width, dtype=torch.float32):
    """y, z and a weight; z lies between other numbers, as a part of a projection does."""
    g = torch.Generator().manual_seed(0)
    y, around = (torch.randn(batch, length, n, generator=g, dtype=torch.float64) for n in (width, 2 * width + 7))
    weight = torch.randn(width, generator=g, dtype=torch.float64)
    return [t.to(dtype).requires_grad_() for t in (y, around, weight)]


def outcome(function, given):
    y, around, weight = given
    out = function(y, around[..., 3 : 3 + len(weight)], weight)
    g = torch.Generator().manual_seed(1)
    loss = (out.double() * torch.randn(out.shape, generator=g, dtype=torch.float64)).sum()
    names = ("y", "z", "weight")
    return {"out": out.detach(), **dict(zip(names, torch.autograd.grad(loss, given), strict=True))}


@pytest.mark.parametrize("shape", [(2, 9, 32), (1, 1, 16), (3, 5, 24), (1, 2, 2048)])
def test_outputs_and_gradients(shape):
    expected = outcome(
        lambda y, z, weight: F.rms_norm(y * F.silu(z), weight.shape, weight, EPS), inputs(*shape, torch.float64)
    )
    got = outcome(lambda *given: norm_kernels.gated_norm(*given, EPS), inputs(*shape))
    assert_near(got, expected, 1e-4)


def test_a_row_of_zeros_is_zero_and_has_finite_gradients():
    y, around, weight = inputs(1, 3, 8)
    with torch.no_grad():
        y[0, 1] = 0
    got = outcome(lambda *given: norm_kernels.gated_norm(*given, EPS), [y, around, weight])
    assert got["out"][0, 1].eq(0).all() and all(t.isfinite().all() for t in got.values())


def test_operators_keep_what_they_say():
    y, around, weight = inputs(2, 5, 16)
    z = around[..., 3:19].detach().flatten(0, 1).requires_grad_()
    given = y.detach().flatten(0, 1).requires_grad_(), z, weight
    torch.library.opcheck(norm_kernels._norm, (*given, EPS))


def test_the_mixer_takes_them_and_leaves_wide_rows_to_tensor_operations(monkeypatch):
    assert packages.normalizes(torch.bfloat16, 32768) and not packages.normalizes(torch.float32, 32768)
    given = arguments(1, 20, 2, 8, 16, dtype=torch.float32)
    calls = []
    whole = mamba2_gpu.gated_norm
    monkeypatch.setattr(mamba2_gpu, "gated_norm", lambda *g: calls.append(g[0].shape) or whole(*g))
    fused = results(mamba2_gpu.mamba2_inner, given, None, 16)
    assert calls == [(1, 20, 16)]
    monkeypatch.setattr(packages, "normalizes", lambda dtype, channels: False)
    expected = results(mamba2_gpu.mamba2_inner, given, None, 16)
    assert len(calls) == 1
    assert_near(fused, expected, 1e-5)
    assert_near(fused, results(mamba2_plain.mamba2_inner, arguments(1, 20, 2, 8, 16), None, 16), 1e-4)
