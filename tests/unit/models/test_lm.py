import pytest
import torch
from language_models import TINY, VARIANTS, tiny_config, tiny_model

from ssmttm.errors import UserError
from ssmttm.models.blocks import Block
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.flop_counter import kernel_counter
from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import delay, shift, steps_for

FRAMES, TOKENS = 11, 6


@pytest.fixture(params=VARIANTS)
def model(request):
    return tiny_model(request.param).double()


def codes(batch=2, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(0, TINY["codebook_size"], (batch, TINY["codebooks"], FRAMES), generator=g)


def text(batch=2, tokens=TOKENS, seed=2):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(batch, tokens, TINY["text_width"], generator=g, dtype=torch.float64)


def full(batch=2, tokens=TOKENS):
    return torch.ones(batch, tokens, dtype=torch.bool)


def inputs(model, batch=2):
    return shift(delay(codes(batch), model.special), model.special)


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)


def test_a_caption_alone_and_among_longer_ones_gives_the_same_logits(model):
    x, captions = inputs(model), text()
    mask = full()
    mask[0, 3:] = False
    together = model(x, captions, mask)
    alone = model(x[:1], captions[:1, :3], full(1, 3))
    close(together[:1], alone)


def test_what_stands_at_padding_does_not_matter(model):
    mask = full()
    mask[:, 4:] = False
    captions = text()
    garbage = captions.clone()
    garbage[:, 4:] = 99.0
    close(model(inputs(model), captions, mask), model(inputs(model), garbage, mask))


def test_a_dropped_caption_is_the_null_condition_whatever_it_said(model):
    nothing = torch.zeros_like(full())
    a = model(inputs(model), text(seed=2), nothing)
    b = model(inputs(model), text(seed=3), nothing)
    close(a, b)
    with torch.no_grad():
        model.caption.null_condition += 1
    assert not torch.allclose(model(inputs(model), text(), nothing), a)


def test_captions_reach_the_logits(model):
    assert not torch.allclose(model(inputs(model), text(seed=2), full()), model(inputs(model), text(seed=3), full()))


def test_logits_depend_on_no_later_code(model):
    x = inputs(model)
    changed = x.clone()
    changed[..., 7:] = (changed[..., 7:] + 1) % TINY["codebook_size"]
    before, after = model(x, text(), full()), model(changed, text(), full())
    close(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


def test_steps_with_state_give_the_logits_of_forward(model):
    x, mask = inputs(model), full()
    mask[0, 2:] = False
    expected = model(x, text(), mask)
    stream = model.start(text(), mask)
    got = torch.stack([model.step(x[..., t], stream) for t in range(x.shape[-1])], 1)
    close(got, expected)


def test_evaluation_has_no_dropout(model):
    close(model(inputs(model), text(), full()), model(inputs(model), text(), full()))


def test_training_has_dropout(model):
    model.train()
    assert not torch.allclose(model(inputs(model), text(), full()), model(inputs(model), text(), full()))


def test_parameter_groups_add_up(model):
    assert sum(model.parameters_by_group().values()) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("variant", VARIANTS)
def test_counted_training_flops_are_those_that_run(variant):
    model = tiny_model(variant, d_model=64, codebook_size=256, layers=3, dropout=0.0)
    captions = torch.randn(2, TOKENS, TINY["text_width"])
    with kernel_counter() as counter:
        model(inputs(model), captions, full()).sum().backward()
    counted = TRAINING_FACTOR * 2 * model.flops(FRAMES, TOKENS).matmul
    assert counted == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_the_strongest_transformer_has_as_many_parameters_as_the_papers():
    for width in (32, 64, 512, 1024):
        plain, plus = (
            sum(p.numel() for p in Block(tiny_config(name, d_model=width, attention_heads=4), 1).parameters())
            for name in ("cross-transformer", "cross-transformer-plus")
        )
        assert plus == pytest.approx(plain, rel=0.01)


def test_rotary_positions_are_seen_and_are_distances_only():
    """The same frames later in the sequence attend to one another alike, and in another order not."""
    mixer = Block(tiny_config("prefix-transformer-plus"), 1).double().eval().mixer
    x = torch.randn(1, 9, TINY["d_model"], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    state = mixer.init_state(1, torch.device("cpu"), torch.float64)
    mask = torch.ones(1, 40, dtype=torch.bool)
    mask[:, :31] = False
    later, _ = mixer(torch.cat([x.new_zeros(1, 31, TINY["d_model"]), x], 1), state, mask)
    close(later[:, 31:], mixer(x)[0])
    turned = torch.cat([x[:, :8].flip(1), x[:, 8:]], 1)
    assert not torch.allclose(mixer(turned)[0][:, -1], mixer(x)[0][:, -1])


def test_normalized_queries_and_keys_bound_the_scores():
    """However large the inputs of a block get, attention stays as it was."""
    mixer = Block(tiny_config("cross-transformer-plus"), 1).double().eval().mixer
    x = torch.randn(1, 9, TINY["d_model"], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    small, large = (mixer(scale * x)[0] - mixer.out.bias for scale in (1, 1000))
    torch.testing.assert_close(large, 1000 * small, rtol=1e-3, atol=1e-3 * float(large.abs().max()))


PAPER = {
    "d_model": 1024,
    "d_state": 512,
    "d_conv": 4,
    "expand": 2,
    "head_dim": 64,
    "chunk": 256,
    "attention_heads": 8,
    "feedforward_factor": 2,
    "dropout": 0.3,
    "final_norm": False,
    "codebooks": 1,
    "codebook_size": 1024,
    "text_width": 768,
}


def paper_parameters(variant, layers):
    with torch.device("meta"):
        groups = MusicLM(ModelConfig(**VARIANTS[variant], **PAPER, layers=layers)).parameters_by_group()
    return sum(groups.values()) - groups["null_condition"]


def test_prefix_simba_has_the_papers_parameter_count():
    assert paper_parameters("prefix-simba", 24) == 281_042_176


@pytest.mark.parametrize(("variant", "layers"), [("prefix-mamba", 38), ("cross-simba", 18), ("cross-transformer", 22)])
def test_the_others_are_within_five_percent_of_it(variant, layers):
    assert paper_parameters(variant, layers) == pytest.approx(281_042_176, rel=0.05)


@pytest.mark.parametrize("codebooks", [1, 3])
def test_the_delay_pattern_loses_no_frame(codebooks):
    original = torch.randint(0, 7, (2, codebooks, FRAMES))
    delayed = delay(original, 7)
    assert delayed.shape[-1] == steps_for(FRAMES, codebooks)
    assert torch.equal(torch.stack([delayed[:, k, k : k + FRAMES] for k in range(codebooks)], 1), original)
    assert (delayed == 7).sum() == 2 * codebooks * (codebooks - 1)


def test_an_unknown_mixer_is_an_error():
    with pytest.raises(UserError, match="no mixer 'no_such_mixer'; there are attention, mamba1, mamba2"):
        MusicLM(tiny_config("prefix-simba", mixer="no_such_mixer"))
