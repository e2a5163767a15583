"""The Mamba-1 mixer against transformers' one; what all mixers have in common is in test_mixers.py."""

import pytest
import torch
from language_models import TINY, tiny_config, tiny_model

from ssmttm.models.config import ModelConfig
from ssmttm.models.mixers.mamba1 import Mixer

CONFIG = ModelConfig(mixer="mamba1", feedforward="none", conditioning="prefix", **TINY | {"d_model": 40})
"""A width that sixteen does not divide, so that the rank of dt is rounded up."""


@pytest.fixture
def mixer():
    torch.manual_seed(0)
    return Mixer(CONFIG).eval()


def test_it_is_transformers_mixer_when_it_has_its_weights(mixer):
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    theirs = MambaMixer(
        MambaConfig(
            hidden_size=CONFIG.d_model,
            state_size=CONFIG.d_state,
            conv_kernel=CONFIG.d_conv,
            expand=CONFIG.expand,
            time_step_rank=3,
            use_bias=False,
            use_conv_bias=True,
            use_mambapy=False,
        ),
        layer_idx=0,
    ).eval()
    weights = dict(mixer.state_dict())
    weights["conv1d.weight"] = weights.pop("conv_weight").t()[:, None]
    weights["conv1d.bias"] = weights.pop("conv_bias")
    weights["A_log"], weights["D"] = weights.pop("a_log"), weights.pop("d")
    theirs.load_state_dict(weights)
    x = torch.randn(2, 29, CONFIG.d_model)
    with torch.no_grad():
        torch.testing.assert_close(mixer(x)[0], theirs(x), atol=1e-4, rtol=1e-4)


def test_parameters_start_as_in_the_paper(mixer):
    dt = torch.nn.functional.softplus(mixer.dt_proj.bias)
    assert 1e-3 * 0.999 < dt.min() < dt.max() < 1e-1 * 1.001
    assert dt.log().std() > 0.8, "spread over two decades"
    assert mixer.dt_proj.weight.abs().max() <= 3**-0.5
    torch.testing.assert_close(mixer.a_log.exp()[5], torch.arange(1.0, CONFIG.d_state + 1))
    assert (mixer.d == 1).all()


def test_the_recurrence_stays_in_single_precision_under_autocast(mixer):
    x = torch.randn(2, 29, CONFIG.d_model)
    exact = mixer(x)[0]
    with torch.autocast("cpu", torch.bfloat16):
        y, state = mixer(x, mixer.init_state(2, x.device, torch.bfloat16))
    assert (y.dtype, state["ssm"].dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(y.float(), exact, atol=0.02, rtol=0.05)


def test_a_hybrid_has_attention_in_its_layers_only():
    model = tiny_model("prefix-hybrid", layers=4, attention_layers=(2, 4))
    mixers = [type(block.mixer).__module__.rsplit(".", 1)[-1] for block in model.blocks]
    assert mixers == ["mamba2", "attention", "mamba2", "attention"]
    assert [tiny_config("prefix-hybrid").mixer_of(layer) for layer in (1, 2)] == ["mamba2", "attention"]
