"""Sampling the levels above the first: exact where it can be, the same in pieces, and bound to its frames."""

import pytest
import torch
from refiners import TINY, WIDTHS, captions, tiny_refiner

from ssmttm import frame_noise
from ssmttm.errors import UserError
from ssmttm.generation.latent_samplers import Captions, Refinement, build_sampler
from ssmttm.generation.refine import WindowRefiner
from ssmttm.generation.schedules import SAMPLERS, Schedule
from ssmttm.models.refiner.tables import Tables

WINDOW, OVERLAP = TINY["window"], TINY["overlap"]
FITTING = [(objective, sampler) for objective, samplers in SAMPLERS.items() for sampler in samplers]
ALL = [*FITTING, ("masked", "ddim")]


def tables():
    g = torch.Generator().manual_seed(5)
    size, levels = WIDTHS["codebook_size"], TINY["levels"] - 1
    first = torch.randn(size, WIDTHS["given"], generator=g)
    return Tables(first, torch.randn(levels, size, WIDTHS["refined"], generator=g))


def codes(frames, batch=2, seed=6):
    """Codes of all levels."""
    g = torch.Generator().manual_seed(seed)
    return torch.randint(0, WIDTHS["codebook_size"], (batch, TINY["levels"], frames), generator=g)


def begin(refiner, sampler="ddim", steps=4, guidance=1.0, seeds=(1, 2), past=None, sampling=None):
    """A generation for as many captions as seeds."""
    kept = Captions(*captions(len(seeds)), list(seeds))
    sampling = sampling or build_sampler(refiner, tables(), Refinement(sampler, steps, guidance, False))
    return WindowRefiner(sampling, kept, WINDOW, OVERLAP, past)


def whole(refining, first, pieces=()):
    """All latents; `pieces` says how many codes come at once."""
    parts, start = [], 0
    for count in (*pieces, first.shape[1] - sum(pieces)):
        parts.append(refining.push(first[:, start : start + count]))
        start += count
    parts.append(refining.finish())
    assert torch.equal(torch.cat([p.codes for p in parts], 1), first)
    return torch.cat([p.latents for p in parts], 1)


def oracle(refiner, objective, truth, monkeypatch):
    """Lets `refiner` know the latents of a single window."""
    x = refiner.normalized(truth)

    def predict(noisy, clean, time, text, mask):
        t = time[:, None, None]
        if objective == "flow":
            return (noisy - x) / t
        step = (time * 1000).round().long() - 1
        a, s = refiner.signal[step][:, None, None], refiner.noise[step][:, None, None]
        return a * (noisy - a * x) / s - s * x

    def logits(state, level, clean, text, mask):
        return 50 * torch.nn.functional.one_hot(own[torch.arange(len(level)), 1 + level], WIDTHS["codebook_size"])

    own = codes(x.shape[1])
    if objective == "masked":
        monkeypatch.setattr(refiner, "logits", logits)
    else:
        monkeypatch.setattr(refiner, "predict", predict)


@pytest.mark.parametrize("steps", [2, 8, 50])
@pytest.mark.parametrize(("objective", "sampler"), ALL)
def test_who_knows_the_latents_gets_them_back(objective, sampler, steps, monkeypatch):
    refiner = tiny_refiner(objective=objective)
    true = codes(WINDOW)
    truth = tables().sums(true[:, 1:])
    oracle(refiner, objective, truth, monkeypatch)
    got = whole(begin(refiner, sampler, steps), true[:, 0])
    torch.testing.assert_close(got, truth, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize(("objective", "sampler"), ALL)
@pytest.mark.parametrize("pieces", [(1,) * 40, (WINDOW, 3), (50,)])
def test_pieces_give_the_latents_of_the_whole(objective, sampler, pieces):
    refiner, first = tiny_refiner(objective=objective), codes(57)[:, 0]
    expected = whole(begin(refiner, sampler), first)
    assert expected.shape == (2, 57, WIDTHS["refined"])
    torch.testing.assert_close(whole(begin(refiner, sampler), first, pieces), expected, atol=0, rtol=0)


@pytest.mark.parametrize("frames", [1, OVERLAP, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - OVERLAP, 60])
def test_every_frame_comes_once(frames):
    assert whole(begin(tiny_refiner()), codes(frames)[:, 0]).shape[1] == frames


class Watched:
    """A sampler that keeps what it was asked for and gave."""

    def __init__(self, inner):
        self.inner, self.levels, self.calls = inner, inner.levels, []

    def state_of(self, known):
        return self.inner.state_of(known)

    def latents(self, state):
        return self.inner.latents(state)

    def sample(self, first, known, frames, kept):
        before = first.clone(), known.clone()
        state = self.inner.sample(first, known, frames, kept)
        assert torch.equal(first, before[0])
        assert torch.equal(known, before[1])
        self.calls.append((first, frames, state))
        return state


@pytest.mark.parametrize(("objective", "sampler"), ALL)
def test_windows_agree_on_their_overlap_and_leave_level_1_as_it_is(objective, sampler):
    refiner, first = tiny_refiner(objective=objective), codes(60)[:, 0]
    watched = Watched(build_sampler(refiner, tables(), Refinement(sampler, 4, 1.0, False)))
    latents = whole(begin(refiner, sampling=watched), first)
    assert len(watched.calls) > 4
    for (_, before, earlier), (_, after, later) in zip(watched.calls, watched.calls[1:], strict=False):
        shared = before.stop - after.start
        assert shared == OVERLAP
        assert torch.equal(earlier[:, -shared:], later[:, :shared])
    for given, frames, state in watched.calls:
        assert torch.equal(given, first[:, frames.start : frames.stop])
        torch.testing.assert_close(watched.latents(state), latents[:, frames.start : frames.stop], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("objective", "sampler"), ALL)
def test_what_is_known_shapes_what_follows(objective, sampler):
    refiner, first = tiny_refiner(objective=objective), codes(20)[:, 0]
    results = [whole(begin(refiner, sampler, past=codes(9, seed=seed)), first) for seed in range(5)]
    assert any(not torch.allclose(results[0], other) for other in results[1:])


def test_a_continuation_is_what_follows_when_the_past_was_generated():
    refiner, first = tiny_refiner(objective="masked"), codes(60)[:, 0]
    sampling = Watched(build_sampler(refiner, tables(), Refinement("ddim", 4, 1.0, False)))
    expected = whole(begin(refiner, sampling=sampling), first)
    _, frames, state = sampling.calls[1]
    states = torch.cat([sampling.calls[0][2], state[:, OVERLAP:]], 1)
    past = torch.cat([first[:, None, : frames.stop], states.transpose(1, 2)], 1)
    got = whole(begin(refiner, sampling=sampling, past=past), first[:, frames.stop :])
    torch.testing.assert_close(got, expected[:, frames.stop :], atol=0, rtol=0)


@pytest.mark.parametrize(("objective", "sampler"), ALL)
def test_guidance_1_is_the_conditional_pass(objective, sampler):
    refiner, first = tiny_refiner(objective=objective), codes(30)[:, 0]
    conditional = whole(begin(refiner, sampler), first)
    close = whole(begin(refiner, sampler, guidance=1 + 1e-9), first)
    torch.testing.assert_close(close, conditional, atol=1e-3, rtol=1e-3)
    assert not torch.allclose(whole(begin(refiner, sampler, guidance=4.0), first), conditional, atol=1e-2)


def test_guidance_starts_from_nulls_of_all_rows():
    """DiscoDiff's null pass keeps the condition of 80 % of its rows."""
    text, mask = captions(3)
    doubled, masks = Captions(text, mask, [1, 2, 3]).repeated(3.0)
    assert torch.equal(masks[:3], mask)
    assert not masks[3:].any()
    refiner, first = tiny_refiner(), codes(20, batch=3)[:, 0]
    nothing = whole(begin(refiner, guidance=0.0, seeds=(1, 2, 3)), first)
    refiner.caption.projection.bias.data += 1  # reaches captions alone
    torch.testing.assert_close(whole(begin(refiner, guidance=0.0, seeds=(1, 2, 3)), first), nothing)
    assert len(doubled) == 6


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize(("objective", "sampler"), ALL)
def test_nothing_that_is_given_is_changed(objective, sampler, guidance):
    """DiscoDiff writes null conditions into the caller's list, and normalizes in place."""
    refiner = tiny_refiner(objective=objective)
    text, mask = captions(2)
    seeds, first, past, meanings = [1, 2], codes(40)[:, 0], codes(9), tables()
    tensors = (text, mask, first, past, meanings.first, meanings.rest, *refiner.state_dict().values())
    copies = [t.clone() for t in tensors]
    sampling = build_sampler(refiner, meanings, Refinement(sampler, 3, guidance, False))
    whole(WindowRefiner(sampling, Captions(text, mask, seeds), WINDOW, OVERLAP, past), first)
    assert all(torch.equal(a, b) for a, b in zip(copies, tensors, strict=True))
    assert seeds == [1, 2]


@pytest.mark.parametrize(("objective", "sampler"), ALL)
def test_a_seed_gives_its_latents_whoever_is_beside_it(objective, sampler):
    refiner, both = tiny_refiner(objective=objective), codes(40)[:, 0]
    expected = whole(begin(refiner, sampler), both)
    torch.testing.assert_close(whole(begin(refiner, sampler), both), expected, atol=0, rtol=0)
    text, mask = captions(2)
    sampling = build_sampler(refiner, tables(), Refinement(sampler, 4, 1.0, False))
    alone = WindowRefiner(sampling, Captions(text[1:], mask[1:], [2]), WINDOW, OVERLAP)
    torch.testing.assert_close(whole(alone, both[1:]), expected[1:], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(whole(begin(refiner, sampler, seeds=(1, 3)), both)[1], expected[1])


@pytest.mark.parametrize("objective", ["diffusion", "masked"])
def test_a_second_costs_the_same_in_a_long_recording_and_memory_stays(objective, monkeypatch):
    refiner = tiny_refiner(objective=objective)
    passed, inner = [], refiner.hidden
    monkeypatch.setattr(refiner, "hidden", lambda x, *rest: passed.append(x.shape[1]) or inner(x, *rest))
    costs = {}
    for frames in (150, 600):
        refining, kept = begin(refiner, steps=2), 0
        for frame in codes(frames)[:, 0].unbind(1):
            refining.push(frame[:, None])
            kept = max(kept, refining._codes.untyped_storage().size(), refining._known.untyped_storage().size())
        refining.finish()
        assert kept <= 2 * WINDOW * 8 * WIDTHS["refined"]
        assert max(passed) <= WINDOW
        costs[frames] = sum(passed) / frames
        passed.clear()
    assert costs[600] == pytest.approx(costs[150], rel=0.03)


def test_noise_belongs_to_frames():
    one = frame_noise.normal([3, 4], range(0, 300), 2, "x")
    torch.testing.assert_close(frame_noise.normal([3, 4], range(70, 210), 2, "x"), one[:, 70:210], atol=0, rtol=0)
    torch.testing.assert_close(frame_noise.normal([4], range(64, 65), 2, "x")[0], one[1, 64:65], atol=0, rtol=0)
    assert not torch.equal(frame_noise.normal([3], range(9), 2, "y")[0], one[0, :9])
    assert one.std() == pytest.approx(1, abs=0.1)
    flat = frame_noise.uniform([1], range(500), 2, "x")
    assert 0 <= flat.min() < 0.05 < 0.95 < flat.max() < 1


@pytest.mark.parametrize(("objective", "wrong"), [("diffusion", "euler"), ("flow", "ddim"), ("flow", "dpm")])
def test_a_sampler_that_the_refiner_was_not_trained_for_is_refused(objective, wrong):
    fitting = " or ".join(SAMPLERS[objective])
    with pytest.raises(
        UserError, match=f"sampler is {wrong}, but the refiner was trained by {objective}: set {fitting}"
    ):
        Schedule(objective, wrong, 4)


@pytest.mark.parametrize(("objective", "sampler"), FITTING)
def test_sampling_starts_from_noise_alone(objective, sampler):
    schedule = Schedule(objective, sampler, 6)
    levels = [schedule.level(i) for i in range(len(schedule))]
    assert levels[0][0] < 1e-3
    assert levels[0][1] == pytest.approx(1, abs=1e-5)
    assert [noise for _, noise in levels] == sorted((noise for _, noise in levels), reverse=True)
    times = [schedule.time(i) for i in range(6)]
    assert times[0] == 1.0
    assert times == sorted(times, reverse=True)
