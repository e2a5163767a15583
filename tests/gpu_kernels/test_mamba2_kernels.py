"""mamba-ssm's Triton kernels give what our tensor operations give: outputs, states and every gradient."""

import pytest
import torch

pytest.importorskip("triton", reason="make gpu-kernels-test installs it")
pytest.importorskip("mamba_ssm", reason="make gpu-kernels-test installs it")
from mixer_insides import arguments, assert_near, left_padding, results

from ssmttm.models.kernels import mamba2_gpu, mamba2_plain, ssd_kernels

NEAR = 1e-4

CASES = [
    # batch, length, heads, channels, states; chunk, padded, from a state
    ((2, 50, 4, 16, 32), 32, True, True),
    ((2, 50, 2, 16, 32), 32, True, False),
    ((1, 33, 2, 8, 5), 16, False, True),
    ((1, 64, 2, 16, 16), 32, False, False),
    ((2, 7, 2, 16, 16), 16, True, True),
    ((1, 1, 2, 16, 16), 16, False, True),
    ((1, 20, 1, 64, 512), 16, False, True),
]


@pytest.mark.parametrize(("shape", "chunk", "padded", "from_state"), CASES)
def test_outputs_states_and_gradients(shape, chunk, padded, from_state):
    mask = left_padding(*shape[:2]) if padded else None
    expected = results(mamba2_plain.mamba2_inner, arguments(*shape, from_state=from_state), mask, chunk)
    given = arguments(*shape, from_state=from_state, dtype=torch.float32)
    got = results(mamba2_gpu.mamba2_inner, given, mask, chunk)
    assert got.keys() == expected.keys()
    assert_near(got, expected, NEAR)


def test_gradients_of_the_state_alone():
    shape, chunk = (1, 20, 2, 8, 16), 16

    def gradients(function, dtype):
        given = arguments(*shape, from_state=True, dtype=dtype)
        _, end = function(mamba2_plain.Inputs(*given, None, chunk, 1e-5))
        used = [given[i] for i in (0, 1, 4, 7, 8)]  # those that the state depends on
        return dict(enumerate(torch.autograd.grad(end.square().sum(), used)))

    expected = gradients(mamba2_plain.mamba2_inner, torch.float64)
    assert_near(gradients(mamba2_gpu.mamba2_inner, torch.float32), expected, NEAR)


def inputs_of_scan(from_state, seed=0):
    batch, length, heads, channels, size = 1, 20, 2, 8, 16
    g = torch.Generator().manual_seed(seed)
    mixed = torch.randn(batch, length, heads * channels + 2 * size, generator=g)  # x, b and c are views of one tensor
    x, b, c = mixed.split([heads * channels, size, size], -1)
    dt = torch.rand(batch, length, heads, generator=g) / 10
    state = torch.randn(batch, heads, channels, size, generator=g) if from_state else None
    given = [
        x.unflatten(-1, (heads, channels)), dt, -1 - torch.rand(heads, generator=g), b[:, :, None], c[:, :, None],
        torch.randn(heads, generator=g), state,
    ]  # fmt: skip
    return [None if t is None else t.requires_grad_() for t in given]


@pytest.mark.parametrize("from_state", [False, True])
def test_operators_keep_what_they_say(from_state):
    given = inputs_of_scan(from_state)
    torch.library.opcheck(ssd_kernels.scan, (*given, 16))


@pytest.mark.parametrize("from_state", [False, True])
def test_compiled_as_one_graph(from_state, chosen):
    shape, chunk = (2, 20, 2, 8, 16), 16
    mask = left_padding(*shape[:2])

    def inside(*given):
        inputs = mamba2_plain.Inputs(*given, mask, chunk, 1e-5)
        return (mamba2_gpu if mamba2_gpu.takes(inputs) else mamba2_plain).mamba2_inner(inputs)  # plain would break it

    given = arguments(*shape, from_state=from_state, dtype=torch.float32)
    compiled = torch.compile(inside, fullgraph=True)
    expected = results(lambda inputs: inside(*inputs[:9]), given, mask, chunk)
    assert_near(results(lambda inputs: compiled(*inputs[:9]), given, mask, chunk), expected, 1e-5)


def test_shapes_alone_are_enough():
    """Memory is planned on tensors without contents, where mamba-ssm's own function fails."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        given = [torch.empty(t.shape, requires_grad=True) for t in inputs_of_scan(True)]
        y, end = ssd_kernels.scan(*given, 16)
        grads = torch.autograd.grad(y.sum() + end.sum(), given)
    assert y.shape == given[0].shape and end.shape == given[-1].shape
    assert [grad.shape for grad in grads] == [t.shape for t in given]
