"""Refiners under training: what follows from what, that they learn, and what the command writes and refuses."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from refiners import BACKBONES, OBJECTIVES, TINY
from run_folders import RATE
from training_data import FRAMES, LEVELS, tiny_spec, write_dataset

from ssmttm.codecs.base import fit_codec
from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.refiner.checkpoint import load_refiner
from ssmttm.training.data import load_splits
from ssmttm.training.memory import USABLE
from ssmttm.training.optimizer import build_optimizer
from ssmttm.training.refiner_memory import _kept_bytes, fit_crops, training_bytes
from ssmttm.training.task import Fit, Rows
from ssmttm.training.tasks.refiner import RefinerTask

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def codec():
    wave = (0.1 * np.random.default_rng(0).normal(size=2 * RATE)).astype(np.float32)
    return fit_codec({"name": "spectral", "codebooks": LEVELS, "codebook_size": 7}, iter([wave]), 1, RATE, 1)


@pytest.fixture(scope="module")
def data(codec, tmp_path_factory):
    """A released data set with its codec."""
    folder = write_dataset(tmp_path_factory.mktemp("data"), codec=codec.identity)
    codec.save(folder / "codec.safetensors")
    release = read_json(folder / "dataset.json")
    release["codec"] = codec.identity
    release["sha256"]["codec.safetensors"] = sha256_file(folder / "codec.safetensors")
    (folder / "dataset.json").write_text(json.dumps(release))
    return folder


def spec_of(backbone="unet", objective="diffusion", refiner=(), **training):
    whole = tiny_spec(**{"activation_checkpointing": "auto", "ema_decay": 0.9, **training})
    chosen = {**TINY, "levels": LEVELS, "window": 8, "overlap": 2, "backbone": backbone, "objective": objective}
    return {key: whole[key] for key in ("budget", "training", "data", "seed")} | {
        "refiner": {**chosen, **dict(refiner)}
    }


@pytest.fixture
def task(data, codec, tmp_path):
    """Makes a task with its model."""

    def make(*names, **changes):
        spec = spec_of(*names, **changes)
        sets = load_splits(data, read_json(data / "dataset.json"), spec["data"], spec["refiner"]["levels"], tmp_path)
        made = RefinerTask.from_spec(spec, sets, *codec.tables())
        torch.manual_seed(1)
        made.build(CPU, Fit(2, False))
        torch.nn.init.normal_(made.model.head.weight if hasattr(made.model, "head") else made.model.heads)
        return made

    return make


def rows(positions, step=4, seed=3):
    return Rows(np.array([7, 1, 3, 0])[list(positions)], positions, 4, step, seed)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_may_be_cut_anyhow(task, objective):
    refining = task("mamba2", objective)
    whole = refining.losses(refining.model, rows(range(4)), CPU)
    parts = [refining.losses(refining.model, rows(part), CPU) for part in (range(1), range(1, 4))]
    torch.testing.assert_close(whole, 0.25 * parts[0] + 0.75 * parts[1], atol=1e-5, rtol=1e-5)
    assert whole.shape == (len(refining.parts),) == (1,)
    for other in (rows(range(4), step=5), rows(range(4), seed=4)):
        assert not torch.allclose(refining.losses(refining.model, other, CPU), whole)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_held_out_clips_are_always_seen_alike(task, objective):
    refining = task("mamba2", objective)
    refining.model.eval()
    clips = refining.validation
    whole = refining.held_out(clips, np.arange(3), CPU)
    alone = [refining.held_out(clips, np.array([i]), CPU) for i in (2, 0, 1)]
    torch.testing.assert_close(torch.stack(alone).mean(0), whole, atol=1e-5, rtol=1e-5)


def test_normalization_is_that_of_the_training_clips_and_windows_are_no_longer_than_clips(task):
    refining = task(refiner={"window": 50})
    assert refining.frames == FRAMES
    seen = []
    refining.losses(
        lambda clips, draws: seen.append(clips) or torch.zeros(1), Rows(np.arange(9), range(9), 9, 0, 0), CPU
    )
    (clips,) = seen
    assert clips.rest.mean((0, 1)).abs().max() < 1e-3
    assert clips.clean.mean((0, 1)).abs().max() < 1e-3
    assert clips.rest.var((0, 1), correction=0).mean() == pytest.approx(1, abs=1e-3)


def test_a_crop_costs_what_is_counted(task):
    refining = task()
    tokens, model = refining.train.text_tokens, refining.model
    assert refining.clip_tokens == 8 * (LEVELS - 1)
    assert refining.clip_flops == (model.flops(8, tokens) + model.loss_flops(8)).total
    assert TRAINING_FACTOR * refining.clip_flops > 0


@pytest.mark.parametrize(("backbone", "objective"), list(zip(BACKBONES, OBJECTIVES, strict=True)))
def test_refiners_learn(task, backbone, objective):
    refining = task(backbone, objective)
    torch.nn.init.zeros_(refining.model.head.weight if hasattr(refining.model, "head") else refining.model.heads)
    optimizer = build_optimizer(refining.model, refining.settings)
    for group in optimizer.param_groups:
        group["lr"] = 1e-2
    test = np.arange(len(refining.test))
    before = refining.held_out(refining.test, test, CPU).item()
    for step in range(25):
        refining.model.train()
        optimizer.zero_grad()
        refining.losses(refining.model, rows(range(4), step), CPU).mean().backward()
        optimizer.step()
    refining.model.eval()
    with torch.no_grad():
        assert refining.held_out(refining.test, test, CPU).item() < 0.9 * before


def kept_by(refining, count):
    """Bytes that the loss of so many crops keeps, really."""
    kept, own = {}, {p.untyped_storage().data_ptr() for p in refining.model.parameters()}

    def add(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(add, lambda tensor: tensor):
        loss = refining.losses(refining.model, Rows(np.arange(count), range(count), count, 0, 0), CPU)
    assert loss.requires_grad
    return sum(size for key, size in kept.items() if key not in own)


@pytest.mark.parametrize("objective", ["diffusion", "masked"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_memory_is_known_before_training(task, backbone, objective):
    refining = task(backbone, objective)
    tokens = refining.train.text_tokens
    counted = _kept_bytes(refining.config, 6, refining.frames, tokens, False, "cpu")
    assert counted == pytest.approx(kept_by(refining, 6), rel=0.05)


def test_auto_takes_as_many_crops_as_fit(task):
    refining = task()
    settings = {**refining.settings, "batch_size": 64, "micro_batch": "auto"}
    for crops, expected in ((64, 64), (200, 64), (20, 16), (1, 1)):
        room = 1.001 * training_bytes(refining.config, settings, crops, 8, 5, "cpu") / USABLE
        assert fit_crops(refining.config, settings, 8, 5, room, "cpu").micro_batch == expected
    with pytest.raises(UserError, match="training a refiner with 8 crops per forward pass needs"):
        fit_crops(refining.config, {**settings, "micro_batch": 8}, 8, 5, 1000, "cpu")


def train(ssmttm, data, out, spec):
    words = ("refiner", "train", "--name", "small", "--data", str(data), "--out", str(out), "--device", "cpu")
    return ssmttm(*words, "--spec", json.dumps(spec))


def test_the_command_leaves_a_refiner_with_its_curve_and_manifest(ssmttm, data, codec, tmp_path):
    spec = spec_of("mamba2", "flow")
    status, _, message = train(ssmttm, data, tmp_path / "out", spec)
    assert status == 0, message
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"model.safetensors", "curve.parquet", "manifest.json", "checkpoints"} <= names
    assert "state" not in names
    refiner, origin = load_refiner(tmp_path / "out" / "model.safetensors")
    assert origin["spec"] == spec
    assert origin["codec"] == codec.identity
    assert not refiner.training
    record = read_json(tmp_path / "out" / "manifest.json")
    assert record["stage"] == "refiner train"
    assert record["run"] == "small"
    assert record["parameters"] == sum(p.numel() for p in refiner.parameters())
    assert record["loss_parts"] == ["latents"]
    torch.use_deterministic_algorithms(False)


def test_what_does_not_fit_is_refused_before_training(ssmttm, data, task, tmp_path):
    status, _, message = train(ssmttm, data, tmp_path / "out", spec_of(activation_checkpointing=True))
    assert (status, "refiners can't do" in message) == (2, True)
    with pytest.raises(UserError, match="overlap 9 must be 0 or more, and less than window 8"):
        task(refiner={"overlap": 9})
    with pytest.raises(UserError, match="more codebooks than the codec"):
        task(refiner={"levels": 5})
    sets = SimpleNamespace(codec="spectral:1", encoder="x")
    with pytest.raises(UserError, match=r"levels is 4, but the codec spectral:1 has 3"):
        RefinerTask.from_spec(spec_of(), sets, np.zeros((7, 3)), np.zeros((2, 7, 3)))
    torch.use_deterministic_algorithms(False)


def test_a_codec_that_is_not_the_one_of_the_tokens_is_refused(ssmttm, data, tmp_path):
    other = tmp_path / "data"
    other.mkdir()
    for path in data.iterdir():
        (other / path.name).symlink_to(path)
    release = read_json(data / "dataset.json")
    (other / "dataset.json").unlink()
    (other / "dataset.json").write_text(json.dumps({**release, "codec": "spectral:0123456789ab"}))
    status, _, message = train(ssmttm, other, tmp_path / "out", spec_of())
    assert status == 2
    assert "but the tokens are of spectral:0123456789ab" in message
