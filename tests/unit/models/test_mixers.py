"""One body of tests for every mixer: a new file in ssmttm/models/mixers is tested by being there."""

from pathlib import Path

import pytest
import torch
from kernel_flops import kernel_counter
from language_models import TINY

import ssmttm.models.mixers
from ssmttm.models.config import ModelConfig
from ssmttm.models.mixer import build_mixer
from ssmttm.models.mixers import mamba2

NAMES = sorted(p.stem for p in Path(ssmttm.models.mixers.__file__).parent.glob("*.py") if p.stem != "__init__")
LENGTH = 23


@pytest.fixture(params=[*NAMES, "mamba2 in loops"])
def mixer(request, monkeypatch):
    torch.manual_seed(0)
    name, _, loops = request.param.partition(" in ")
    if loops:
        monkeypatch.setattr(mamba2, "LARGE", 0)
    config = ModelConfig(mixer=name, feedforward="none", conditioning="prefix", **TINY)
    return build_mixer(config, 1).double().eval()


@pytest.fixture
def x():
    return torch.randn(2, LENGTH, TINY["d_model"], dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def fresh(mixer, batch=2):
    return mixer.init_state(batch, torch.device("cpu"), torch.float64)


def test_outputs_depend_on_no_later_input(mixer, x):
    changed = x.clone()
    changed[:, 12:] += 1
    before, after = mixer(x)[0], mixer(changed)[0]
    torch.testing.assert_close(after[:, :12], before[:, :12], atol=0, rtol=0)
    assert not torch.allclose(after[:, 12:], before[:, 12:])


def test_step_by_step_equals_forward(mixer, x):
    state = fresh(mixer)
    steps = []
    for t in range(LENGTH):
        y, state = mixer.step(x[:, t], state)
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps, 1), mixer(x)[0], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("cut", [1, 8, 22])
def test_in_two_pieces_equals_in_one(mixer, x, cut):
    first, state = mixer(x[:, :cut], fresh(mixer))
    second, _ = mixer(x[:, cut:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), mixer(x)[0], atol=1e-10, rtol=1e-10)


def test_padding_on_the_left_changes_nothing(mixer, x):
    padded = torch.cat([torch.full_like(x[:, :6], 3.0), x], 1)
    mask = torch.ones(padded.shape[:2], dtype=torch.bool)
    mask[:, :6] = False
    y, state = mixer(padded, fresh(mixer), mask)
    torch.testing.assert_close(y[:, 6:], mixer(x)[0], atol=1e-10, rtol=1e-10)
    after, _ = mixer.step(x[:, 0], state)
    expected, _ = mixer.step(x[:, 0], mixer(x, fresh(mixer))[1])
    torch.testing.assert_close(after, expected, atol=1e-10, rtol=1e-10)


def test_counted_products_are_those_that_run(mixer, x):
    with kernel_counter() as counter:
        mixer(x[:1])
    assert counter.get_total_flops() == pytest.approx(mixer.flops(LENGTH).matmul, rel=1e-9)


def test_state_bytes_are_those_of_the_state(mixer, x):
    state = mixer(x, fresh(mixer))[1]
    used = 0
    for name, tensor in state.items():
        if tensor.is_floating_point():
            filled = tensor[:, :, :LENGTH] if name in ("key", "value") else tensor
            used += filled.numel() * filled.element_size()
    assert used == 2 * mixer.state_bytes(LENGTH, element_size=8)
