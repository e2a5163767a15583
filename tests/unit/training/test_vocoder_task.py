"""Training a vocoder in the loop that trains everything else."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from vocoder_data import COUNTS, RATE, SAMPLES, tones, vocoder_spec, write_vocoder_data

from ssmttm.audio.coded import encode_audio
from ssmttm.cli import app
from ssmttm.codecs.base import load_codec
from ssmttm.errors import UserError
from ssmttm.stages import vocoder
from ssmttm.tables import read_table, write_table
from ssmttm.training.state import TrainState
from ssmttm.training.task import Fit, Rows
from ssmttm.training.tasks.vocoder import VocoderTask
from ssmttm.training.waves import load_waves
from ssmttm.vocoder.adversarial import PARTS
from ssmttm.vocoder.weights import load_vocoder

CPU = torch.device("cpu")


class Alone:
    """A single process."""

    leads = True

    def wait(self):
        pass


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_vocoder_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def sets(data, tmp_path_factory):
    shards = sorted((data / "clips").glob("*.parquet"))
    return load_waves(shards, data / "splits.parquet", RATE, tmp_path_factory.mktemp("waves"), Alone())


@pytest.fixture(scope="module")
def task(data, sets):
    torch.manual_seed(0)
    made = VocoderTask(vocoder_spec(), load_codec(data / "codec.safetensors"), sets, {})
    made.build(CPU, Fit(2, False))
    return made


def train(data, out, spec):
    vocoder.run(spec, data, data / "splits.parquet", data / "codec.safetensors", out, "cpu", 1)
    return out


def test_the_flat_file_has_the_clips_of_each_split_and_no_duplicates(sets):
    assert {split: len(clips) for split, clips in sets.items()} == COUNTS
    assert sets["validation"].clip_ids == ["validation0@0", "validation1@0"]
    wave = sets["validation"].read(1, 100, 400)
    np.testing.assert_allclose(wave, tones(COUNTS["train"] + 1)[100:400], atol=1e-4)


def test_clips_of_two_lengths_and_missing_clips_are_named(data, tmp_path):
    clips = read_table(data / "clips" / "0.parquet", "clips").to_pylist()
    write_table(tmp_path / "0.parquet", "clips", clips[1:])
    with pytest.raises(UserError, match="clip test1@0 of the splits is in no shard"):
        load_waves([tmp_path / "0.parquet"], data / "splits.parquet", RATE, tmp_path, Alone())
    clips[1]["audio"]["bytes"] = encode_audio(tones(1)[:9000], RATE)
    write_table(tmp_path / "0.parquet", "clips", clips)
    with pytest.raises(UserError, match="has 9000 samples at 24000 Hz, and others 13000"):
        load_waves([tmp_path / "0.parquet"], data / "splits.parquet", RATE, tmp_path, Alone())
    assert not list(tmp_path.glob("waves*"))


def test_dither_is_half_of_what_codes_leave_out(task, sets):
    """Half in size, so a quarter in its second moments."""
    rest = []
    for clip in range(len(sets["train"])):
        wave = sets["train"].read(clip, 0, SAMPLES)
        codes = task.codec.encode(wave)
        rest.append((task.codec.mel(wave) - task.codec.mel_of(codes, task.codec.codebooks)).reshape(-1, 192))
    rest = np.concatenate(rest)
    root = task.model.vocoder.dither.numpy()
    np.testing.assert_allclose(root @ root.T, 0.25 * rest.T @ rest / len(rest), atol=1e-4)
    assert (np.diag(root @ root.T) > 0).any()


def test_no_dither_if_none_is_asked_for(data, sets):
    spec = vocoder_spec()
    spec["vocoder"]["dither"] = 0
    made = VocoderTask(spec, load_codec(data / "codec.safetensors"), sets, {})
    made.build(CPU, Fit(2, False))
    assert not made.model.vocoder.dither.any()


@pytest.mark.parametrize("levels", [0, 1, 2])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_an_examples_frames_are_those_of_the_whole_clip(task, sets, levels, place):
    codec = task.codec
    start = {"first": 0, "middle": 4 * codec.hop, "last": task.latest}[place]
    whole = sets["train"].read(2, 0, SAMPLES)
    frames = codec.mel_of(codec.encode(whole), levels) if levels else codec.mel(whole)
    mel, wave = task._example(sets["train"], 2, start, levels)
    np.testing.assert_allclose(mel, frames[start // 256 : start // 256 + 16], atol=1e-5)
    np.testing.assert_array_equal(wave, whole[start : start + 16 * 256])


def rows(positions, step=5):
    return Rows(np.arange(6)[positions.start : positions.stop], positions, 6, step, 9)


def test_a_loss_depends_on_seed_step_and_place_and_not_on_how_a_batch_is_cut(task):
    with torch.no_grad():
        whole = task.losses(task.model, rows(range(6)), CPU)
        parts = [task.losses(task.model, rows(range(i, i + 2)), CPU) for i in (0, 2, 4)]
        torch.testing.assert_close(torch.stack(parts).mean(0), whole, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(task.losses(task.model, rows(range(6)), CPU), whole)
        assert not torch.equal(task.losses(task.model, rows(range(6), step=6), CPU), whole)


def test_the_discriminator_takes_part_from_its_step_on(task):
    with torch.no_grad():
        before, after = (task.losses(task.model, rows(range(2), step), CPU) for step in (1, 2))
    assert before[3:].tolist() == [0, 0, 0]
    assert after[3:].min() > 0
    assert before[:3].min() > 0


def test_parts_count_by_their_weights(task):
    parts = torch.tensor([1.0, 10, 100, 1000, 10000, 100000])
    assert task.objective(parts).item() == pytest.approx(1 + 5 + 100 + 100 + 3000 + 100000)
    assert len(PARTS) == 6


def test_held_out_losses_are_always_the_same(task, sets):
    with torch.no_grad():
        a, b = (task.held_out(sets["test"], np.array([0, 1]), CPU) for _ in range(2))
    assert torch.equal(a, b)
    assert a[3:].tolist() == [0, 0, 0]


def test_flops_grow_with_the_crop(task, sets):
    twice = VocoderTask(vocoder_spec(crop=32, judged=16), task.codec, sets, {})
    assert 1.7 < twice.clip_flops / task.clip_flops <= 2  # less than twice: the windows of spectra overhang
    assert (task.clip_tokens, twice.clip_tokens) == (16 * 256, 32 * 256)


def test_clips_shorter_than_a_crop_are_refused(task, sets):
    with pytest.raises(UserError, match=r"vocoder\.crop is 64 mel frames"):
        VocoderTask(vocoder_spec(crop=64), task.codec, sets, {})


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    spec = vocoder_spec(16, adversarial_from=14, learning_rate=1e-2, validations=2)
    return train(data, tmp_path_factory.mktemp("trained"), spec)


def test_a_training_lowers_its_loss_and_leaves_vocoder_curve_manifest_and_card(trained):
    names = {"vocoder.safetensors", "curve.parquet", "manifest.json", "card.md", "finished", "tensorboard"}
    assert {p.name for p in trained.iterdir()} == names
    curve = read_table(trained / "curve.parquet", "curve").to_pylist()
    losses = np.array([sum(row["part_losses"][:3]) for row in curve])
    assert losses[-4:].mean() < 0.9 * losses[:4].mean()
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["loss_parts"] == list(PARTS)
    loaded = load_vocoder(trained / "vocoder.safetensors")
    assert loaded.origin["codec"] == manifest["codec"]
    assert loaded.origin["artists"]["train"] == {f"train{i}": 1 for i in range(6)}


def test_the_card_names_what_was_heard_and_what_was_not(trained, tmp_path):
    card = (trained / "card.md").read_text()
    assert '- "train3" by train3' in card
    assert "by test0" not in card
    assert "test0 (1 clips)" in card
    assert "Not measured yet" in card
    assert "noise of 0.5 times the size" in card
    figures = {"columns": ["vocoder", "dB"], "rows": [["griffin_lim", "9.5"]], "note": "One run."}
    (tmp_path / "figures.json").write_text(json.dumps(figures))
    copied = shutil.copytree(trained, tmp_path / "copy")
    vocoder.write_card(copied, tmp_path / "figures.json")
    assert "| griffin_lim | 9.5 |" in (copied / "card.md").read_text()


def test_a_killed_training_ends_as_if_it_had_not_been(data, tmp_path, monkeypatch):
    spec = vocoder_spec(5, state_every=1)
    straight = train(data, tmp_path / "straight", spec)
    save = TrainState.save

    def saved_and_killed(self, *rest):
        save(self, *rest)
        if self.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainState, "save", saved_and_killed)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "killed", spec)
    monkeypatch.undo()
    killed = train(data, tmp_path / "killed", spec)
    one, other = (load_file(out / "vocoder.safetensors") for out in (straight, killed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not (killed / "state").exists()


def test_a_codec_of_other_settings_and_a_folder_without_clips_are_refused(data, tmp_path):
    spec = vocoder_spec()
    spec["data"]["codec"] = spec["data"]["codec"] | {"codebooks": 3}
    with pytest.raises(UserError, match=r"2 codebooks of 16.*24000 Hz and 3 of 16"):
        train(data, tmp_path / "out", spec)
    with pytest.raises(UserError, match="snakemake --cores all vocoder"):
        vocoder.run(vocoder_spec(), tmp_path, data / "splits.parquet", data / "codec.safetensors", tmp_path, "cpu", 1)


def test_the_command_trains_with_the_files_of_the_folder(data, tmp_path):
    words = ["vocoder", "train", "--data", data, "--out", tmp_path / "out", "--device", "cpu", "--threads", "1"]
    app(map(str, [*words, "--spec", json.dumps(vocoder_spec(1))]), standalone_mode=False)
    assert (tmp_path / "out" / "card.md").is_file()
