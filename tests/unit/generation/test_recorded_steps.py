"""Generation by a recorded step gives the codes of generation by plain steps; with a stand-in for CUDA graphs."""

import pytest
import torch
from cuda_graphs import stand_in
from language_models import TINY, VARIANTS, tiny_model

from ssmttm.generation import sampler
from ssmttm.generation.sampler import Sampling, generate_codes
from ssmttm.models.inference import graphs
from ssmttm.models.inference.precision import set_precision
from ssmttm.models.kernels import packages
from ssmttm.models.mixers import mamba2

STATE_SPACE = [name for name, design in VARIANTS.items() if design["mixer"] != "attention" and "hybrid" not in name]
PLAIN, GUIDED = Sampling(1.0, 5, 1.0), Sampling(1.0, 5, 3.0)
GPU = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """Steps are torch's operations, as they are on a GPU, and not Numba's loops."""
    monkeypatch.setattr(mamba2, "_LOOPED", ())
    monkeypatch.delenv(packages.SWITCH, raising=False)


@pytest.fixture
def made(monkeypatch):
    """The graphs that are recorded; a CPU is taken for a GPU."""
    reason = graphs.why_not
    monkeypatch.setattr(sampler, "why_not", lambda model, device: reason(model, GPU))
    return stand_in(monkeypatch)


def codes_of(model, sampling=GUIDED, frames=90, given=0, tell=None):
    g = torch.Generator().manual_seed(4)
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[0, 2:] = False
    text = torch.randn(3, 5, TINY["text_width"], generator=g)
    prompt = torch.randint(TINY["codebook_size"], (3, TINY["codebooks"], given), generator=g) if given else None
    return generate_codes(model, text, mask, frames, sampling, [1, 2, 3], None, prompt, tell)


@pytest.mark.parametrize(
    ("sampling", "given"), [(PLAIN, 0), (GUIDED, 0), (GUIDED, 7)], ids=["plain", "guided", "continued"]
)
@pytest.mark.parametrize("variant", STATE_SPACE)
def test_codes_are_those_of_plain_steps(variant, sampling, given, made, monkeypatch):
    model, told = tiny_model(variant), []
    got = codes_of(model, sampling, given=given, tell=told.append)
    assert told == [graphs.GRAPH]
    assert len(made) == 1
    assert made[0].replays == 90 + TINY["codebooks"] - 1 - graphs.WARMING
    monkeypatch.setattr(sampler, "why_not", lambda model, device: "compared with")
    assert torch.equal(got, codes_of(model, sampling, given=given, tell=told.append))
    assert told[1:] == ["one by one (compared with)"]


def test_weights_of_half_the_bytes_can_be_recorded(made, monkeypatch):
    model = set_precision(tiny_model("cross-simba"), "bf16")
    got = codes_of(model)
    assert made[0].replays
    monkeypatch.setattr(sampler, "why_not", lambda model, device: "compared with")
    assert torch.equal(got, codes_of(model))


def test_clips_of_one_generation_after_another_have_graphs_of_their_own(made):
    model = tiny_model("prefix-simba")
    assert torch.equal(codes_of(model), codes_of(model))
    assert len(made) == 2


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - set(STATE_SPACE)))
def test_a_growing_cache_is_not_recorded_and_says_why(variant, made):
    told = []
    codes_of(tiny_model(variant), frames=9, tell=told.append)
    assert told == ["one by one (the state of attention grows or is looked at in between)"]
    assert not made


def test_a_step_that_reads_a_number_goes_on_unrecorded_with_the_reason(made, monkeypatch):
    model, told = tiny_model("prefix-simba"), []
    expected = codes_of(model)
    step = mamba2.Mixer.step

    def reading(self, x, state):
        assert float(state["ssm"].sum()) is not None
        return step(self, x, state)

    monkeypatch.setattr(mamba2.Mixer, "step", reading)
    assert torch.equal(codes_of(model, tell=told.append), expected)
    assert len(told) == 1
    assert told[0].startswith("one by one (recording a step failed, RuntimeError: aten.item")
    assert "not permitted when stream is capturing" in told[0] and "\n" not in told[0]
    assert made[-1].replays == 0


def test_a_state_that_moves_would_be_noticed(made, monkeypatch):
    """So the tests above can fail: a replay can't follow a state that is a new tensor after each step."""
    model = tiny_model("prefix-simba")
    expected = codes_of(model)
    step = mamba2.Mixer.step

    def moving(self, x, state):
        return step(self, x, {key: t.clone() for key, t in state.items()})

    monkeypatch.setattr(mamba2.Mixer, "step", moving)
    assert not torch.equal(codes_of(model), expected)


def test_reasons_not_to_record(monkeypatch):
    model = tiny_model("cross-simba")
    assert graphs.why_not(model, GPU) is None
    assert "this is cpu" in graphs.why_not(model, torch.device("cpu"))
    monkeypatch.setenv(packages.SWITCH, "plain")
    assert graphs.why_not(model, GPU) == "SSMTTM_KERNELS is plain"


def test_results_are_tensors_of_their_own_and_shapes_are_kept(made):
    total = torch.zeros(3)
    recorded = graphs.Recorded(lambda x: total.add_(x) * 2, None)
    results = [recorded(torch.full((3,), float(i))) for i in range(6)]
    assert [r[0].item() for r in results] == [0, 2, 6, 12, 20, 30]
    with pytest.raises(ValueError, match=r"recorded for shape \(3,\), called with \(1,\)"):
        recorded(torch.ones(1))
