"""Generating in pieces is generating in one go, and state or cache gives the logits of the whole sequence."""

import pytest
import torch
from language_models import TINY, VARIANTS, tiny_model

from ssmttm.generation.sampler import Sampling, generate_codes, guided_step, stream_codes
from ssmttm.models.patterns import delay, shift

BEYOND = 70  # more steps than an attention cache first has room for


def captions(dtype=torch.float64):
    g = torch.Generator().manual_seed(4)
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[0, 2:] = False
    mask[1] = False
    return torch.randn(3, 5, TINY["text_width"], generator=g, dtype=dtype), mask


@pytest.mark.parametrize("codebooks", [1, 2, 3, 4])
@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_logits_with_state_are_those_without_for_each_caption_length_and_with_guidance(variant, codebooks):
    model = tiny_model(variant, codebooks=codebooks).double()
    text, mask = captions()
    g = torch.Generator().manual_seed(5)
    codes = torch.randint(0, TINY["codebook_size"], (3, codebooks, BEYOND), generator=g)
    inputs = shift(delay(codes, model.special), model.special)
    conditional = model(inputs, text, mask)
    null = model(inputs, text, torch.zeros_like(mask))
    expected = null + 3.0 * (conditional - null)
    stream = model.start(torch.cat([text, text]), torch.cat([mask, torch.zeros_like(mask)]))
    got = torch.stack([guided_step(model, c, stream, 3.0) for c in inputs.unbind(-1)], 1)
    torch.testing.assert_close(got, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("given", [1, 40])
@torch.inference_mode()
def test_prefill_is_as_many_steps(variant, given, monkeypatch):
    monkeypatch.setattr("ssmttm.models.lm._PIECE", 16)
    model = tiny_model(variant).double()
    g = torch.Generator().manual_seed(6)
    codes = torch.randint(0, TINY["codebook_size"], (3, 3, given + 6), generator=g)
    stepped, filled = model.start(*captions()), model.start(*captions())
    model.prefill(codes[..., :given], filled)
    expected = [model.step(c, stepped) for c in codes.unbind(-1)][given:]
    got = [model.step(c, filled) for c in codes[..., given:].unbind(-1)]
    torch.testing.assert_close(torch.stack(got), torch.stack(expected), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("sampling", [Sampling(1.0, 1, 3.0), Sampling(1.0, 5, 1.0)], ids=["greedy", "sampled"])
@pytest.mark.parametrize("codebooks", [1, 3])
@pytest.mark.parametrize("variant", VARIANTS)
def test_going_on_from_the_first_frames_gives_the_rest(variant, codebooks, sampling):
    model = tiny_model(variant, codebooks=codebooks).double()
    text, mask = captions()
    seeds = [1, 2, 3]
    whole = generate_codes(model, text, mask, 30, sampling, seeds)
    for given in (1, 12):
        rest = generate_codes(model, text, mask, 30 - given, sampling, seeds, prompt=whole[..., :given])
        assert torch.equal(rest, whole[..., given:])


def test_a_prompt_changes_what_follows():
    model = tiny_model("prefix-simba")
    text, mask = captions(torch.float32)
    after = [
        generate_codes(model, text, mask, 12, Sampling(1.0, 5, 3.0), [1, 2, 3], prompt=torch.full((3, 3, 8), code))
        for code in (0, 6)
    ]
    assert not torch.equal(*after)


def test_a_frame_comes_as_soon_as_its_last_codebook_is_drawn(monkeypatch):
    model = tiny_model("prefix-simba")
    steps = []
    step = model.step_at
    monkeypatch.setattr(model, "step_at", lambda *args: steps.append(1) or step(*args))
    text, mask = captions(torch.float32)
    frames = stream_codes(model, text, mask, 10**9, Sampling(1.0, 5, 1.0), [1, 2, 3])
    for number in range(1, 6):
        assert next(frames).shape == (3, 3)
        assert len(steps) == number + 2
