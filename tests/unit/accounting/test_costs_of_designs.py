"""What `ssmttm describe` says of every design, from the project's own config and presets."""

import json
from pathlib import Path

import pytest

from ssmttm.accounting import design
from ssmttm.accounting.description import description, quantity
from ssmttm.config import PRESETS, load_config
from ssmttm.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
FILES = [ROOT / "config.yaml"]
SINGLE = "single-simba"  # all levels of the default study's codec, so of no other preset
VARIANTS = sorted(set(load_config(*FILES)["variants"]) - {SINGLE})
PAPER = 281_042_176


def parameters(variant: str, size: str) -> int:
    return design.parameters(design.build(*chosen(size, variant))[1])["parameters"]


def chosen(size: str, variant: str):
    config, key = design.choose_size(size, None, FILES)
    return config, variant, key


@pytest.fixture(scope="module")
def small():
    """The laptop's smallest attention model."""
    return design.describe(load_config(*FILES), "prefix-transformer", "quarter")


@pytest.fixture
def command(monkeypatch, ssmttm):
    """Runs a command line in the project's root; returns exit status, output and messages."""
    monkeypatch.chdir(ROOT)
    return ssmttm


def test_prefix_simba_at_the_papers_size_is_the_papers_model(command):
    status, output, _ = command("describe", "prefix-simba", "--size", "paper", "--json")
    found = json.loads(output)
    assert status == 0
    assert found["parameters"] == PAPER
    assert found["parameters_added"] == 1024 == sum(found["parameters_added_by_name"].values())
    assert sum(found["parameters_by_group"].values()) == PAPER + 1024
    assert found["frames"] == 2584
    assert found["tokens_per_step"] == 128 * 2584
    budgets = {"iters": 100_000, "flops": int(6.9e19 // found["training_flops"])}
    assert {name: found["steps"][name] for name in budgets} == budgets
    assert found["training_flops"] == pytest.approx(3 * 330_752 * found["flops_per_token"])
    assert found["state_bytes"] == 24 * 4 * (32 * 64 * 512 + 3 * 3072)
    assert found["state_kind"] == "constant"
    assert found["memory_bytes"] > 4 * 4 * PAPER


@pytest.mark.parametrize("variant", VARIANTS)
def test_designs_are_as_large_as_one_another(variant):
    assert parameters(variant, "paper") == pytest.approx(PAPER, rel=0.05)
    assert parameters(variant, "paper-quarter") == pytest.approx(PAPER / 4, rel=0.08)
    assert parameters(variant, "base") == pytest.approx(parameters("prefix-simba", "base"), rel=0.08)


def test_every_size_of_every_preset_has_every_design():
    for preset in PRESETS.glob("*/config.yaml"):
        config = load_config(*FILES, preset)
        for size in config["sizes"]:
            for variant in config["variants"] if preset.parent.name == "stages" else VARIANTS:
                design.build(config, variant, size)


def test_sizes_are_found_in_the_config_and_in_presets():
    config, key = design.choose_size("quarter", None, FILES)
    assert (config["data"]["version"], key) == ("laptop-5", "quarter")
    config, key = design.choose_size("single-gpu-quarter", None, FILES)
    assert (config["data"]["version"], key) == ("single-gpu-4", "quarter")
    config, key = design.choose_size("tiny", "smoke", FILES)
    assert (config["data"]["version"], key) == ("smoke-3", "tiny")


def test_more_codebooks_are_more_embeddings_heads_and_tokens():
    config, variant, size = chosen("paper", "prefix-simba")
    one, nine = (design.build(config, variant, size, k)[1] for k in (1, 9))
    grown = design.parameters(nine)["parameters"] - design.parameters(one)["parameters"]
    assert grown == 8 * 2 * 1025 * 1024
    with pytest.raises(UserError, match=r"model\.codebooks 9 is more codebooks than the codec has"):
        design.build(load_config(*FILES), variant, "base", 9)


def test_additions_of_ours_are_named():
    found = design.parameters(design.build(load_config(*FILES), "prefix-simba", "base")[1])
    assert found["parameters_added_by_name"] == {"null_condition": 64, "final_norm": 64}


def test_a_cache_grows_and_budgets_in_hours_wait(small):
    assert small["state_kind"] == "growing"
    config = load_config(*FILES)
    config["budgets"] = {"tiny": {"flops": 1.0}, "hours": {"gpu_hours": 2.0}}
    found = design.describe(config, "prefix-transformer", "quarter")
    assert found["steps"] == {"tiny": 0, "hours": None}
    text = description(found)
    assert "less than one" in text
    assert "gpu_hours: 2; turned to steps by measuring" in text


def test_the_table_has_the_numbers_in_columns(small):
    text = description(small)
    assert f"{small['parameters']:,}" in text
    assert quantity(small["training_flops"], "FLOP") in text
    section = text.split("\n\n")[1].splitlines()[1:]
    assert len({len(line.split("  null condition, final")[0]) for line in section if "added" not in line}) == 1


def test_quantities_have_three_digits_and_a_prefix():
    found = [quantity(value, "B") for value in (0, 7, 999.7, 12_345_678, 6.9e19)]
    assert found == ["0 B", "7.00 B", "1.00 kB", "12.3 MB", "69.0 EB"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["prefix-rnn"], "variant 'prefix-rnn' is not among the config's variants: cross-simba"),
        (["prefix-simba", "--size", "huge"], "--size huge: neither among the config's sizes (base, quarter)"),
        (
            ["prefix-simba", "--size", "paper-tiny"],
            "nor a preset (debian, paper, single-gpu, smoke, stages, vocoder)",
        ),
        (["prefix-simba", "--preset", "none"], "--preset none: no such preset; there are debian, paper"),
        (["prefix-simba", "--config", "none.yaml"], "none.yaml: no such config file"),
    ],
)
def test_what_there_is_not_is_one_message(command, words, expected):
    status, output, message = command("describe", *words)
    assert status == 2
    assert output == ""
    assert expected in message
    assert len(message.splitlines()) == 1


def test_outside_of_a_project_it_describes_the_default_study(command, monkeypatch, tmp_path):
    _, inside, _ = command("describe", "prefix-mamba", "--json")
    monkeypatch.chdir(tmp_path)
    status, outside, _ = command("describe", "prefix-mamba", "--json")
    assert (status, outside) == (0, inside)
