"""One frame by the compiled loop is one frame by tensor operations."""

import pytest
import torch
from language_models import TINY

from ssmttm.models.config import ModelConfig
from ssmttm.models.kernels import mamba2_step
from ssmttm.models.mixers import mamba2


def made(**sizes):
    torch.manual_seed(0)
    config = ModelConfig(mixer="mamba2", feedforward="none", conditioning="prefix", **(TINY | sizes))
    return mamba2.Mixer(config).eval()


@pytest.mark.parametrize(("batch", "width", "state_size", "convolution"), [(1, 16, 4, 4), (3, 32, 8, 2), (2, 16, 5, 1)])
def test_the_loop_agrees_with_tensor_operations_over_many_frames(batch, width, state_size, convolution, monkeypatch):
    mixer = made(d_model=width, d_state=state_size, d_conv=convolution)
    frames = 2 * torch.randn(12, batch, width)

    def outputs():
        state = mixer.init_state(batch, torch.device("cpu"), torch.float32)
        with torch.no_grad():
            return torch.stack([mixer.step(frame, state)[0].clone() for frame in frames]), state

    looped, state = outputs()
    monkeypatch.setattr(mamba2_step, "mamba2_step_", None)  # calling it would fail
    monkeypatch.setattr(mamba2, "is_large", lambda ssm: True)
    plain, expected = outputs()
    torch.testing.assert_close(looped, plain, atol=2e-5, rtol=1e-4)
    for name in ("conv", "ssm"):
        torch.testing.assert_close(state[name], expected[name], atol=2e-5, rtol=1e-4)


def test_large_inputs_to_softplus_and_steep_decays_stay_finite():
    mixer = made()
    with torch.no_grad():
        mixer.dt_bias.fill_(60.0)
        mixer.a_log.fill_(5.0)
        state = mixer.init_state(2, torch.device("cpu"), torch.float32)
        for _ in range(3):
            out, state = mixer.step(torch.randn(2, mixer.d_model), state)
    assert out.isfinite().all()
