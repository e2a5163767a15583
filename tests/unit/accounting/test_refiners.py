"""What a refiner costs, counted without building it, is what it costs when it is built."""

import numpy as np
import pytest

from ssmttm.accounting.refiners import build, describe_refiner
from ssmttm.codecs.base import fit_codec, latent_widths
from ssmttm.config import PRESETS, ROOT, load_config
from ssmttm.run_table import read_studies

PAPER = load_config(ROOT / "config.yaml", PRESETS / "paper" / "config.yaml")


@pytest.mark.parametrize("name", [r for r in PAPER["refiners"] if r.startswith("paper-")])
def test_every_refiner_of_the_paper_preset_has_about_40_million_parameters(name):
    found = describe_refiner(PAPER, name)
    assert found["parameters"] == pytest.approx(39e6, rel=0.06)
    assert sum(found["parameters_by_group"].values()) == found["parameters"]


@pytest.mark.parametrize("preset", ["stages", "smoke"])
def test_refiners_of_small_studies_have_well_under_a_million_parameters(preset):
    config = load_config(ROOT / "config.yaml", PRESETS / preset / "config.yaml")
    for spec in read_studies(config).refiners.values():
        assert sum(p.numel() for p in build(spec).parameters()) < 0.8e6


def test_a_flops_budget_becomes_the_steps_that_fit():
    found = describe_refiner(PAPER, "paper-refiner")
    assert found["steps"] == 7e17 // found["training_flops"]
    assert found["flops_spent"] == found["steps"] * found["training_flops"]
    assert found["training_flops"] == pytest.approx(3 * 128 * sum(found["flops_by_kind"].values()))


def test_widths_are_those_of_the_codecs_tables():
    wave = (0.1 * np.random.default_rng(0).normal(size=24000)).astype(np.float32)
    codec = fit_codec({"name": "spectral", "codebooks": 3, "codebook_size": 7}, iter([wave]), 1, 24000, 1)
    first, rest = codec.tables()
    assert latent_widths({"name": "spectral", "codebooks": 3, "codebook_size": 7}, 3) == (first.shape[1], rest.shape[2])
    assert latent_widths(PAPER["data"]["codec"], 9) == (8, 64)
    assert latent_widths({"name": "encodec", "codebooks": 4, "codebook_size": 2048}, 4) == (128, 128)
