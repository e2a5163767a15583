"""Models and data sets on the Hub: read as other tools do, put there whole, and never a pickle."""

import json

import pytest
import torch
from run_folders import Words, tiny_codec, write_refiner, write_run

from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.models.checkpoint import load_model
from ssmttm.publishing import hub
from ssmttm.publishing.folder import write_folder
from ssmttm.publishing.hub import MusicLM
from ssmttm.stages import push


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An exported model of two stages."""
    results = tmp_path_factory.mktemp("results")
    run = write_run(results, codebooks=1)
    write_refiner(run / "refiner.safetensors", tiny_codec(), encoder=Words.identity)
    out = results / "exported"
    write_folder(out, "r", run, results / "data" / "v1" / "codec.safetensors", "fp32", {}, "# card", "# credits")
    return out


def outputs(model):
    torch.manual_seed(0)
    codes, text = torch.randint(0, 7, (2, 1, 9)), torch.randn(2, 4, 6)
    with torch.inference_mode():
        return model(codes, text, torch.ones(2, 4, dtype=torch.bool))


def test_an_exported_model_is_loaded_by_its_folder_and_saved_again_with_its_origin(exported, tmp_path):
    ours, origin = load_model(exported / "model.safetensors")
    model = MusicLM.from_pretrained(exported)
    assert not model.training
    assert torch.equal(outputs(model), outputs(ours))
    model.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / "README.md").is_file()
    again = MusicLM.from_pretrained(tmp_path / "again")
    assert again.config == ours.config
    assert torch.equal(outputs(again), outputs(ours))
    assert load_model(tmp_path / "again" / "model.safetensors")[1] == origin


def test_a_repository_of_the_hub_is_read_like_a_folder(exported, monkeypatch):
    asked = []

    def download(repo_id, filename, **more):
        asked.append((repo_id, filename))
        return str(exported / filename)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", download)
    model = MusicLM.from_pretrained("someone/music")
    assert torch.equal(outputs(model), outputs(load_model(exported / "model.safetensors")[0]))
    assert asked == [("someone/music", "config.json"), ("someone/music", "model.safetensors")]


def test_pickled_or_other_weights_are_refused(exported, tmp_path):
    (tmp_path / "config.json").write_text((exported / "config.json").read_text())
    torch.save({"x": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"model\.safetensors: no such file"):
        MusicLM.from_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="pickled checkpoints are not loaded"):
        MusicLM.from_pretrained(tmp_path)
    said = json.loads((exported / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**said, "d_model": 2 * said["d_model"]}))
    (tmp_path / "model.safetensors").write_bytes((exported / "model.safetensors").read_bytes())
    with pytest.raises(UserError, match="of a model of another size"):
        MusicLM.from_pretrained(tmp_path)


class Hub:
    """Takes what would go to the Hub."""

    def __init__(self):
        self.calls = []

    def create_repo(self, name, **more):
        self.calls.append(("create", name, more))
        return f"hub/{name}"

    def upload_folder(self, **more):
        self.calls.append(("upload", more["repo_id"], sorted(p.name for p in more["folder_path"].iterdir())))


def test_a_whole_folder_is_put_there_and_a_damaged_one_is_not(exported, tmp_path, monkeypatch, capsys):
    there = Hub()
    monkeypatch.setattr(hub, "HfApi", lambda: there)
    push.model(exported, "someone/music", private=True)
    create, upload = there.calls
    assert create == ("create", "someone/music", {"repo_type": "model", "private": True, "exist_ok": True})
    assert upload[2] == sorted(path.name for path in exported.iterdir())
    assert "hub/someone/music" in capsys.readouterr().err
    with pytest.raises(UserError, match="no exported model: ssmttm model export"):
        push.model(tmp_path, "someone/music", False)
    with pytest.raises(UserError, match="no exported data set: ssmttm dataset export"):
        push.data(tmp_path, "someone/music", False)
    assert len(there.calls) == 2


def test_a_hub_that_can_not_be_reached_is_one_message(exported, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="music: could not be written on the Hub: .*log in with `hf auth login`"):
        push.model(exported, "someone/music", False)


def test_the_config_names_the_hashes_of_what_is_there(exported):
    said = json.loads((exported / "config.json").read_text())
    assert said["sha256"] == {name: sha256_file(exported / name) for name in said["sha256"]}
