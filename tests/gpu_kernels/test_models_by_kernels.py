"""Whole models by kernels, chosen as on a GPU; and the calls of extensions that take one, against stand-ins."""

import sys

import extensions
import pytest
import torch

pytest.importorskip("triton", reason="make gpu-kernels-test installs it")
pytest.importorskip("mamba_ssm", reason="make gpu-kernels-test installs it")
from mixer_insides import arguments, assert_near, left_padding, results

from ssmttm.models.config import ModelConfig
from ssmttm.models.kernels import mamba2_gpu, mamba2_plain, packages, selective_scan_kernels
from ssmttm.models.kernels.selective_scan import selective_scan
from ssmttm.models.lm import MusicLM
from ssmttm.models.mixer import build_mixer

CPU = torch.device("cpu")


def config(mixer, **other):
    settings = {
        "mixer": mixer, "feedforward": "none", "conditioning": "prefix", "layers": 2, "d_model": 16, "d_state": 16,
        "d_conv": 4, "expand": 2, "head_dim": 16, "chunk": 16, "attention_heads": 2, "feedforward_factor": 2,
        "dropout": 0.0, "final_norm": True, "codebooks": 2, "codebook_size": 12, "text_width": 8,
    }  # fmt: skip
    return ModelConfig(**{**settings, **other})


def loss_and_gradients(model):
    g = torch.Generator().manual_seed(3)
    codes = torch.randint(12, (2, 2, 19), generator=g)
    text, mask = torch.randn(2, 6, 8, generator=g), left_padding(2, 6)
    model.zero_grad()
    loss = model(codes, text, mask).square().mean()
    loss.backward()
    return {
        "loss": loss.detach(),
        **{name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None},
    }


def test_a_language_model_behind_padded_captions(chosen, monkeypatch):
    torch.manual_seed(0)
    model = MusicLM(config("mamba2"))
    calls = []
    inner = mamba2_gpu.mamba2_inner
    monkeypatch.setattr(mamba2_gpu, "mamba2_inner", lambda given: calls.append(given.chunk) or inner(given))
    got = loss_and_gradients(model)
    assert calls == [16, 16]
    monkeypatch.setattr(mamba2_gpu, "takes", lambda given: False)
    assert_near(got, loss_and_gradients(model), 1e-4)


def test_a_prompt_read_at_once_is_as_one_read_step_by_step(chosen):
    torch.manual_seed(0)
    mixer = build_mixer(config("mamba2"), 1).eval()
    x = torch.randn(2, 37, 16)
    with torch.inference_mode():
        first, state = mixer(x[:, :21], mixer.init_state(2, CPU, x.dtype))
        second, state = mixer(x[:, 21:], state)
        steps, own = [], mixer.init_state(2, CPU, x.dtype)
        for frame in x.unbind(1):
            y, own = mixer.step(frame, own)
            steps.append(y)
    assert_near({"y": torch.cat([first, second], 1), **state}, {"y": torch.stack(steps, 1), **own}, 1e-4)


def test_what_kernels_do_not_take_goes_to_tensor_operations(chosen):
    given = mamba2_plain.Inputs(*arguments(1, 20, 2, 8, 16, dtype=torch.float32), None, 16, 1e-5)
    assert mamba2_gpu.takes(given)
    assert not mamba2_gpu.takes(given._replace(chunk=20))
    assert not mamba2_gpu.takes(given._replace(projected=given.projected.double()))


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("from_state", [False, True])
def test_the_convolution_by_causal_conv1d(padded, from_state, monkeypatch):
    monkeypatch.setitem(sys.modules, "causal_conv1d_cuda", extensions.causal_conv1d_cuda())
    monkeypatch.setattr(packages, "convolves", lambda device, dtype, channels, width: True)
    shape = (2, 20, 8, 4, 8)
    mask = left_padding(*shape[:2]) if padded else None
    expected = results(mamba2_plain.mamba2_inner, arguments(*shape, from_state=from_state), mask, 16)
    given = arguments(*shape, from_state=from_state, dtype=torch.float32)
    assert_near(results(mamba2_gpu.mamba2_inner, given, mask, 16), expected, 1e-4)


@pytest.fixture
def mamba1_extension(monkeypatch):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", extensions.selective_scan_cuda())


def inputs_of_mamba1():
    g = torch.Generator().manual_seed(0)
    x, dt = torch.randn(2, 21, 8, generator=g), torch.rand(2, 21, 8, generator=g)
    dt[0, :5] = 0  # padding
    a, b, c = -torch.rand(4, 8, generator=g), torch.randn(2, 21, 4, generator=g), torch.randn(2, 21, 4, generator=g)
    return [t.requires_grad_() for t in (x, dt, a, b, c)]


def test_mamba1_outputs_and_gradients(mamba1_extension):
    given = inputs_of_mamba1()
    weight = torch.randn(2, 21, 8, generator=torch.Generator().manual_seed(1))

    def outcome(y):
        return {"y": y, **dict(enumerate(torch.autograd.grad((y * weight).sum(), given)))}

    expected = outcome(selective_scan(*given, 16)[0])
    assert_near(outcome(selective_scan_kernels.selective_scan(*given)), expected, 1e-4)


def test_mamba1_operators_keep_what_they_say(mamba1_extension):
    x, dt, a, b, c = (t.detach() for t in inputs_of_mamba1())
    turned = [t.transpose(1, 2).contiguous() for t in (x, dt, b, c)]
    given = [turned[0], turned[1], a.t().contiguous(), turned[2][:, None], turned[3][:, None]]
    torch.library.opcheck(selective_scan_kernels._scan, tuple(t.requires_grad_() for t in given))


def test_a_language_model_of_mamba1(chosen, mamba1_extension, monkeypatch):
    torch.manual_seed(0)
    model = MusicLM(config("mamba1", d_state=4))
    calls = []
    kernels = selective_scan_kernels.selective_scan
    monkeypatch.setattr(selective_scan_kernels, "selective_scan", lambda *given: calls.append(1) or kernels(*given))
    got = loss_and_gradients(model)
    assert len(calls) == 2  # one for each layer
    monkeypatch.setattr(selective_scan_kernels, "takes", lambda x, a: False)
    assert_near(got, loss_and_gradients(model), 1e-4)
