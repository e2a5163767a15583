"""The forms of the state-space recurrence against one another; the truth is the recurrence in double precision."""

import pytest
import torch
import torch.nn.functional as F
from ssd_forms import ssd_quadratic, ssd_recurrent

from ssmttm.models.kernels.ssd import ssd_chunked

HEADS, CHANNELS, SIZE = 3, 4, 8
CHUNKS = [1, 16, 64, 256]
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def inputs(length, batch=2, seed=0, heads=HEADS, channels=CHANNELS, size=SIZE):
    """x, dt, a, b, c and a state, float64, as they are in a model: dt about 0.02, A from -16 to -1."""
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    dt = F.softplus(draw(batch, length, heads) - 4)
    a = -1 - 15 * torch.rand(heads, generator=g, dtype=torch.float64)
    b, c = draw(batch, length, size) / size**0.5, draw(batch, length, size) / size**0.5
    return draw(batch, length, heads, channels), dt, a, b, c, draw(batch, heads, channels, size)


def form(name):
    """A function of x, dt, a, b, c, state: `quadratic`, `recurrent`, or a chunk size."""
    if isinstance(name, int):
        return lambda x, dt, a, b, c, state: ssd_chunked(x, dt, a, b, c, name, state)
    return {"quadratic": ssd_quadratic, "recurrent": ssd_recurrent}[name]


def gradients(function, arguments):
    """Outputs, and gradients of a fixed function of them by every argument."""
    arguments = [t.clone().requires_grad_() for t in arguments]
    outputs = function(*arguments)
    g = torch.Generator().manual_seed(9)
    weights = [torch.randn(o.shape, generator=g, dtype=torch.float64).to(o.dtype) for o in outputs]
    sum((o * w).sum() for o, w in zip(outputs, weights)).backward()
    return [*outputs, *(t.grad for t in arguments)]


def assert_near(got, truth, tolerance):
    """No element off by more than `tolerance` times the largest of the truth."""
    error = (got.double() - truth).abs().max() / truth.abs().max()
    assert error <= tolerance, f"off by {error:.2e} of the largest value"


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("length", [1, 2, 33, 64, 301])
@pytest.mark.parametrize("name", [*CHUNKS, 7, "quadratic", "recurrent"])
def test_every_form_is_the_recurrence_from_any_state(name, length, dtype):
    arguments = inputs(length)
    for got, truth in zip(form(name)(*(t.to(dtype) for t in arguments)), ssd_recurrent(*arguments), strict=True):
        assert got.dtype == dtype
        assert_near(got, truth, TOLERANCE[dtype])


@pytest.mark.parametrize("name", [16, "quadratic"])
def test_no_state_is_a_state_of_zeros(name):
    *arguments, state = inputs(33)
    for got, truth in zip(form(name)(*arguments, None), ssd_recurrent(*arguments, torch.zeros_like(state))):
        assert_near(got, truth, 1e-10)


@pytest.mark.parametrize("name", [2, 3, 8, "quadratic"])
def test_gradients_are_those_of_finite_differences(name):
    arguments = [t.requires_grad_() for t in inputs(7, batch=1, heads=2, channels=2, size=3)]
    assert torch.autograd.gradcheck(form(name), arguments)


@pytest.mark.parametrize("name", [*CHUNKS, 7, "quadratic"])
def test_gradients_are_those_of_the_recurrence(name):
    arguments = inputs(97)
    for got, truth in zip(gradients(form(name), arguments), gradients(ssd_recurrent, arguments), strict=True):
        assert_near(got, truth, 1e-9)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_single_precision_gradients_are_near(chunk):
    arguments = inputs(97)
    single = gradients(form(chunk), [t.float() for t in arguments])
    for got, truth in zip(single, gradients(ssd_recurrent, arguments), strict=True):
        assert_near(got, truth, 1e-4)


@pytest.mark.parametrize("dt_value", [0.0, 1e-8, 1e3])
@pytest.mark.parametrize("chunk", CHUNKS)
def test_extreme_step_sizes_and_decays_stay_finite_and_right(chunk, dt_value):
    x, dt, _, b, c, state = inputs(40)
    a = torch.tensor([-1e-6, -16.0, -1e4], dtype=torch.float64)
    dt = torch.where(torch.arange(40)[:, None] % 3 == 0, dt_value, dt)  # among ordinary ones
    arguments = x, dt, a, b, c, state
    single = gradients(form(chunk), [t.float() for t in arguments])
    assert all(t.isfinite().all() for t in single)
    for got, truth in zip(single[:2], ssd_recurrent(*arguments), strict=True):
        assert_near(got, truth, 5e-3)  # sums of log decays are in the thousands, and keep four digits


@pytest.mark.parametrize("name", [4, "quadratic"])
def test_a_step_size_of_zero_leaves_the_state_alone(name):
    x, dt, a, b, c, state = inputs(9)
    _, end = form(name)(x, torch.zeros_like(dt), a, b, c, state)
    torch.testing.assert_close(end, state)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_forward_and_backward_repeat_bitwise(chunk):
    arguments = [t.float() for t in inputs(130, batch=2, heads=8)]
    first, second = gradients(form(chunk), arguments), gradients(form(chunk), arguments)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
