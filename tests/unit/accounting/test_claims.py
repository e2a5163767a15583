"""The shares of MusicGen-small, against counts by hand."""

import json

import pytest

from ssmttm.accounting.claims import CLAIMS, agrees
from ssmttm.accounting.claims_of_designs import DEFAULTS
from ssmttm.accounting.claims_text import claims_sentence, claims_text
from ssmttm.errors import UserError
from ssmttm.stages import claims as stage

DESIGNS = DEFAULTS["variants"]
CLIPS, THEIRS = 100_000 * 128, 1_000_000 * 192


@pytest.fixture(scope="module")
def found():
    return stage.claims()


def row(found, design, counting):
    return next(r for r in found["rows"] if (r["design"], r["counting"]) == (design, counting))


def design(found, name):
    return next(d for d in found["designs"] if d["design"] == name)


def test_data_is_2_percent_by_hours_only(found):
    hours = row(found, "prefix-simba", "hours")
    assert (hours["ours"], hours["theirs"]) == (457, 20_000)
    assert hours["ratio"] == pytest.approx(0.02285, abs=1e-12)
    agreeing = {r["counting"] for r in found["rows"] if r["quantity"] == "data" and r["agrees"]}
    assert agreeing == {"hours"}


def test_clips_and_tokens_are_batch_times_optimizer_steps(found):
    clips = row(found, "prefix-simba", "clips seen")
    assert (clips["ours"], clips["theirs"]) == (12.8e6, 192e6)
    assert clips["ratio"] == pytest.approx(1 / 15)
    for name in DESIGNS:
        tokens = row(found, name, "tokens seen")
        assert (tokens["ours"], tokens["theirs"]) == (CLIPS * 2584, THEIRS * 1503)
    assert tokens["theirs"] == pytest.approx(2.886e11, rel=1e-3)


def test_six_per_parameter_and_token_is_the_closed_form(found):
    nominal = row(found, "prefix-simba", "6 × 300 M × tokens")
    assert nominal["ours"] == 6 * 281_042_176 * CLIPS * 2584
    assert nominal["theirs"] == 6 * 300e6 * THEIRS * 1503 == pytest.approx(5.19e20, rel=1e-3)
    assert nominal["ratio"] == pytest.approx(0.107, abs=5e-4)
    exact = row(found, "prefix-simba", "6 × parameters × tokens")
    assert exact["theirs"] == 6 * 420_371_456 * THEIRS * 1503
    assert exact["ratio"] == pytest.approx(0.077, abs=5e-4)


def test_musicgens_layers_are_14_squares_causal_scores_and_its_captions_keys(found):
    d, steps, tokens = 1024, 1503, 60
    products = steps * (24 * 14 * d**2 + 4 * 2048 * d)
    caption = tokens * (24 * 2 * d**2 + 768 * d)
    seen = {"own count": (steps + 1) / 2, "layer by layer": steps}  # by a step, in the mean
    for counting, before in seen.items():
        scores = 24 * 2 * steps * (before + tokens) * d
        expected = 3 * THEIRS * 2 * (products + scores + caption)
        assert row(found, "prefix-mamba", counting)["theirs"] == pytest.approx(expected, rel=1e-12)


def test_layer_by_layer_is_what_passes_through_the_weights_and_the_own_count_adds_the_scan(found):
    """About 557 MFLOP a step without the scan, 690 with it in chunks of 256."""
    steps = 2584 + 60
    layers = 24 * (1024 * 5152 + 2048 * 1024 + 2 * 1024 * 2048)
    without = row(found, "prefix-simba", "layer by layer")["ours"] / (3 * CLIPS)
    assert without == pytest.approx(2 * (steps * layers + 60 * 768 * 1024 + 2584 * 1024 * 1024), rel=1e-9)
    assert without / steps / 1e6 == pytest.approx(557, abs=0.5)
    assert row(found, "prefix-simba", "own count")["ours"] / (3 * CLIPS * steps) / 1e6 == pytest.approx(690, rel=0.01)


def test_a_transformer_has_scores_and_no_scan(found):
    d, steps, tokens = 1024, 2584, 60
    weights = 22 * (steps * 10 * d**2 + tokens * 2 * d**2) + tokens * 768 * d + steps * 1024 * d
    for counting, before in (("own count", (steps + 1) / 2), ("layer by layer", steps)):
        expected = 3 * CLIPS * 2 * (weights + 22 * 2 * steps * (before + tokens) * d)
        assert row(found, "cross-transformer", counting)["ours"] == pytest.approx(expected, rel=1e-9)


def test_our_own_count_is_what_the_models_say_of_themselves(found):
    for name in DESIGNS:
        own = [r for r in found["rows"] if r["design"] == name and r["own"]]
        assert len(own) == 1
        assert own[0]["ours"] == pytest.approx(design(found, name)["flops"], rel=1e-12)
        assert own[0]["theirs"] == pytest.approx(found["reference"]["flops"], rel=1e-12)


def test_no_way_of_counting_gives_prefix_simba_9_percent_of_the_flops(found):
    agreeing = [(r["design"], r["counting"]) for r in found["rows"] if r["quantity"] == "flops" and r["agrees"]]
    assert agreeing == [("cross-simba", "own count, both stages"), ("cross-transformer", "layer by layer")]
    assert row(found, "prefix-simba", "own count")["ratio"] == pytest.approx(0.0996, abs=5e-5)
    assert row(found, "prefix-simba", "layer by layer")["ratio"] == pytest.approx(0.0743, abs=5e-5)


def test_both_stages_are_the_language_model_and_one_refiner_of_40_million_parameters(found):
    refiner = found["refiner"]
    assert refiner["parameters"] == pytest.approx(40e6, rel=0.05)
    assert refiner["flops"] == pytest.approx(7e17, rel=1e-4)
    for name in DESIGNS:
        one, both = (row(found, name, counting) for counting in ("own count", "own count, both stages"))
        assert both["ours"] - one["ours"] == pytest.approx(refiner["flops"])
        assert both["theirs"] == one["theirs"]
    alone = stage.claims({"refiner": None, "variants": ["prefix-simba"]})
    assert alone["refiner"] is None
    assert "own count, both stages" not in {r["counting"] for r in alone["rows"]}


def test_what_the_paper_left_out_is_said_with_its_bound_and_all_else_that_is_not_counted_has_a_reason(found):
    bound = 6 * 1.2355e9 * 256 * 2320 * (114_000 + 112_000)
    said = found["not_counted"]["the paper’s second stage"]
    assert f"{bound / 1e20:.2f}×10²⁰" in said and "upper bound" in said
    assert bound > found["reference"]["flops"]
    assert len(found["not_counted"]) == 2


def test_a_share_agrees_with_a_claim_that_it_rounds_to():
    assert agrees(0.0949, CLAIMS["flops"])
    assert agrees(0.0851, CLAIMS["flops"])
    assert not agrees(0.096, CLAIMS["flops"])
    assert agrees(0.0228, CLAIMS["data"])


@pytest.fixture
def command(monkeypatch, ssmttm, tmp_path):
    """Runs a command line in an empty folder; returns exit status, output and messages."""
    monkeypatch.chdir(tmp_path)
    return ssmttm


def test_the_command_writes_json_or_prints_a_table(command, tmp_path, found):
    spec = json.dumps({"variants": ["cross-transformer"], "hours": 400})
    assert command("claims", "--out", "claims.json", "--spec", spec)[:2] == (0, "")
    written = json.loads((tmp_path / "claims.json").read_text())
    assert [d["design"] for d in written["designs"]] == ["cross-transformer"]
    assert row(written, "cross-transformer", "hours")["ratio"] == 0.02
    status, output, _ = command("claims")
    assert status == 0
    assert output.strip() == claims_text(found)
    assert "own count" in output and "9.96 " in output and "9.18*" in output
    assert max(map(len, output.splitlines())) < 600


def test_the_sentences_name_both_shares(found):
    text = claims_sentence(found)
    assert "9.96 % (own count)" in text and "the paper’s 9 % by none." in text
    assert "6.67 % (clips seen)" in text and "the paper’s 2 % by hours." in text
    assert "6.94×10¹⁹ against 6.97×10²⁰ FLOPs" in text
    assert "the paper’s 9 % by own count, both stages." in claims_sentence(found, "cross-simba")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"hour": 3}, "no setting hour; there are preset"),
        ({"budget": "none"}, "no budget 'none'; there are iters, flops"),
        ({"preset": "none"}, "no such preset"),
        ({"variants": ["prefix-rnn"]}, "variant 'prefix-rnn' is not among"),
        ({"refiner": "other"}, "refiner 'other' is not among the config's refiners: .*paper-refiner"),
    ],
)
def test_bad_settings_are_one_message(spec, message):
    with pytest.raises(UserError, match=message):
        stage.claims(spec)
