import pytest
import torch
from language_models import TINY, VARIANTS, tiny_model

from ssmttm.generation.sampler import Sampling, draw, generate_codes

PLAIN = Sampling(temperature=1.0, top_k=5, guidance=1.0)
GUIDED = Sampling(temperature=1.0, top_k=5, guidance=3.0)


@pytest.fixture(params=VARIANTS)
def model(request):
    return tiny_model(request.param)


def captions(batch=3):
    g = torch.Generator().manual_seed(4)
    mask = torch.ones(batch, 5, dtype=torch.bool)
    mask[0, 2:] = False
    return torch.randn(batch, 5, TINY["text_width"], generator=g), mask


@pytest.mark.parametrize("sampling", [PLAIN, GUIDED])
def test_codes_are_codes_and_never_the_special_id(model, sampling):
    text, mask = captions()
    got = generate_codes(model, text, mask, 20, sampling, [1, 2, 3])
    assert got.shape == (3, TINY["codebooks"], 20)
    assert got.min() >= 0
    assert got.max() < TINY["codebook_size"]


def test_the_special_id_is_not_drawn_even_when_it_is_likeliest(model):
    for head in model.heads:
        head.weight.data[model.special] = 100.0 * head.weight.data.abs().sum(0)
    text, mask = captions()
    assert generate_codes(model, text, mask, 8, PLAIN, [1, 2, 3]).max() < TINY["codebook_size"]


def test_batch_mates_do_not_change_a_result(model):
    text, mask = captions()
    together = generate_codes(model, text, mask, 15, GUIDED, [1, 2, 3])
    alone = generate_codes(model, text[:1, :2], mask[:1, :2], 15, GUIDED, [1])
    assert torch.equal(together[:1], alone)


def test_same_seed_same_codes_and_other_seed_other_codes(model):
    text, mask = captions()
    first = generate_codes(model, text, mask, 15, GUIDED, [1, 2, 3])
    assert torch.equal(first, generate_codes(model, text, mask, 15, GUIDED, [1, 2, 3]))
    assert not torch.equal(first, generate_codes(model, text, mask, 15, GUIDED, [4, 5, 6]))


def test_the_first_frames_do_not_depend_on_the_length(model):
    text, mask = captions()
    short = generate_codes(model, text, mask, 10, PLAIN, [1, 2, 3])
    # codebook 0 of frame t is drawn at step t whatever the length
    long = generate_codes(model, text, mask, 90, PLAIN, [1, 2, 3])
    assert torch.equal(short[:, 0, :10], long[:, 0, :10])
    assert long.shape[-1] == 90


def test_inputs_are_left_as_they_were(model):
    text, mask = captions()
    seeds = [1, 2, 3]
    copies = text.clone(), mask.clone(), list(seeds)
    generate_codes(model, text, mask, 5, GUIDED, seeds)
    assert torch.equal(text, copies[0])
    assert torch.equal(mask, copies[1])
    assert seeds == copies[2]


def test_a_model_in_training_mode_is_refused(model):
    text, mask = captions()
    with pytest.raises(ValueError, match="evaluation"):
        generate_codes(model.train(), text, mask, 5, PLAIN, [1, 2, 3])


def test_draw_follows_the_softmax_of_the_top_k():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0]).expand(1, 20000, 4)
    uniform = torch.linspace(0, 1 - 1e-6, 20000)[None]
    drawn = draw(logits, Sampling(temperature=0.5, top_k=2, guidance=1.0), uniform)
    shares = torch.bincount(drawn.flatten(), minlength=4) / 20000
    expected = torch.softmax(torch.tensor([4.0, 2.0]), 0)
    torch.testing.assert_close(shares[:2], expected, atol=1e-3, rtol=0)
    assert shares[2:].sum() == 0


def test_top_1_is_greedy():
    logits = torch.randn(3, 2, 9)
    drawn = draw(logits, Sampling(1.0, 1, 1.0), torch.full((3, 2), 0.999))
    assert torch.equal(drawn, logits.argmax(-1))
