"""The model that comes with the package: whole, small, credited, and music at once."""

import numpy as np
import pytest
import soundfile
import torch
from huggingface_hub import ModelCard

from ssmttm.generation.folder import read_folder, shipped_model
from ssmttm.stages import generate

PROMPT = "calm piano with strings"


@pytest.fixture(scope="module")
def folder():
    return read_folder(shipped_model())


def hear(out, **given):
    generate.run({"seed": 1, **given}, None, out, PROMPT, None, 3.0, None, "cpu", 1)
    return soundfile.read(out)


@pytest.fixture(autouse=True)
def settings_of_torch():
    yield
    torch.use_deterministic_algorithms(False)


def test_every_file_is_the_one_that_was_exported_and_all_are_small(folder):
    folder.check()
    assert {"model.safetensors", "refiner.safetensors", "codec.safetensors"} <= set(folder.sha256), "of two stages"
    assert sum(path.stat().st_size for path in folder.path.iterdir()) < 12e6


def test_its_card_says_what_it_learned_from_and_every_artist_is_credited(folder):
    card = (folder.path / "README.md").read_text(encoding="utf-8")
    assert ModelCard(card).data.library_name == "ssmttm"
    assert "debian" in card and "fp16" in card and "FLOPs" in card
    assert (folder.path / "ATTRIBUTION.md").read_text(encoding="utf-8").count("CC") > 10


def test_it_makes_the_same_music_again_and_other_music_for_another_seed(folder, tmp_path):
    wave, rate = hear(tmp_path / "a.wav")
    assert rate == 24000 and len(wave) == pytest.approx(3 * rate, abs=rate / 20)
    assert np.isfinite(wave).all() and 0.01 < np.sqrt((wave**2).mean()) < 0.5
    assert np.array_equal(wave, hear(tmp_path / "b.wav")[0])
    assert not np.array_equal(wave, hear(tmp_path / "c.wav", seed=2)[0])
