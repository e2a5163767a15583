"""Trained models in the folders of further runs: whole, of the settings that were asked for, and files of their own."""

import json

import pytest

from ssmttm.errors import UserError
from ssmttm.training.handing import attach, borrow

SPEC = {"model": {"codebooks": 1}, "training": {"checkpoints": [0.25, 0.5], "threads": 1}, "seed": 1}


@pytest.fixture
def trained(tmp_path):
    """The folder of a trained model."""
    folder = tmp_path / "trained"
    files = ["model.safetensors", "curve.parquet", "checkpoints/0.25.safetensors", "checkpoints/0.5.safetensors"]
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(f"content of {file}")
    manifest = {"run": "trained", "spec": SPEC, "steps": 8, "sha256": dict.fromkeys(files, "hash")}
    manifest["checkpoints"] = {"checkpoints/0.25.safetensors": 2, "checkpoints/0.5.safetensors": 4}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def with_checkpoints(*fractions):
    return {**SPEC, "training": {**SPEC["training"], "checkpoints": list(fractions)}}


def test_a_borrowed_language_model_is_whole_and_says_whose_it_is(trained, tmp_path):
    out = tmp_path / "mine"
    borrow("mine", with_checkpoints(0.5), trained, out)
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert files == {"model.safetensors", "curve.parquet", "manifest.json", "checkpoints/0.5.safetensors"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["run"], manifest["language_model"], manifest["steps"]) == ("mine", "trained", 8)
    assert manifest["checkpoints"] == {"checkpoints/0.5.safetensors": 4}
    assert set(manifest["sha256"]) == files - {"manifest.json"}
    assert manifest["spec"] == with_checkpoints(0.5)


def test_copies_are_files_of_their_own(trained, tmp_path):
    """Snakemake sets the time of what a job has made: a hard link would make the lender's model newer, too."""
    borrow("mine", SPEC, trained, tmp_path / "mine")
    attach(SPEC, trained, tmp_path / "mine")
    for name in ("model.safetensors", "refiner.safetensors"):
        assert not (tmp_path / "mine" / name).samefile(trained / "model.safetensors")


def test_a_refiner_comes_with_what_made_it(trained, tmp_path):
    attach(SPEC, trained, tmp_path / "mine")
    assert (tmp_path / "mine" / "refiner.safetensors").read_text() == "content of model.safetensors"
    assert json.loads((tmp_path / "mine" / "refiner.json").read_text())["run"] == "trained"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({**SPEC, "seed": 2}, "manifest.json: the model was trained with another seed"),
        (with_checkpoints(0.75), "checkpoints/0.75.safetensors: no such file"),
    ],
)
def test_a_model_of_other_settings_is_refused(trained, tmp_path, spec, message):
    with pytest.raises(UserError, match=message):
        borrow("mine", spec, trained, tmp_path / "mine")
    assert not (tmp_path / "mine" / "manifest.json").exists()


def test_an_untrained_one_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none/manifest\.json: no such file"):
        attach(SPEC, tmp_path / "none", tmp_path / "mine")
