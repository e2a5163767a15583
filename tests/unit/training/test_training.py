import json
import math

import numpy as np
import pytest
import torch
from language_models import TINY, VARIANTS, tiny_model
from training_data import FRAMES, SETTINGS, clip_cost, task_of

from ssmttm.errors import UserError
from ssmttm.training.budget import plan_budget
from ssmttm.training.data import TextFile
from ssmttm.training.loop import Trainer
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper
from ssmttm.training.task import Fit

IDENTITY = json.dumps({"spec": {"seed": 3}, "code": "a", "data": "b"})
CPU = torch.device("cpu")


def trainer(sets, variant="prefix-simba", steps=7, checkpointing=False, seed=3, model=None, **changes):
    settings = {**SETTINGS, **changes}
    model = tiny_model(variant, **(model or {}))
    plan = plan_budget({"iterations": steps}, *clip_cost(model), settings["batch_size"])
    fit = Fit(settings["micro_batch"], checkpointing)
    model.checkpointing = checkpointing
    task = task_of(model, sets, settings, {"spec": {"variant": variant}, "codec": sets.codec})
    return Trainer(Stepper(task, settings, fit, seed, Workers(CPU)), plan)


def numbers(curve):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in curve]


class Killed(Exception):
    pass


def killed_at(t, step):
    original = t.stepper.step

    def step_or_die(number, rate):
        if number == step:
            raise Killed
        return original(number, rate)

    t.stepper.step = step_or_die
    return t


@pytest.mark.parametrize("micro_batch", [1, 4])
def test_captions_of_a_step_are_asked_for_one_step_ahead(micro_batch, sets, tmp_path, monkeypatch):
    expected, read = [], []
    monkeypatch.setattr(TextFile, "expect", lambda file, spans: expected.extend(map(tuple, spans.tolist())))
    original = TextFile.read
    monkeypatch.setattr(
        TextFile, "read", lambda file, start, out: (read.append((start, len(out))), original(file, start, out))
    )
    stepper = trainer(sets, micro_batch=micro_batch).stepper
    for step in range(4):
        asked, expected[:], read[:] = list(expected), [], []
        stepper.step(step, 1e-3)
        assert len(read) == SETTINGS["batch_size"]
        assert asked == (read if step else [])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_design_learns(variant, sets, tmp_path):
    curve = trainer(sets, variant, steps=30, micro_batch=4, learning_rate=2e-2).run(tmp_path, IDENTITY)
    assert curve[-1]["validation_loss"] < curve[0]["loss"] - 0.3
    assert curve[-1]["validation_loss"] < math.log(7)


@pytest.mark.parametrize(
    ("variant", "step"),
    [("prefix-simba", 1), ("prefix-simba", 2), ("prefix-simba", 6), ("cross-transformer", 3)],
)
def test_killed_and_resumed_equals_uninterrupted_bitwise(variant, step, sets, tmp_path):
    options = {"ema_decay": 0.9, "checkpoints": [0.25, 0.6]}  # after steps 2 and 4
    whole = trainer(sets, variant, **options)
    expected = whole.run(tmp_path / "whole", IDENTITY)
    with pytest.raises(Killed):
        killed_at(trainer(sets, variant, **options), step).run(tmp_path / "cut", IDENTITY)
    resumed = trainer(sets, variant, **options)
    curve = resumed.run(tmp_path / "cut", IDENTITY)
    assert numbers(curve) == numbers(expected)
    for a, b in zip(resumed.stepper.model.parameters(), whole.stepper.model.parameters(), strict=True):
        assert torch.equal(a, b)
    for name, average in whole.stepper.average.weights.items():
        assert torch.equal(resumed.stepper.average.weights[name], average)
    for name in ("0.25", "0.6"):
        assert weights(tmp_path / "cut", name).keys() == whole.stepper.model.state_dict().keys()
        for key, tensor in weights(tmp_path / "cut", name).items():
            assert torch.equal(tensor, weights(tmp_path / "whole", name)[key])


@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9])
def test_a_checkpoint_of_a_stable_schedule_is_the_end_of_a_run_that_short(fraction, sets, tmp_path):
    options = {"schedule": "wsd", "ema_decay": 0.9}
    trunk = trainer(sets, steps=20, checkpoints=[0.05, 0.5, 0.9], **options)
    curve = trunk.run(tmp_path / "long", IDENTITY)
    steps = round(20 * fraction)
    short = trainer(sets, steps=steps, checkpoints=[], **options)
    short.run(tmp_path / "short", IDENTITY)
    with short.stepper.average.applied():
        for key, tensor in weights(tmp_path / "long", f"{fraction:g}").items():
            assert torch.equal(tensor, short.stepper.model.state_dict()[key]), key
    alone = trainer(sets, steps=20, checkpoints=[], **options)
    assert numbers(alone.run(tmp_path / "alone", IDENTITY)) == numbers(curve)  # branches leave no trace in the trunk
    assert trunk.branch_steps == (1 - 0) + (10 - 7) + (18 - 13)
    assert not (tmp_path / "long" / "branches" / f"{fraction:g}").exists()


@pytest.mark.parametrize("step", [6, 7, 8, 9, 15])
def test_a_branch_that_was_killed_goes_on_bitwise(step, sets, tmp_path):
    options = {"steps": 20, "schedule": "wsd", "ema_decay": 0.9, "checkpoints": [0.5]}
    whole = trainer(sets, **options)
    expected = whole.run(tmp_path / "whole", IDENTITY)
    with pytest.raises(Killed):
        killed_at(trainer(sets, **options), step).run(tmp_path / "cut", IDENTITY)
    resumed = trainer(sets, **options)
    taken = []
    original = resumed.stepper.step
    resumed.stepper.step = lambda number, rate: (taken.append(number), original(number, rate))[1]
    assert numbers(resumed.run(tmp_path / "cut", IDENTITY)) == numbers(expected)
    for key, tensor in weights(tmp_path / "cut", "0.5").items():
        assert torch.equal(tensor, weights(tmp_path / "whole", "0.5")[key])
    if step == 9:
        assert taken[0] == 8  # from the branch's own state, and not from where it left the trunk


def weights(folder, name):
    from safetensors.torch import load_file

    return load_file(folder / "checkpoints" / f"{name}.safetensors")


def test_same_seed_same_curve_and_other_seed_other_curve(sets, tmp_path):
    first = trainer(sets).run(tmp_path / "a", IDENTITY)
    assert numbers(trainer(sets).run(tmp_path / "b", IDENTITY)) == numbers(first)
    assert numbers(trainer(sets, seed=4).run(tmp_path / "c", IDENTITY)) != numbers(first)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_micro_batch_changes_nothing_but_memory(variant, sets):
    found = {}
    for size in (4, 2, 1):
        t = trainer(sets, variant, micro_batch=size, model={"dropout": 0.3}, caption_dropout=0.5)
        losses = t.stepper._gradients(5, np.array([4, 0, 7, 2]))
        found[size] = losses, [p.grad for p in t.stepper.model.parameters()]
    for size in (2, 1):
        torch.testing.assert_close(found[size][0], found[4][0], atol=1e-6, rtol=1e-6)
        for a, b in zip(found[size][1], found[4][1], strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_activation_checkpointing_changes_no_gradient(variant, sets):
    found = []
    for checkpointing in (False, True):
        t = trainer(sets, variant, checkpointing=checkpointing, model={"dropout": 0.3})
        t.stepper._gradients(5, np.array([4, 0, 7, 2]))
        found.append([p.grad for p in t.stepper.model.parameters()])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, atol=1e-7, rtol=1e-6)


def test_a_loss_that_is_not_finite_stops_with_step_and_clips_and_keeps_the_state(sets, tmp_path):
    t = trainer(sets)
    original = t.stepper.step

    def poisoned(number, rate):
        if number == 3:
            t.stepper.model.heads[0].weight.data[0, 0] = float("nan")
        return original(number, rate)

    t.stepper.step = poisoned
    with pytest.raises(UserError, match=r"step 4: loss nan.*train\d\d"):
        t.run(tmp_path, IDENTITY)
    resumed = trainer(sets)
    assert resumed.state.restore(tmp_path, IDENTITY)
    assert resumed.state.step == 2  # as saved before, for the weights are broken by now
    assert resumed.state.sound


@pytest.mark.parametrize("at", ["the last step", "a step that is validated"])
def test_weights_that_a_step_breaks_are_never_kept(at, sets, tmp_path):
    t = trainer(sets, steps=7, checkpoints=[2 / 7])
    original, last = t.stepper.average.update, {"the last step": 7, "a step that is validated": 2}[at]

    def broken():
        original()
        if t.state.step == last - 1:
            t.stepper.model.heads[0].weight.data[0, 0] = float("inf")

    t.stepper.average.update = broken
    with pytest.raises(UserError, match=rf"step {last}: validation losses .*training\.learning_rate"):
        t.run(tmp_path, IDENTITY)
    assert (tmp_path / "checkpoints").exists() == (last == 7)
    resumed = trainer(sets, steps=7)
    assert resumed.state.restore(tmp_path, IDENTITY) == (last == 7)
    assert resumed.state.step == (6 if last == 7 else 0)
    assert resumed.state.sound


def test_the_curve_has_a_row_per_step_and_validates_at_the_end(sets, tmp_path):
    t = trainer(sets, steps=7)
    curve = t.run(tmp_path, IDENTITY)
    assert [row["step"] for row in curve] == list(range(1, 8))
    assert [row["step"] for row in curve if row["validation_loss"] is not None] == [2, 5, 7]
    assert curve[-1]["flops"] == pytest.approx(t.plan.flops_spent)
    assert curve[-1]["tokens"] == 7 * 4 * FRAMES * TINY["codebooks"]
    for row in curve:
        assert len(row["part_losses"]) == TINY["codebooks"]
        assert np.mean(row["part_losses"]) == pytest.approx(row["loss"])
        if row["validation_loss"] is not None:
            assert np.mean(row["validation_part_losses"]) == pytest.approx(row["validation_loss"])
    json.dumps(curve, allow_nan=False)


def test_codebook_losses_are_of_their_codebook(sets):
    t = trainer(sets)
    with torch.no_grad():
        before = t.stepper.evaluate(sets.validation)
        t.stepper.model.heads[1].weight *= 3
        after = t.stepper.evaluate(sets.validation)
    assert after[1] != pytest.approx(before[1])
    assert [after[0], after[2]] == pytest.approx([before[0], before[2]])


def test_validation_ignores_dropout_and_the_micro_batch(sets):
    a = trainer(sets, micro_batch=1, model={"dropout": 0.3}).stepper.evaluate(sets.validation)
    b = trainer(sets, micro_batch=4, model={"dropout": 0.0}).stepper.evaluate(sets.validation)
    assert a == pytest.approx(b, rel=1e-5)


def test_averaged_weights_are_those_of_the_formula(sets, tmp_path):
    t, most, steps = trainer(sets, ema_decay=0.3, checkpoints=[]), 0.3, []
    original = t.stepper.average.update

    def record():
        steps.append([p.detach().clone() for p in t.stepper.model.parameters()])
        original()

    t.stepper.average.update = record
    t.run(tmp_path, IDENTITY)
    decays = [0.0, *(min(most, (1 + n) / (10 + n)) for n in range(1, len(steps)))]
    assert decays[:3] == [0.0, 2 / 11, 3 / 12] and decays[-1] == most  # the warm-up, and its end
    shares = [(1 - decay) * math.prod(decays[i + 1 :]) for i, decay in enumerate(decays)]
    assert sum(shares) == pytest.approx(1)
    for i, average in enumerate(t.stepper.average.weights.values()):
        torch.testing.assert_close(average, sum(s * w[i] for s, w in zip(shares, steps)), atol=1e-5, rtol=1e-5)


def test_with_an_average_validation_and_checkpoints_use_it_and_training_does_not(sets, tmp_path):
    plain = trainer(sets, checkpoints=[0.5]).run(tmp_path / "plain", IDENTITY)
    t = trainer(sets, checkpoints=[0.5], ema_decay=0.9)
    averaged = t.run(tmp_path / "averaged", IDENTITY)
    assert [row["loss"] for row in averaged] == [row["loss"] for row in plain]
    assert averaged[-1]["validation_loss"] != plain[-1]["validation_loss"]
    a, b = weights(tmp_path / "averaged", "0.5"), weights(tmp_path / "plain", "0.5")
    assert any(not torch.equal(a[k], b[k]) for k in a)
    with t.stepper.average.applied():
        inside = t.stepper.model.heads[0].weight.clone()
    assert torch.equal(inside, t.stepper.average.weights["heads.0.weight"])
    assert not torch.equal(inside, t.stepper.model.heads[0].weight)


def test_measuring_the_time_of_a_step_leaves_no_trace(sets, tmp_path):
    measured = trainer(sets)
    before = {k: v.clone() for k, v in measured.stepper.model.state_dict().items()}
    assert measured.stepper.device_seconds() > 0
    for name, tensor in measured.stepper.model.state_dict().items():
        assert torch.equal(tensor, before[name])
    curve = measured.run(tmp_path / "a", IDENTITY)
    assert numbers(curve) == numbers(trainer(sets).run(tmp_path / "b", IDENTITY))


@pytest.mark.parametrize("variant", VARIANTS)
def test_mixed_precision_stays_near_full_precision(variant, sets, tmp_path):
    full = trainer(sets, variant, steps=5, micro_batch=4).run(tmp_path / "full", IDENTITY)
    mixed_trainer = trainer(sets, variant, steps=5, micro_batch=4, precision="bf16")
    mixed = mixed_trainer.run(tmp_path / "mixed", IDENTITY)
    assert all(p.dtype == torch.float32 for p in mixed_trainer.stepper.model.parameters())
    np.testing.assert_allclose([r["loss"] for r in mixed], [r["loss"] for r in full], rtol=0.03)
    assert numbers(mixed) != numbers(full)


def test_compiled_blocks_give_the_losses_of_plain_ones(sets):
    options = {"micro_batch": 4, "model": {"layers": 1, "dropout": 0.1}}
    plain, compiled = (trainer(sets, compile=on, **options).stepper for on in (False, True))
    indices = np.arange(4)
    torch.testing.assert_close(compiled._gradients(0, indices), plain._gradients(0, indices), atol=0, rtol=1e-4)
    for a, b in zip(compiled.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-3)
