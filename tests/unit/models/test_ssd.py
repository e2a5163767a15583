import pytest
import torch

from ssmttm.models.ssd import ssd_chunked, ssd_recurrent

HEADS, CHANNELS, SIZE = 3, 4, 5


def inputs(length, dtype=torch.float64, batch=2, seed=0):
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=g, dtype=dtype)

    dt = torch.nn.functional.softplus(draw(batch, length, HEADS))
    a = -torch.rand(HEADS, generator=g, dtype=dtype) * 4
    x, b, c = draw(batch, length, HEADS, CHANNELS), draw(batch, length, SIZE), draw(batch, length, SIZE)
    return x, dt, a, b, c, draw(batch, HEADS, CHANNELS, SIZE)


@pytest.mark.parametrize("chunk", [1, 7, 16, 64, 256])
@pytest.mark.parametrize("length", [1, 33, 64, 101])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_chunked_equals_the_recurrence_from_any_state(chunk, length, dtype, tolerance):
    x, dt, a, b, c, state = inputs(length, dtype)
    y, end = ssd_chunked(x, dt, a, b, c, chunk, state)
    expected, expected_end = ssd_recurrent(x, dt, a, b, c, state)
    torch.testing.assert_close(y, expected, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(end, expected_end, atol=tolerance, rtol=tolerance)


def test_gradients_are_right():
    x, dt, a, b, c, state = inputs(7)
    arguments = [t.requires_grad_() for t in (x, dt, a, b, c, state)]
    assert torch.autograd.gradcheck(lambda *t: ssd_chunked(*t[:5], 3, t[5]), arguments)


@pytest.mark.parametrize("dt_value", [1e-8, 1e3])
def test_extreme_step_sizes_stay_finite(dt_value):
    x, dt, a, b, c, _ = inputs(40, torch.float32)
    dt = torch.full_like(dt, dt_value)
    a = torch.tensor([-1e-6, -16.0, -1e4])
    x.requires_grad_()
    y, state = ssd_chunked(x, dt, a, b, c, 16)
    y.sum().backward()
    assert y.isfinite().all()
    assert state.isfinite().all()
    assert x.grad.isfinite().all()


def test_a_step_size_of_zero_leaves_the_state_alone():
    x, dt, a, b, c, state = inputs(9)
    _, end = ssd_chunked(x, torch.zeros_like(dt), a, b, c, 4, state)
    torch.testing.assert_close(end, state)
