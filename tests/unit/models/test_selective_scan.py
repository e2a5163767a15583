"""The scan of Mamba-1 against its recurrence, written out here frame by frame."""

import pytest
import torch

from ssmttm.models.kernels import selective_scan as module
from ssmttm.models.kernels.selective_scan import selective_scan, selective_scan_step_

BATCH, CHANNELS, SIZE = 2, 6, 3


def inputs(length, dtype=torch.float64):
    torch.manual_seed(0)
    return {
        "x": torch.randn(BATCH, length, CHANNELS, dtype=dtype),
        "dt": torch.rand(BATCH, length, CHANNELS, dtype=dtype),
        "a": -torch.rand(SIZE, CHANNELS, dtype=dtype) * 4,
        "b": torch.randn(BATCH, length, SIZE, dtype=dtype),
        "c": torch.randn(BATCH, length, SIZE, dtype=dtype),
        "state": torch.randn(BATCH, SIZE, CHANNELS, dtype=dtype),
    }


def recurrence(x, dt, a, b, c, state):
    """h_t = exp(dt_t a) h_{t-1} + dt_t x_t b_t and y_t = c_t h_t, channel by channel."""
    outputs = []
    for t in range(x.shape[1]):
        channels = []
        for d in range(x.shape[2]):
            own = (
                torch.exp(dt[:, t, d, None] * a[:, d]) * state[:, :, d] + (dt[:, t, d] * x[:, t, d])[:, None] * b[:, t]
            )
            channels.append(own)
        state = torch.stack(channels, -1)
        outputs.append((c[:, t, :, None] * state).sum(1))
    return torch.stack(outputs, 1), state


@pytest.fixture(params=[0, 5, 64], ids=["one chunk at a time", "two segments", "all chunks at once"])
def side_by_side(request, monkeypatch):
    """How many chunks run at once."""
    monkeypatch.setitem(module._AT_ONCE, "cpu", request.param * BATCH * SIZE * CHANNELS)


@pytest.mark.parametrize("length", [1, 13, 37])
@pytest.mark.parametrize("chunk", [1, 4, 16, 64])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_chunks_give_what_the_recurrence_gives(side_by_side, length, chunk, dtype, tolerance):
    given = inputs(length, dtype)
    y, state = selective_scan(**given, chunk=chunk)
    expected, end = recurrence(**{name: t.double() for name, t in given.items()})
    torch.testing.assert_close(y.double(), expected, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(state.double(), end, atol=tolerance, rtol=tolerance)


def test_a_step_is_one_frame_of_the_recurrence():
    given = inputs(1)
    expected, end = recurrence(**given)
    frame = {name: t[:, 0] if name in ("x", "dt", "b", "c") else t for name, t in given.items()}
    y = selective_scan_step_(**frame)
    torch.testing.assert_close(y, expected[:, 0], atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(frame["state"], end, atol=1e-12, rtol=1e-12)


def test_gradients_are_those_of_finite_differences(side_by_side):
    given = [t.requires_grad_() for t in inputs(7).values()]
    assert torch.autograd.gradcheck(lambda x, dt, a, b, c, h: selective_scan(x, dt, a, b, c, 1, h), given)


def test_gradients_are_those_of_the_recurrence(side_by_side):
    given = {name: t.requires_grad_() for name, t in inputs(29).items()}
    wanted = torch.autograd.grad(sum(t.square().sum() for t in recurrence(**given)), list(given.values()))
    found = torch.autograd.grad(sum(t.square().sum() for t in selective_scan(**given, chunk=4)), list(given.values()))
    torch.testing.assert_close(found, wanted, atol=1e-10, rtol=1e-10)


def test_it_is_an_operator_that_tracers_can_take_as_a_whole(side_by_side):
    given = inputs(12)
    chunked = [given[name].unflatten(1, (3, 4)).requires_grad_() for name in ("x", "dt", "b", "c")]
    torch.library.opcheck(module._scan, (*chunked, given["a"].requires_grad_(), given["state"].requires_grad_()))


def test_extreme_steps_and_decays_stay_finite(side_by_side):
    given = inputs(37, torch.float32)
    given["dt"][:, ::3] = 1e4
    given["dt"][:, 1::3] = 0
    given["a"][0] = -1e6
    given = {name: t.requires_grad_() for name, t in given.items()}
    y, state = selective_scan(**given, chunk=4)
    gradients = torch.autograd.grad(y.sum() + state.sum(), list(given.values()))
    assert all(t.isfinite().all() for t in (y, state, *gradients))


def test_the_backward_pass_keeps_states_between_chunks_only():
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        given = {name: t.requires_grad_() for name, t in inputs(64).items()}
        selective_scan(**given, chunk=16)
    assert max(kept) < 64 * BATCH * SIZE * CHANNELS / 2
