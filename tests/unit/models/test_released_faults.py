"""Faults of the code released with arXiv 2601.14786, each with the tests here that would fail on it.

Tests that belong beside what they test are named here by file and name, the others follow.
"""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from language_models import TINY, VARIANTS, tiny_config, tiny_model
from training_data import SETTINGS, clip_cost, load, task_of, write_dataset

from ssmttm.generation.pipeline import Pipeline
from ssmttm.generation.sampler import Sampling, generate_codes, guided_step
from ssmttm.models.blocks import CrossAttention
from ssmttm.models.patterns import delay, shift
from ssmttm.training.budget import learning_rate, plan_budget
from ssmttm.training.data import Batch
from ssmttm.training.loop import Trainer
from ssmttm.training.objective import codebook_losses
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper
from ssmttm.training.task import Fit

HERE = "models/test_released_faults.py"
FAULTS = {
    "the learning rate is scheduled per epoch, so that warm-up takes 500 epochs": [
        "training/test_budget.py::test_the_learning_rate_is_set_per_optimizer_step",
        f"{HERE}::test_the_warm_up_of_the_paper_is_over_after_its_500_optimizer_steps",
        f"{HERE}::test_each_optimizer_step_of_a_run_has_its_own_learning_rate",
    ],
    "a prefix design ignores the caption's mask: padding enters the recurrence": [
        "models/test_lm.py::test_what_stands_at_padding_does_not_matter",
    ],
    "caption dropout never reaches a prefix design, yet guidance uses an empty caption": [
        "models/test_lm.py::test_a_dropped_caption_is_the_null_condition_whatever_it_said",
        f"{HERE}::test_a_dropped_word_does_not_reach_the_logits",
        f"{HERE}::test_caption_dropout_trains_the_null_condition",
        f"{HERE}::test_guidance_starts_from_the_trained_null_condition",
    ],
    "a caption's result depends on the longest caption of its batch": [
        "models/test_lm.py::test_a_caption_alone_and_among_longer_ones_gives_the_same_logits",
        "generation/test_sampler.py::test_batch_mates_do_not_change_a_result",
    ],
    "inference pads with another token, and to another length, than training": [
        f"{HERE}::test_neither_length_nor_content_of_padding_matters",
    ],
    "padding keeps its share of the cross-attention's softmax": [
        f"{HERE}::test_a_caption_token_among_padding_gets_all_attention",
    ],
    "attention dropout stays on at inference": [
        "models/test_lm.py::test_evaluation_has_no_dropout",
        f"{HERE}::test_a_model_with_dropout_evaluates_as_one_without",
    ],
    "a prefix Transformer sees the frames that it is to predict": [
        "models/test_lm.py::test_logits_depend_on_no_later_code",
    ],
    "generation feeds the whole sequence again for each frame": [
        f"{HERE}::test_generation_feeds_each_token_once",
    ],
    "the special id can be sampled, and no codec can decode it": [
        "generation/test_sampler.py::test_the_special_id_is_not_drawn_even_when_it_is_likeliest",
        f"{HERE}::test_training_raises_no_logit_of_the_special_id",
    ],
    "generation appends to its caller's list of captions": [
        "generation/test_sampler.py::test_inputs_are_left_as_they_were",
        f"{HERE}::test_generation_leaves_its_callers_lists_alone",
    ],
    "a run cannot be resumed": [
        "training/test_training.py::test_killed_and_resumed_equals_uninterrupted_bitwise",
    ],
    "the delay pattern drops the last frames": [
        "models/test_lm.py::test_the_delay_pattern_loses_no_frame",
        "models/test_codebooks.py::test_the_loss_counts_every_code_once",
    ],
}

FRAMES, TOKENS = 9, 6
UNIT = Path(__file__).parent.parent


@pytest.fixture(params=VARIANTS)
def model(request):
    return tiny_model(request.param).double()


def captions(model, batch=2, tokens=TOKENS):
    g = torch.Generator().manual_seed(2)
    dtype = model.caption.null_condition.dtype
    return torch.randn(batch, tokens, TINY["text_width"], generator=g, dtype=dtype), torch.ones(batch, tokens).bool()


def codes(batch=2):
    g = torch.Generator().manual_seed(1)
    return torch.randint(0, TINY["codebook_size"], (batch, TINY["codebooks"], FRAMES), generator=g)


def inputs(model):
    return shift(delay(codes(), model.special), model.special)


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("test", sorted({test for tests in FAULTS.values() for test in tests}))
def test_the_tests_named_above_exist(test):
    file, name = test.split("::")
    tree = ast.parse((UNIT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_warm_up_of_the_paper_is_over_after_its_500_optimizer_steps():
    """With 428 steps per epoch, a schedule per epoch would be at 1e-4 * 1/500 instead."""
    settings = {"learning_rate": 1e-4, "minimum_learning_rate": 5e-7, "warmup_steps": 500, "schedule": "cosine"}
    assert learning_rate(500, 100_000, settings) == pytest.approx(1e-4)
    assert learning_rate(99_999, 100_000, settings) == pytest.approx(5e-7)


def test_each_optimizer_step_of_a_run_has_its_own_learning_rate(tmp_path):
    sets = load(write_dataset(tmp_path), tmp_path)
    model, cpu = tiny_model("prefix-simba"), torch.device("cpu")
    settings = {**SETTINGS, "batch_size": 1, "micro_batch": 1}
    steps = len(sets.train) - 1  # less than an epoch
    plan = plan_budget({"iterations": steps}, *clip_cost(model), 1)
    stepper = Stepper(task_of(model, sets, settings), settings, Fit(1, False), 1, Workers(cpu))
    curve = Trainer(stepper, plan).run(tmp_path / "run", "{}")
    rates = [row["learning_rate"] for row in curve]
    assert rates == [learning_rate(i, steps, settings) for i in range(steps)]
    assert len(set(rates)) == steps - 1  # the peak stands twice


def test_a_dropped_word_does_not_reach_the_logits(model):
    text, mask = captions(model)
    mask[:, 2] = False
    changed = text.clone()
    changed[:, 2] += 5
    close(model(inputs(model), text, mask), model(inputs(model), changed, mask))


def test_caption_dropout_trains_the_null_condition(model):
    text, mask = captions(model)
    mask[1] = False
    batch = Batch(codes(), text, mask, ["a", "b"])
    codebook_losses(model, batch, mask).mean().backward()
    assert model.caption.null_condition.grad.abs().sum() > 0
    model.zero_grad()
    codebook_losses(model, batch, torch.ones_like(mask)).mean().backward()
    assert model.caption.null_condition.grad is None or not model.caption.null_condition.grad.any()


@torch.inference_mode()
def test_guidance_starts_from_the_trained_null_condition(model):
    text, mask = captions(model)
    both = torch.cat([text, text]), torch.cat([mask, torch.zeros_like(mask)])
    first = inputs(model)[..., 0]
    conditional = model(inputs(model), text, mask)[:, 0]
    null = model(inputs(model), text, torch.zeros_like(mask))[:, 0]
    close(guided_step(model, first, model.start(*both), 3.0), null + 3 * (conditional - null))
    model.caption.null_condition += 1
    assert not torch.allclose(guided_step(model, first, model.start(*both), 0.0), null)


def test_neither_length_nor_content_of_padding_matters(model):
    """Captions padded to 60 tokens with anything, or not at all."""
    text, mask = captions(model)
    expected = model(inputs(model), text, mask)
    for filler in (0.0, 1.0, 50.0):
        padded = torch.cat([text, torch.full((2, 60 - TOKENS, TINY["text_width"]), filler, dtype=text.dtype)], 1)
        longer = torch.cat([mask, torch.zeros(2, 60 - TOKENS, dtype=torch.bool)], 1)
        close(model(inputs(model), padded, longer), expected)


def test_a_caption_token_among_padding_gets_all_attention():
    torch.manual_seed(0)
    attention = CrossAttention(tiny_config("cross-simba")).double().eval()
    context = torch.randn(1, 50, TINY["d_model"], dtype=torch.float64)
    mask = torch.zeros(1, 50, dtype=torch.bool)
    mask[0, -1] = True
    y = attention(torch.randn(1, 3, TINY["d_model"], dtype=torch.float64), attention.keys_values(context, mask))
    value = attention.key_value(context[:, -1:]).chunk(2, -1)[1]
    close(y, attention.out(value).expand(1, 3, -1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_model_with_dropout_evaluates_as_one_without(variant):
    dropping, plain = tiny_model(variant, dropout=0.9), tiny_model(variant, dropout=0.0)
    arguments = inputs(plain), *captions(plain)
    assert torch.equal(dropping(*arguments), plain(*arguments))


@pytest.mark.parametrize("variant", VARIANTS)
def test_generation_feeds_each_token_once(variant):
    model = tiny_model(variant)
    text, mask = captions(model)
    fed = {"frames": 0, "blocks": 0, "captions": 0}

    def counting(what, function, tokens):
        def counted(*args):
            fed[what] += tokens(args)
            return function(*args)

        return counted

    embedding, projection = model.embeddings[0], model.caption.projection
    embedding.forward = counting("frames", embedding.forward, lambda args: args[0].numel())
    projection.forward = counting("captions", projection.forward, lambda args: args[0][..., 0].numel())
    for block in model.blocks:
        block.forward = counting("blocks", block.forward, lambda args: args[0][..., 0].numel())
        block.step = counting("blocks", block.step, lambda args: len(args[0]))
    generate_codes(model, text, mask, 40, Sampling(1.0, 5, 3.0), [1, 2])
    rows, steps = 2 * 2, 40 + TINY["codebooks"] - 1  # with and without caption
    prefix = TOKENS if model.config.conditioning == "prefix" else 0
    assert fed == {
        "frames": rows * steps,
        "blocks": rows * (steps + prefix) * len(model.blocks),
        "captions": rows * TOKENS,
    }


def test_training_raises_no_logit_of_the_special_id(model):
    """Its row of each head takes no part in the loss, label smoothing included."""
    batch = Batch(codes(), *captions(model), ["a", "b"])
    losses = codebook_losses(model, batch, batch.text_mask, label_smoothing=0.1)
    losses.mean().backward()
    for head in model.heads:
        assert not head.weight.grad[model.special].any()
        head.weight.data[model.special] += 100
    close(codebook_losses(model, batch, batch.text_mask, label_smoothing=0.1), losses)


class Encoder:
    """Width of the tiny model, one token per word."""

    identity, width = "encoder:1", TINY["text_width"]

    def encode(self, texts, max_tokens):
        return [np.ones((min(len(t.split()), max_tokens), self.width), np.float32) for t in texts]


class Codec:
    """100 samples per frame."""

    identity, sample_rate, frame_rate = "codec:1", 1000, 10.0

    def decode(self, codes):
        return np.zeros(100 * codes.shape[1], np.float32)


def test_generation_leaves_its_callers_lists_alone():
    spec = {"data": {"seconds": 1.0, "text": {"max_tokens": TOKENS}}}
    pipeline = Pipeline(tiny_model("prefix-simba"), Codec(), Encoder(), spec, torch.device("cpu"))
    prompts, seeds = ["slow piano", "fast metal "], [1, 2]
    waves = list(pipeline.generate(prompts, Sampling(1.0, 5, 3.0), seeds, 0.5))
    assert [len(w) for w in waves] == [500, 500]
    assert prompts == ["slow piano", "fast metal "]
    assert seeds == [1, 2]
