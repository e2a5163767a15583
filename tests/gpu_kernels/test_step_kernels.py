"""Steps by mamba-ssm's kernel give the outputs and states of our tensor operations."""

import sys

import extensions
import pytest
import torch

pytest.importorskip("triton", reason="make gpu-kernels-test installs it")
pytest.importorskip("mamba_ssm", reason="make gpu-kernels-test installs it")
from cuda_graphs import stand_in
from mixer_insides import assert_near

from ssmttm.generation import sampler
from ssmttm.models.config import ModelConfig
from ssmttm.models.inference import graphs
from ssmttm.models.kernels import packages, state_update
from ssmttm.models.lm import MusicLM
from ssmttm.models.mixer import build_mixer
from ssmttm.models.mixers import mamba2

NEAR = 1e-4
SHAPE = {
    "feedforward": "gelu", "conditioning": "prefix", "layers": 2, "d_model": 16, "d_state": 12, "d_conv": 4,
    "expand": 2, "head_dim": 16, "chunk": 16, "attention_heads": 2, "feedforward_factor": 2, "dropout": 0.0,
    "final_norm": True, "codebooks": 2, "codebook_size": 12, "text_width": 8,
}  # fmt: skip


@pytest.fixture(autouse=True)
def as_on_a_gpu(chosen, monkeypatch):
    """Steps go the way that a GPU's go, not into Numba's loops; `calls` counts the kernel's."""
    monkeypatch.setattr(mamba2, "_LOOPED", ())
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", extensions.selective_scan_cuda())
    calls = []
    update = state_update._update
    monkeypatch.setattr(state_update, "_update", lambda *given: calls.append(given[0].shape) or update(*given))
    return calls


def without_kernels(monkeypatch):
    monkeypatch.setattr(packages, "choose_step", lambda device, dtype, size: packages.plain("compared with"))


@torch.inference_mode()
def stepped(mixer, x, state):
    """Outputs of `x [batch, steps, d_model]`, and the state after them."""
    outputs = [mixer.step(frame, state)[0] for frame in x.unbind(1)]
    return {"out": torch.stack(outputs, 1), **state}


SIZES = [{}, {"d_state": 5, "head_dim": 8}, {"d_state": 130, "expand": 4}]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", ["mamba2", "mamba1"])
def test_outputs_and_states_of_many_steps(name, sizes, as_on_a_gpu, monkeypatch):
    torch.manual_seed(0)
    mixer = build_mixer(ModelConfig(mixer=name, **{**SHAPE, **sizes}), 1).eval()
    x = torch.randn(3, 9, 16)

    def start():
        g = torch.Generator().manual_seed(2)
        empty = mixer.init_state(3, x.device, x.dtype)
        return {key: torch.randn(t.shape, generator=g) for key, t in empty.items()}

    state = start()
    places = {key: t.data_ptr() for key, t in state.items()}
    got = stepped(mixer, x, state)
    assert len(as_on_a_gpu) == 9
    assert {key: t.data_ptr() for key, t in state.items()} == places  # changed in place
    without_kernels(monkeypatch)
    assert_near(got, stepped(mixer.double(), x.double(), {key: t.double() for key, t in start().items()}), NEAR)
    assert len(as_on_a_gpu) == 9


@pytest.mark.parametrize("conditioning", ["prefix", "cross"])
@pytest.mark.parametrize("name", ["mamba2", "mamba1"])
@torch.inference_mode()
def test_a_language_model_goes_on_behind_padded_captions(name, conditioning, as_on_a_gpu, monkeypatch):
    torch.manual_seed(0)
    model = MusicLM(ModelConfig(mixer=name, **{**SHAPE, "conditioning": conditioning})).eval()
    g = torch.Generator().manual_seed(3)
    codes = torch.randint(12, (2, 2, 13), generator=g)
    text, mask = torch.randn(2, 6, 8, generator=g), torch.ones(2, 6, dtype=torch.bool)
    mask[0, :4] = False

    def outcome():
        stream = model.start(text, mask)
        model.prefill(codes[..., :5], stream)
        logits = torch.stack([model.step(c, stream) for c in codes[..., 5:].unbind(-1)])
        states = {f"{i}{key}": t for i, state in enumerate(stream.layers) for key, t in state.items()}
        return {"logits": logits, **states}

    got = outcome()
    assert len(as_on_a_gpu) == 2 * 8  # layers and steps
    without_kernels(monkeypatch)
    assert_near(got, outcome(), NEAR)


def test_the_operator_keeps_what_it_says():
    g = torch.Generator().manual_seed(0)
    state = torch.randn(2, 3, 4, 5, generator=g)
    x, dt, z = (torch.rand(2, 3, 4, generator=g) for _ in range(3))
    a, b, c, d = -torch.rand(3, 4, 5), torch.randn(2, 1, 5), torch.randn(2, 1, 5), torch.randn(3, 4)
    torch.library.opcheck(torch.ops.ssmttm.state_update.default, (state, x, dt, a, b, c, d, z))


def test_what_the_kernel_does_not_take_goes_to_tensor_operations():
    device = torch.device("cpu")
    assert packages.choose_step(device, torch.float32, 512).kernels
    assert "float64" in packages.choose_step(device, torch.float64, 512).name
    assert "d_state 512; here it is 1024" in packages.choose_step(device, torch.float32, 1024).name


@pytest.mark.parametrize("name", ["mamba2", "mamba1"])
def test_kernels_in_a_recorded_step(name, as_on_a_gpu, monkeypatch):
    """Codes of replayed steps are those of steps one by one; with the stand-in for CUDA graphs."""
    torch.manual_seed(0)
    model = MusicLM(ModelConfig(mixer=name, **SHAPE)).eval()
    g = torch.Generator().manual_seed(3)
    text, mask = torch.randn(2, 6, 8, generator=g), torch.ones(2, 6, dtype=torch.bool)
    mask[0, :4] = False
    given = model, text, mask, 9, sampler.Sampling(1.0, 5, 3.0), [1, 2]
    expected = sampler.generate_codes(*given)
    assert len(as_on_a_gpu) == 2 * 10  # layers and steps
    monkeypatch.setattr(sampler, "why_not", lambda model, device: None)
    made = stand_in(monkeypatch)
    assert torch.equal(sampler.generate_codes(*given), expected)
    assert made[0].replays == 10 - graphs.WARMING
    assert sum(operation is torch.ops.ssmttm.state_update.default for operation, *_ in made[0].calls) == 2
