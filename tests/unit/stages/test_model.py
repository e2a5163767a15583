"""An exported model: a folder that generates as its run does, says what it is, and is refused once damaged."""

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch
from huggingface_hub import ModelCard
from run_folders import SETTINGS, Words, tiny_codec, write_refiner, write_run
from safetensors import safe_open
from training_data import write_dataset

from ssmttm.codecs.base import fit_codec
from ssmttm.config import generation_settings
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.generation import folder as folders
from ssmttm.generation import pipeline
from ssmttm.stages import generate, model
from ssmttm.tables import SCHEMAS, read_table, write_table

FULL = {**generation_settings(), **SETTINGS}
STAGE = {"parameters": 1000, "steps": 12, "flops_spent": 1e9, "device_hours": 0.5, "device": "cpu", "commit": "c0ffee"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two stages with its manifests, and the data set that it was trained on."""
    results = tmp_path_factory.mktemp("results")
    run, codec = write_run(results, codebooks=1), tiny_codec()
    write_refiner(run / "refiner.safetensors", codec)
    data = write_dataset(results / "data" / "v1", codec=codec.identity, frames=80, encoder=Words.identity)
    release = json.loads((data / "dataset.json").read_text())
    release["settings"] = {"version": "v1", "vocals": {"mode": "keep"}}
    release["sha256"]["codec.safetensors"] = sha256_file(data / "codec.safetensors")
    (data / "dataset.json").write_text(json.dumps(release))
    tracks = sorted({(r["track_id"], r["artist"]) for r in read_table(data / "splits.parquet", "splits").to_pylist()})
    empty = dict.fromkeys(SCHEMAS["licensed"].names) | {"license_evidence": [], "tags": [], "license": "CC-BY-SA-4.0"}
    rows = [empty | {"track_id": track, "artist": artist, "title": f"T *{track}*"} for track, artist in tracks]
    write_table(data / "licensed.parquet", "licensed", rows)
    with safe_open(run / "model.safetensors", "np") as file:
        spec = json.loads(file.metadata()["ssmttm"])["spec"]
    spec["data"]["sample_rate"], spec["seed"] = 24000, 7
    facts = {"run": "r", "spec": spec, "codec": codec.identity, "text_encoder": "words:1", "clips": {"train": 9}}
    (run / "manifest.json").write_text(json.dumps({**STAGE, **facts}))
    refiner = {"backbone": "unet", "objective": "diffusion", "levels": 3}
    facts = {"spec": {"refiner": refiner}, "sha256": {"model.safetensors": sha256_file(run / "refiner.safetensors")}}
    (run / "refiner.json").write_text(json.dumps({**STAGE, **facts}))
    return run


@pytest.fixture(autouse=True)
def words(monkeypatch):
    monkeypatch.setattr(pipeline, "load_encoder", lambda settings: Words())
    yield
    torch.use_deterministic_algorithms(False)


def export(run, out, precision="fp32", **more):
    model.run({**FULL, **more}, run, out, None, None, precision)
    return out


def hear(folder, out, spec=None, **settings):
    generate.run(settings, folder, out, "calm piano", None, 1.0, None, "cpu", 1, spec=spec)
    return soundfile.read(out)[0]


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export(run, tmp_path_factory.mktemp("exported") / "mine", "fp16", seed=5)


@pytest.fixture
def own(exported, tmp_path):
    """A copy to damage."""
    return shutil.copytree(exported, tmp_path / "mine")


def test_it_generates_what_its_run_does_from_a_folder_of_its_own(run, tmp_path):
    folder = export(run, tmp_path / "mine")
    moved = folder.rename(tmp_path / "elsewhere")
    assert np.array_equal(hear(moved, tmp_path / "a.wav"), hear(run, tmp_path / "b.wav", **FULL))


def test_half_precision_halves_the_weights_and_is_said(run, exported, tmp_path):
    whole = export(run, tmp_path / "whole")
    for name in ("model.safetensors", "refiner.safetensors"):
        with safe_open(exported / name, "pt") as half, safe_open(whole / name, "pt") as full:
            assert half.metadata() == full.metadata()
            for key in full.keys():  # noqa: SIM118 not a dictionary
                assert torch.equal(half.get_tensor(key), full.get_tensor(key).half())
    assert json.loads((exported / "config.json").read_text())["weights"] == "fp16"
    assert "Weights are kept in fp16" in (exported / "README.md").read_text()


def test_it_generates_by_its_own_settings_over_which_those_of_the_command_line_go(exported, tmp_path):
    alone = hear(exported, tmp_path / "a.wav")
    assert np.array_equal(alone, hear(exported, tmp_path / "b.wav", spec=json.dumps({**FULL, "seed": 5})))
    assert not np.array_equal(alone, hear(exported, tmp_path / "c.wav", seed=6))


def test_its_card_says_what_it_was_trained_on_and_credits_it(exported):
    card, credits = ((exported / name).read_text() for name in ("README.md", "ATTRIBUTION.md"))
    for words in ("2,000 parameters", "2.00e+09 FLOPs", "Seed 7", "c0ffee", "9 clips", "CC-BY-SA-4.0", "Scores"):
        assert words in card
    assert ModelCard(card).data.library_name == "ssmttm"
    assert r"T \*" in credits  # a title is no markup


def test_without_a_model_the_one_of_the_package_is_taken(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "SHIPPED", exported)
    assert np.array_equal(hear(None, tmp_path / "a.wav"), hear(exported, tmp_path / "b.wav"))


def test_a_package_without_its_model_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "SHIPPED", tmp_path / "gone")
    with pytest.raises(UserError, match=r"gone: this copy .* install ssmttm again, or name a model: --model results"):
        hear(None, tmp_path / "a.wav")
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "refiner.safetensors", "codec.safetensors"])
def test_a_damaged_or_missing_file_is_named_with_what_to_do(own, tmp_path, monkeypatch, name):
    data = bytearray((own / name).read_bytes())
    data[-1] ^= 1
    (own / name).write_bytes(data)
    with pytest.raises(UserError, match=rf"{name}: damaged or replaced: .* export it again"):
        hear(own, tmp_path / "a.wav")
    (own / name).unlink()
    monkeypatch.setattr(folders, "SHIPPED", own)
    with pytest.raises(UserError, match=rf"{name}: no such file, .* install ssmttm again"):
        hear(None, tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "ssmttm-model-0"}, "of format 'ssmttm-model-0', but ssmttm-model-1 is needed"),
        ({"sha256": None}, "damaged: it lacks"),
        ({"sha256": {"../model.safetensors": "0"}}, "no file of the folder"),
        ({"generation": {"seed": 1}}, "config.json: top level: .* is a required property"),
    ],
)
def test_a_config_that_is_not_one_is_refused(own, tmp_path, change, message):
    said = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**said, **change}))
    with pytest.raises(UserError, match=message):
        hear(own, tmp_path / "a.wav")


def test_nothing_is_exported_over_what_is_there_nor_by_half(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("mine")
    with pytest.raises(UserError, match="is already there"):
        export(run, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["x"]
    with pytest.raises(UserError, match="--precision fp8: expected fp32 or fp16"):
        export(run, tmp_path / "other", "fp8")
    assert not (tmp_path / "other").exists()


def test_a_vocoder_of_its_own_is_not_left_behind_silently(run, tmp_path):
    with pytest.raises(UserError, match=r"generation\.vocoder mine\.safetensors: .* isn't carried with a model"):
        export(run, tmp_path / "mine", vocoder="mine.safetensors")
    assert not (tmp_path / "mine").exists()
    card = (export(run, tmp_path / "shipped", vocoder="shipped") / "README.md").read_text()
    assert "the vocoder that comes with ssmttm" in card and "sings" not in card


def test_a_run_whose_codec_is_another_is_refused(run, tmp_path):
    results = shutil.copytree(run.parent.parent, tmp_path / "results")
    noise = np.random.default_rng(9).normal(size=48000).astype(np.float32)
    other = fit_codec({"name": "spectral", "codebooks": 3, "codebook_size": 7}, iter([noise]), 1, 24000, 1)
    other.save(results / "data" / "v1" / "codec.safetensors")
    with pytest.raises(UserError, match=r"is spectral:\w+, but .* was trained on tokens of spectral:"):
        export(results / "runs" / "r", tmp_path / "mine")
