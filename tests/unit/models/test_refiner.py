"""What every refiner keeps to, whatever its backbone and objective."""

import pytest
import torch
from refiners import BACKBONES, OBJECTIVES, captions, clips, draws, moments, tiny_refiner
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ssmttm import plugins
from ssmttm.errors import UserError
from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.objectives.diffusion import STEPS, cosine_betas
from ssmttm.models.refiner.refiner import build_refiner
from ssmttm.models.refiner.tables import Tables


def test_these_are_all():
    assert plugins.names("ssmttm.models.refiner.backbones") == sorted(BACKBONES)
    assert plugins.names("ssmttm.models.refiner.objectives") == sorted(OBJECTIVES)


def estimate(refiner, clean, noisy, text, mask):
    """One pass, by whatever name."""
    if refiner.config.objective == "masked":
        codes = torch.full((len(clean), refiner.config.levels - 1, clean.shape[1]), refiner.masked)
        return refiner.logits(codes, torch.zeros(len(clean), dtype=torch.long), clean, text, mask)
    return refiner.predict(noisy, clean, torch.full((len(clean),), 0.4), text, mask)


@pytest.fixture(params=OBJECTIVES)
def objective(request):
    return request.param


@pytest.fixture(params=BACKBONES)
def refiner(request, objective):
    return tiny_refiner(request.param, objective)


@pytest.mark.parametrize("frames", [1, 2, 7, 16, 21])
@torch.inference_mode()
def test_any_number_of_frames_is_refined(refiner, frames):
    example = clips(refiner, frames=frames)
    out = estimate(refiner, example.clean, example.rest, example.text, example.text_mask)
    assert out.shape[:2] == (2, frames)
    assert out.isfinite().all()


@pytest.mark.parametrize("frame", [0, 6, 10])
def test_every_frame_sees_all_frames(refiner, frame):
    example = clips(refiner)
    clean = example.clean.requires_grad_()
    out = estimate(refiner, clean, example.rest, example.text, example.text_mask)
    (gradient,) = torch.autograd.grad(out[:, frame].square().sum(), clean)
    assert (gradient.abs().sum(-1) > 0).all()


@torch.inference_mode()
def test_batch_mates_and_padding_of_captions_change_nothing(refiner):
    refiner = refiner.double()
    example = [t.double() if t.is_floating_point() else t for t in clips(refiner)]
    clean, noisy, text, mask = example[0], example[1], example[3], example[4]
    both = estimate(refiner, clean, noisy, text, mask)
    alone = estimate(refiner, clean[1:], noisy[1:], text[1:, :3], mask[1:, :3])
    torch.testing.assert_close(both[1:], alone, atol=1e-9, rtol=1e-9)


@torch.inference_mode()
def test_without_a_caption_every_row_is_the_same_trained_null(refiner):
    """DiscoDiff's null pass keeps the condition of 80 % of its rows."""
    example = clips(refiner, batch=4)
    clean, none = example.clean, torch.zeros_like(example.text_mask)
    before = estimate(refiner, clean, example.rest, example.text, none)
    torch.testing.assert_close(before, estimate(refiner, clean, example.rest, example.text.flip(0) + 1, none))
    refiner.caption.null_condition += 1
    changed = (estimate(refiner, clean, example.rest, example.text, none) - before).abs().flatten(1).amax(1)
    assert (changed > 1e-4).all()


def test_a_caption_changes_the_estimate_and_a_dropped_one_trains_the_null(refiner):
    example = clips(refiner)
    clean = example.clean
    out = estimate(refiner, clean, example.rest, example.text, example.text_mask)
    other = estimate(refiner, clean, example.rest, example.text + 1, example.text_mask)
    assert ((out - other).abs().flatten(1).amax(1) > 1e-5).all()
    dropped = example._replace(text_mask=torch.zeros_like(example.text_mask))
    refiner(dropped, draws(refiner)).sum().backward()
    assert refiner.caption.null_condition.grad.abs().sum() > 0


def test_nothing_that_is_given_is_changed(refiner):
    """DiscoDiff normalizes its batch in place, and writes null conditions into the caller's list."""
    example, numbers = clips(refiner), draws(refiner)
    copies = [t.clone() for t in (*example, *numbers.values())]
    refiner(example, numbers).sum().backward()
    assert all(torch.equal(a, b) for a, b in zip(copies, (*example, *numbers.values()), strict=True))


def test_every_parameter_is_trained(refiner):
    example = clips(refiner, batch=6)
    some = example._replace(text_mask=example.text_mask & (torch.arange(6) != 1)[:, None])
    refiner(some, draws(refiner, batch=6)).sum().backward()
    assert [name for name, p in refiner.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_parameter_groups_add_up(refiner):
    assert sum(refiner.parameters_by_group().values()) == sum(p.numel() for p in refiner.parameters())


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("frames", [16, 23])
def test_counted_flops_are_those_that_run(backbone, objective, frames):
    refiner = tiny_refiner(backbone, objective, d_model=64, head_dim=16, d_state=16, chunk=8)
    example = clips(refiner, frames=frames)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        estimate(refiner, example.clean, example.rest, example.text, example.text_mask)
    counted = 2 * refiner.flops(frames, example.text.shape[1]).matmul
    assert counted == pytest.approx(counter.get_total_flops(), rel=0.01)


@pytest.mark.parametrize("wrong", [{"levels": 1}, {"overlap": 16}])
def test_sizes_that_make_no_refiner_are_refused(wrong):
    from refiners import TINY, WIDTHS

    spec = {"refiner": {**TINY, "backbone": "unet", "objective": "flow", **wrong}}
    spec["data"] = {"codec": {"codebook_size": 7}}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RefinerConfig.from_spec(spec, WIDTHS["text_width"], 3, 4)


def test_an_unknown_backbone_or_objective_is_named_with_those_that_there_are():
    with pytest.raises(UserError, match="no backbone 'resnet'; there are mamba2, transformer, unet"):
        tiny_refiner("resnet")
    config = tiny_refiner().config.__dict__ | {"objective": "gan"}
    with pytest.raises(UserError, match="no objective 'gan'; there are diffusion, flow, masked"):
        build_refiner(RefinerConfig(**config))


def test_the_last_step_of_diffusion_is_noise_and_the_first_is_not():
    refiner = tiny_refiner()
    x, noise = torch.ones(2, 3, 4), torch.full((2, 3, 4), -2.0)
    noisy, time, target = refiner.corrupt(x, noise, torch.tensor([0.0, 0.9999]))
    torch.testing.assert_close(noisy[0], x[0], atol=0.02, rtol=0)
    torch.testing.assert_close(noisy[1], noise[1], atol=1e-3, rtol=0)
    torch.testing.assert_close(target[1], -x[1], atol=1e-3, rtol=0)
    assert time.tolist() == [pytest.approx(1 / STEPS), 1.0]
    left = (1 - cosine_betas()).cumprod(0)
    assert (left.diff() < 0).all()
    assert 0 < left[-1] < 1e-8


@pytest.mark.parametrize("kind", ["diffusion", "flow"])
def test_noise_and_latents_follow_from_noisy_latents_and_target(kind):
    refiner = tiny_refiner(objective=kind)
    x, noise = torch.randn(2, 5, 4), torch.randn(2, 5, 4)
    noisy, time, target = refiner.corrupt(x, noise, torch.tensor([0.3, 0.8]))
    if kind == "flow":
        recovered = noisy - time[:, None, None] * target
    else:
        step = (time * STEPS).round().long() - 1
        recovered = refiner.signal[step][:, None, None] * noisy - refiner.noise[step][:, None, None] * target
    torch.testing.assert_close(recovered, x, atol=1e-5, rtol=1e-5)


def test_a_masked_refiner_looks_at_no_code_of_the_levels_above_nor_at_masked_ones():
    refiner = tiny_refiner("transformer", "masked", levels=4)
    example, (text, mask) = clips(refiner), captions(2)
    level, clean = torch.tensor([0, 1]), example.clean
    out = refiner.logits(example.codes, level, clean, text, mask)
    changed = example.codes.clone()
    changed[0, 1:] += 1
    changed[1, 2:] += 1
    torch.testing.assert_close(refiner.logits(changed, level, clean, text, mask), out)
    changed[1, 1] = refiner.masked
    assert not torch.allclose(refiner.logits(changed, level, clean, text, mask)[1], out[1])


def test_jitter_is_for_training_alone():
    refiner = tiny_refiner(jitter=0.5)
    example, numbers = clips(refiner), draws(refiner)
    loss = refiner(example, numbers)
    assert not torch.allclose(loss, refiner(example, {**numbers, "jitter": -numbers["jitter"]}))


def test_level_1_is_whitened_and_noise_has_the_shape_of_what_it_hides():
    refiner = tiny_refiner()
    mixed, given = torch.randn(400, 4) @ torch.randn(4, 4) + 3, torch.randn(400, 3) @ torch.randn(3, 3) + 1
    refiner.set_statistics(moments(given), moments(mixed))
    torch.testing.assert_close(torch.cov(refiner.clean(given).T), torch.eye(3), atol=1e-3, rtol=0)
    x, noise = refiner.normalized(mixed), refiner.colored(torch.randn(200_000, 4))
    torch.testing.assert_close(x.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    assert x.var(0).mean() == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(torch.cov(noise.T), torch.cov(x.T), atol=0.05, rtol=0)
    torch.testing.assert_close(refiner.restored(x), mixed, atol=1e-4, rtol=1e-4)


def test_a_channel_that_never_changes_stays_nearly_as_it_is():
    refiner = tiny_refiner()
    flat = torch.randn(400, 4) * torch.tensor([1.0, 1.0, 1.0, 0.0]) + 2
    refiner.set_statistics(moments(torch.zeros(50, 3)), moments(flat))
    made = refiner.restored(refiner.colored(torch.randn(100, 4)))
    torch.testing.assert_close(made[:, 3], torch.full((100,), 2.0), atol=0.15, rtol=0)
    assert refiner.clean(torch.zeros(1, 2, 3)).abs().max() == 0


def test_no_estimate_has_a_loss_of_1_whatever_is_hidden():
    """So an untrained refiner samples what mean and covariance say."""
    torch.manual_seed(0)
    for place in (0.1, 0.5, 0.9):
        refiner = build_refiner(tiny_refiner().config)
        refiner.set_statistics(moments(torch.randn(50, 3)), moments(torch.randn(50, 4) @ torch.randn(4, 4)))
        example, numbers = clips(refiner, batch=64), draws(refiner, batch=64, place=place)
        rest = refiner.colored(torch.randn(64, 11, 4))
        assert refiner(example._replace(rest=rest), numbers).item() == pytest.approx(1, abs=0.1)


def test_tables_give_the_moments_and_the_normalized_latents_of_codes():
    refiner = tiny_refiner()
    tables = Tables(torch.randn(7, 3), torch.randn(2, 7, 4))
    codes = torch.randint(0, 7, (40, 3, 9))
    first, rest = tables.first[codes[:, 0]].flatten(0, 1), tables.sums(codes[:, 1:])
    torch.testing.assert_close(rest, tables.rest[0][codes[:, 1]] + tables.rest[1][codes[:, 2]])
    found = tables.moments(codes.to(torch.uint16))
    for (mean, covariance), vectors in zip(found, (first, rest.flatten(0, 1)), strict=True):
        torch.testing.assert_close(mean.float(), vectors.mean(0), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(covariance.float(), torch.cov(vectors.T, correction=0), atol=1e-4, rtol=1e-4)
    refiner.set_statistics(*found)
    normalized = tables.normalized(refiner)
    torch.testing.assert_close(normalized.sums(codes[:, 1:]), refiner.normalized(rest), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(normalized.first, refiner.clean(tables.first))
