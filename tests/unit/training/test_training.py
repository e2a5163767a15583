import itertools
import json
import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from language_models import TINY, VARIANTS, tiny_model

from ssmttm.errors import UserError
from ssmttm.tables import SCHEMAS
from ssmttm.training.budget import learning_rate, plan_budget
from ssmttm.training.data import TokenSet, clips_at
from ssmttm.training.loop import Trainer, build_optimizer, drop_captions
from ssmttm.training.state import FILE

FRAMES, TOKENS = 12, 5
SETTINGS = {
    "batch_size": 2,
    "accumulate": 2,
    "learning_rate": 1e-2,
    "minimum_learning_rate": 1e-4,
    "warmup_steps": 3,
    "betas": [0.9, 0.95],
    "epsilon": 1e-8,
    "weight_decay": 0.02,
    "gradient_clip": 1.0,
    "label_smoothing": 0.1,
    "caption_dropout": 0.3,
    "word_dropout": 0.1,
    "validations": 3,
    "validation_clips": 4,
    "state_every": 2,
    "precision": "fp32",
}


def token_set(clips=9, seed=0, **columns):
    rng = np.random.default_rng(seed)
    ids = [f"clip{i:02d}" for i in range(clips)]
    tokens = {
        "clip_id": ids,
        "codebooks": [TINY["codebooks"]] * clips,
        "frames": [FRAMES] * clips,
        # a learnable pattern: code = (frame + clip) mod size
        "codes": [np.tile((np.arange(FRAMES) + i) % 7, TINY["codebooks"]).astype(np.uint16) for i in range(clips)],
        "codec": columns.get("codec", ["codec:1"] * clips),
    }
    lengths = rng.integers(1, 9, clips)
    text = {
        "clip_id": ids,
        "length": lengths,
        "width": [TINY["text_width"]] * clips,
        "embedding": [rng.normal(size=n * TINY["text_width"]).astype(np.float16) for n in lengths],
        "encoder": ["encoder:1"] * clips,
    }
    tables = [pa.table(d, schema=SCHEMAS[n]) for n, d in (("tokens", tokens), ("text", text))]
    return TokenSet(*tables, set(ids), TOKENS)


def trainer(variant="prefix-simba", steps=7, **changes):
    model = tiny_model(variant)
    settings = {**SETTINGS, **changes}
    plan = plan_budget({"iterations": steps}, model, 4, FRAMES, TOKENS)
    return Trainer(model, token_set(), token_set(5, seed=1), settings, plan, seed=3)


def numbers(curve):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in curve]


class Killed(Exception):
    pass


def killed_at(t, step):
    original = t._step

    def step_or_die(i):
        if i == step:
            raise Killed
        return original(i)

    t._step = step_or_die
    return t


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_design_learns(variant, tmp_path):
    curve = trainer(variant, steps=60).run(tmp_path, "a")
    assert curve[-1]["validation_loss"] < curve[0]["loss"] - 0.3
    assert curve[-1]["validation_loss"] < math.log(7)


@pytest.mark.parametrize("variant", ["prefix-simba", "cross-transformer"])
@pytest.mark.parametrize("step", [1, 2, 3, 6])
def test_killed_and_resumed_equals_uninterrupted_bitwise(variant, step, tmp_path):
    whole = trainer(variant)
    expected = whole.run(tmp_path / "whole", "a")
    with pytest.raises(Killed):
        killed_at(trainer(variant), step).run(tmp_path / "cut", "a")
    resumed = trainer(variant)
    curve = resumed.run(tmp_path / "cut", "a")
    assert numbers(curve) == numbers(expected)
    for a, b in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_state_of_another_spec_is_not_used(tmp_path):
    with pytest.raises(Killed):
        killed_at(trainer(), 4).run(tmp_path, "one spec")
    assert trainer().state.restore(tmp_path, "another spec") is False


def test_a_damaged_state_is_refused_with_its_path(tmp_path):
    with pytest.raises(Killed):
        killed_at(trainer(), 4).run(tmp_path, "a")
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=str(path)):
        trainer().run(tmp_path, "a")


def test_same_seed_same_curve_and_other_seed_other_curve(tmp_path):
    first = trainer().run(tmp_path / "a", "a")
    assert numbers(trainer().run(tmp_path / "b", "a")) == numbers(first)
    other = trainer()
    other.seed = 4
    assert numbers(other.run(tmp_path / "c", "a")) != numbers(first)


def test_accumulation_changes_nothing_but_memory(tmp_path):
    settings = {"caption_dropout": 0.0, "word_dropout": 0.0}
    curves = []
    for size, pieces in ((4, 1), (2, 2), (1, 4)):
        t = trainer(batch_size=size, accumulate=pieces, **settings)
        t.model.apply(lambda m: setattr(m, "p", 0.0) if isinstance(m, torch.nn.Dropout) else None)
        curves.append([row["loss"] for row in t.run(tmp_path / str(size), "a")])
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-4)
    np.testing.assert_allclose(curves[2], curves[0], rtol=1e-4)


def test_a_loss_that_is_not_finite_stops_with_step_and_clips_and_keeps_the_state(tmp_path):
    t = trainer()
    original = t._step

    def poisoned(i):
        if i == 3:
            t.model.heads[0].weight.data[0, 0] = float("nan")
        return original(i)

    t._step = poisoned
    with pytest.raises(UserError, match=r"step 4: loss nan.*clip\d\d"):
        t.run(tmp_path, "a")
    assert (tmp_path / FILE).is_file()


def test_the_curve_has_a_row_per_step_and_validates_at_the_end(tmp_path):
    t = trainer(steps=7)
    curve = t.run(tmp_path, "a")
    assert [row["step"] for row in curve] == list(range(1, 8))
    assert [row["step"] for row in curve if row["validation_loss"] is not None] == [2, 5, 7]
    assert curve[-1]["flops"] == pytest.approx(t.plan.flops_spent)
    assert curve[-1]["tokens"] == 7 * 4 * FRAMES * TINY["codebooks"]
    json.dumps(curve, allow_nan=False)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("share", [1.0, 7.99, 23.5])
def test_a_flop_budget_is_spent_to_within_one_step(variant, share):
    model = tiny_model(variant)
    one = plan_budget({"iterations": 1}, model, 4, FRAMES, TOKENS)
    plan = plan_budget({"flops": share * one.flops_per_step}, model, 4, FRAMES, TOKENS)
    assert plan.steps == int(share)
    assert 0 <= plan.flops_planned - plan.flops_spent < plan.flops_per_step


def test_a_budget_below_one_step_is_refused():
    with pytest.raises(UserError, match="smaller than one optimizer step"):
        plan_budget({"flops": 10.0}, tiny_model("prefix-simba"), 4, FRAMES, TOKENS)


def test_the_learning_rate_is_set_per_optimizer_step():
    rates = [learning_rate(i, 100, {**SETTINGS, "warmup_steps": 10}) for i in range(100)]
    np.testing.assert_allclose(rates[:10], SETTINGS["learning_rate"] * np.arange(1, 11) / 10)
    assert rates[10] == pytest.approx(SETTINGS["learning_rate"])
    assert rates[-1] == pytest.approx(SETTINGS["minimum_learning_rate"])
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (1, 10), (2, 5)])
def test_short_runs_have_a_sane_learning_rate(steps, warmup):
    rates = [learning_rate(i, steps, {**SETTINGS, "warmup_steps": warmup}) for i in range(steps)]
    assert max(rates) == pytest.approx(SETTINGS["learning_rate"])


def test_each_epoch_sees_every_clip_once_in_another_order():
    order = clips_at(0, 30, 10, seed=1)
    for epoch in range(3):
        assert sorted(order[epoch * 10 : epoch * 10 + 10]) == list(range(10))
    assert list(order[:10]) != list(order[10:20])


def test_the_order_does_not_depend_on_how_it_is_cut():
    whole = clips_at(0, 24, 10, seed=1)
    pieces = np.concatenate([clips_at(i, 3, 10, seed=1) for i in range(0, 24, 3)])
    np.testing.assert_array_equal(pieces, whole)


def test_dropped_captions_have_the_configured_share():
    torch.manual_seed(0)
    mask = drop_captions(torch.ones(20000, 4, dtype=torch.bool), 0.25, 0.0)
    assert (~mask.any(1)).float().mean() == pytest.approx(0.25, abs=0.02)
    assert (mask.any(1) == mask.all(1)).all()


def test_weight_decay_spares_norms_biases_and_ssm_parameters():
    model = tiny_model("prefix-simba")
    decayed, spared = (group["params"] for group in build_optimizer(model, SETTINGS).param_groups)
    names = {id(p): n for n, p in model.named_parameters()}
    spared_names = {names[id(p)] for p in spared}
    assert all(p.ndim >= 2 for p in decayed)
    assert {"null_condition", "blocks.0.mixer.a_log", "blocks.0.mixer.d", "blocks.0.mixer.dt_bias"} <= spared_names
    assert "blocks.0.mixer_norm.weight" in spared_names
    assert "blocks.0.feedforward.0.bias" in spared_names
    assert len(decayed) + len(spared) == len(names)


def test_batches_hold_the_clips_text_cut_and_padded():
    data = token_set()
    batch = data.batch(np.array([2, 5]), torch.device("cpu"))
    assert batch.clip_ids == ["clip02", "clip05"]
    assert torch.equal(batch.codes[1, 0], (torch.arange(FRAMES) + 5) % 7)
    lengths = [min(int(data._lengths[i]), TOKENS) for i in (2, 5)]
    assert batch.text_mask.sum(1).tolist() == lengths
    assert (batch.text[~batch.text_mask] == 0).all()


def test_tokens_of_two_codecs_are_refused():
    with pytest.raises(UserError, match="codec:2"):
        token_set(codec=["codec:1"] * 8 + ["codec:2"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_mixed_precision_stays_near_full_precision(variant, tmp_path):
    full = trainer(variant, steps=8).run(tmp_path / "full", "a")
    mixed_trainer = trainer(variant, steps=8, precision="bf16")
    mixed = mixed_trainer.run(tmp_path / "mixed", "a")
    assert all(p.dtype == torch.float32 for p in mixed_trainer.model.parameters())
    np.testing.assert_allclose([r["loss"] for r in mixed], [r["loss"] for r in full], rtol=0.03)
    assert numbers(mixed) != numbers(full)
