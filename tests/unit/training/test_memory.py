import pytest
import torch
from language_models import VARIANTS, tiny_config, tiny_model
from training_data import FRAMES, SETTINGS, TOKENS

from ssmttm.errors import UserError
from ssmttm.models.lm import MusicLM
from ssmttm.training.data import Batch
from ssmttm.training.memory import USABLE, _activations, bound, fit_memory, measure_activations, training_memory
from ssmttm.training.task import Fit


def batch(clips, codebooks=3):
    mask = torch.ones(clips, TOKENS, dtype=torch.bool)
    return Batch(torch.zeros(clips, codebooks, FRAMES, dtype=torch.int64), torch.zeros(clips, TOKENS, 6), mask, [])


def memory(config, clips, bf16=False, checkpointing=False, average=False):
    settings = SETTINGS | {"precision": "bf16" if bf16 else "fp32", "ema_decay": 0.9 if average else 0.0}
    return training_memory(config, settings, Fit(clips, checkpointing), FRAMES, TOKENS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_activations_are_those_that_a_real_forward_pass_keeps(variant):
    layers = 6 if variant == "prefix-hybrid" else 3
    config = tiny_config(variant, layers=layers, dropout=0.3)
    real = measure_activations(MusicLM(config), batch(3), bf16=False)
    assert _activations(config, 3, FRAMES, TOKENS, False, "cpu") == real
    expected = {False: real.peak(False), True: real.peak(True)}
    for checkpointing, peak in expected.items():
        assert memory(config, 3, checkpointing=checkpointing).activations == pytest.approx(peak, rel=0.02)
    assert expected[True] < expected[False]


def test_activations_in_mixed_precision_are_those_that_are_kept():
    config = tiny_config("prefix-simba", d_model=32)
    real = measure_activations(MusicLM(config), batch(2), bf16=True).peak(False)
    assert memory(config, 2, bf16=True).activations == pytest.approx(real, rel=0.01)
    assert real < memory(config, 2).activations


def test_weights_gradients_moments_and_average_are_counted():
    found = memory(tiny_config("prefix-simba"), 1, average=True)
    size = 4 * sum(p.numel() for p in tiny_model("prefix-simba").parameters())
    assert (found.weights, found.gradients, found.optimizer, found.average) == (size, size, 2 * size, size)
    assert found.total == 5 * size + found.activations
    assert memory(tiny_config("prefix-simba"), 1).average == 0


def fit(available, **changes):
    return fit_memory(tiny_config("prefix-simba"), {**SETTINGS, **changes}, FRAMES, TOKENS, available)


def needed(clips, checkpointing=False):
    return int(memory(tiny_config("prefix-simba"), clips, checkpointing=checkpointing).total / USABLE) + 1


def test_auto_takes_the_largest_divisor_that_fits_and_checkpoints_only_if_it_must():
    auto = {"batch_size": 12, "micro_batch": "auto", "activation_checkpointing": "auto"}
    assert fit(10**12, **auto) == Fit(12, False)
    assert fit(needed(5), **auto) == Fit(4, False)
    assert fit(needed(1), **auto) == Fit(1, False)
    assert fit(needed(1) - 2, **auto).checkpointing
    assert fit(10**12, **{**auto, "processes": 3}) == Fit(4, False)


@pytest.mark.parametrize(
    ("changes", "ways"),
    [
        ({"micro_batch": "auto", "activation_checkpointing": "auto"}, "smaller size"),
        ({"micro_batch": 2, "activation_checkpointing": False}, "activation_checkpointing: auto.*micro_batch: auto"),
    ],
)
def test_too_little_memory_is_one_message_with_both_amounts(changes, ways):
    with pytest.raises(UserError, match=rf"too little memory: .* needs 0\.\d\d GB; 0\.00 GB are free.*{ways}"):
        fit(1000, **changes)


@pytest.mark.parametrize("variant", ["prefix-simba", "prefix-mamba1", "cross-transformer", "prefix-transformer-plus"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_bound_is_far_above_what_is_measured(variant, checkpointing):
    config, fit = tiny_config(variant), Fit(2, checkpointing)
    assert bound(config, fit, FRAMES, TOKENS) > 2 * training_memory(config, SETTINGS, fit, FRAMES, TOKENS).total


def test_nothing_is_measured_where_there_is_room_for_the_bound(monkeypatch):
    monkeypatch.setattr("ssmttm.training.memory.training_memory", None)
    assert fit(10**15) == Fit(SETTINGS["micro_batch"], False)
