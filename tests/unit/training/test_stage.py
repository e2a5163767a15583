"""Training as a user starts it: one folder with a data set, one spec, one command."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from training_data import COUNTS, load, tiny_spec

from ssmttm.errors import UserError
from ssmttm.models.checkpoint import load_model
from ssmttm.stages import train
from ssmttm.tables import read_table
from ssmttm.training import parallel, resolution
from ssmttm.training.objective import codebook_losses
from ssmttm.training.tasks import language_model

ROOT = Path(__file__).resolve().parents[3]


def curve_of(out):
    return read_table(out / "curve.parquet", "curve").to_pylist()


def ssmttm(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "ssmttm", *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def command(spec, data, out):
    return ("train", "--run", "tiny", "--data", data, "--out", out, "--device", "cpu", "--spec", json.dumps(spec))


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """A finished run, with an average of the weights."""
    out = tmp_path_factory.mktemp("run")
    train.run("tiny", tiny_spec(ema_decay=0.5, micro_batch="auto", validation_clips=1), dataset, out, "cpu", 1)
    return out


def test_a_run_leaves_model_curve_manifest_and_checkpoints_and_no_state(trained):
    assert {p.name for p in trained.iterdir()} == {
        "model.safetensors",
        "curve.parquet",
        "manifest.json",
        "checkpoints",
        "tensorboard",
        "finished",
    }
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["checkpoints"] == {"checkpoints/0.25.safetensors": 2, "checkpoints/0.5.safetensors": 4}
    assert manifest["micro_batch"] == 4
    assert (manifest["threads"], manifest["instruction_set"]) == (1, torch.backends.cpu.get_cpu_capability())
    assert set(manifest["backends"]) == {tiny_spec()["variant"]["mixer"]}
    assert manifest["device_hours"] == pytest.approx(manifest["seconds"] / 3600)
    assert np.mean(manifest["test_part_losses"]) == pytest.approx(manifest["test_loss"])
    for name, step in manifest["checkpoints"].items():
        model, facts = load_model(trained / name)
        row = curve_of(trained)[step - 1]
        assert {k: facts[k] for k in ("step", "flops", "tokens", "seconds")} == {
            k: row[k] for k in ("step", "flops", "tokens", "seconds")
        }
        assert facts["codec"] == manifest["codec"]
    assert not torch.equal(model.heads[0].weight, load_model(trained / "model.safetensors")[0].heads[0].weight)


def test_the_loss_at_the_end_is_of_all_test_clips(trained, dataset, tmp_path):
    manifest = json.loads((trained / "manifest.json").read_text())
    clips = load(dataset, tmp_path).test
    batch = clips.batch(np.arange(len(clips)), torch.device("cpu"))
    with torch.no_grad():
        losses = codebook_losses(load_model(trained / "model.safetensors")[0].eval(), batch, batch.text_mask)
    assert manifest["test_clips"] == COUNTS["test"] > manifest["spec"]["training"]["validation_clips"]
    assert manifest["test_part_losses"] == pytest.approx(losses.tolist(), rel=1e-5)


def events_of(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_events_say_what_the_curve_says(trained):
    events, curve = events_of(trained / "tensorboard"), curve_of(trained)
    assert [s for s, _ in events["loss/training"]] == [row["step"] for row in curve]
    np.testing.assert_allclose([v for _, v in events["loss/training"]], [row["loss"] for row in curve], rtol=1e-6)
    validated = [(row["step"], row["validation_loss"]) for row in curve if row["validation_loss"] is not None]
    np.testing.assert_allclose(events["loss/validation"], validated, rtol=1e-6)
    second = [row["part_losses"][1] for row in curve]
    np.testing.assert_allclose([v for _, v in events["loss of codebook 2/training"]], second, rtol=1e-6)
    assert events["share of the budget"][-1][1] == pytest.approx(1)
    assert {"learning rate", "gradient norm", "tokens per second"} <= events.keys()


def test_an_interrupted_run_goes_on_with_its_plan_and_its_events(trained, dataset, tmp_path, monkeypatch):
    spec = tiny_spec(ema_decay=0.5, micro_batch="auto")
    original = resolution.Stepper.step

    def interrupted(self, number, rate):
        if number == 5:
            raise KeyboardInterrupt
        return original(self, number, rate)

    monkeypatch.setattr(resolution.Stepper, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train.run("tiny", spec, dataset, tmp_path, "cpu", 1)
    monkeypatch.setattr(resolution.Stepper, "step", original)
    monkeypatch.setattr(language_model, "fit_memory", None)  # not asked again
    train.run("tiny", spec, dataset, tmp_path, "cpu", 1)
    weights, expected = (load_file(f / "model.safetensors") for f in (tmp_path, trained))
    assert all(torch.equal(weights[k], expected[k]) for k in expected)
    for name in ("0.25", "0.5"):
        a, b = (load_file(f / "checkpoints" / f"{name}.safetensors") for f in (tmp_path, trained))
        assert all(torch.equal(a[k], b[k]) for k in b)
    assert events_of(tmp_path / "tensorboard")["loss/training"] == events_of(trained / "tensorboard")["loss/training"]


def test_states_of_other_settings_are_told_of_and_not_used(dataset, tmp_path, capsys):
    old = tmp_path / "state" / "0123456789abcdef"
    old.mkdir(parents=True)
    (old / "state.safetensors").write_bytes(b"not read")
    train.run("tiny", tiny_spec(budget={"iterations": 1}), dataset, tmp_path, "cpu", 1)
    told = [line for line in capsys.readouterr().err.splitlines() if "0123456789abcdef" in line]
    assert len(told) == 1
    assert "not used" in told[0]
    assert not (tmp_path / "state").exists()


def test_hours_of_a_device_become_steps_that_are_about_as_long(dataset, tmp_path):
    train.run("tiny", tiny_spec(budget={"gpu_hours": 1.0 / 3600}), dataset, tmp_path, "cpu", 1)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["steps"] > 1
    assert 0.2 < manifest["device_hours"] * 3600 < 5


def test_too_few_hours_are_refused_before_training(dataset, tmp_path):
    with pytest.raises(UserError, match="smaller than one optimizer step"):
        train.run("tiny", tiny_spec(budget={"gpu_hours": 1e-9}), dataset, tmp_path, "cpu", 1)
    assert not (tmp_path / "model.safetensors").exists()


def test_too_little_memory_is_refused_before_training(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(language_model, "available_bytes", lambda *_: 1000)
    with pytest.raises(UserError, match="too little memory"):
        train.run("tiny", tiny_spec(), dataset, tmp_path, "cpu", 1)


def test_two_processes_train_like_one(dataset, tmp_path):
    spec = tiny_spec(ema_decay=0.5, micro_batch=1, batch_size=4)
    spec["model"]["dropout"] = 0.3
    train.run("tiny", spec, dataset, tmp_path / "one", "cpu", 1)
    spec["training"]["processes"] = 2
    done = ssmttm(*command(spec, dataset, tmp_path / "two"))
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = curve_of(tmp_path / "one"), curve_of(tmp_path / "two")
    for name in ("loss", "gradient_norm", "part_losses"):
        np.testing.assert_allclose([r[name] for r in two], [r[name] for r in one], rtol=1e-5)
    for name in ("model.safetensors", "checkpoints/0.5.safetensors"):
        expected, weights = (load_file(tmp_path / folder / name) for folder in ("one", "two"))
        for key, tensor in expected.items():
            torch.testing.assert_close(weights[key], tensor, atol=2e-4, rtol=1e-3)
    assert json.loads((tmp_path / "two" / "manifest.json").read_text())["processes"] == 2


def test_the_readmes_line_for_several_machines_trains(dataset, tmp_path):
    """With two processes of one machine, and a spec and a data set of its own."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^torchrun .*$", readme, re.MULTILINE)
    for old, new in (
        ("--nnodes 2", "--nnodes 1"),
        ("--nproc-per-node 4", "--nproc-per-node 2"),
        ("host:29500", "localhost:0"),
    ):
        assert old in line
        line = line.replace(old, new)
    words = shlex.split(line, comments=True)
    (tmp_path / "spec.json").write_text(json.dumps(tiny_spec(processes=2, micro_batch=1)))
    for option, value in (("--data", dataset), ("--out", tmp_path / "run"), ("--spec", tmp_path / "spec.json")):
        words[words.index(option) + 1] = str(value)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *words[1:]],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["processes"] == 2


def test_a_loss_that_is_not_finite_on_one_process_stops_all_with_one_message(dataset, tmp_path):
    spec = tiny_spec(processes=2, micro_batch=1, learning_rate=1e30, gradient_clip=1e30)
    done = ssmttm(*command(spec, dataset, tmp_path))
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if "gradient norm" in line]
    assert len(told) == 1, done.stderr[-3000:]
    assert told[0].startswith("ssmttm: step ")
    assert "Traceback" not in done.stderr


def test_another_number_of_processes_than_configured_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with (
        pytest.raises(UserError, match=r"2 processes were to train this run .* but torchrun started 3"),
        parallel.join(2, "cpu", 1),
    ):
        pass


def test_compiling_without_a_compiler_is_refused(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match="no C\\+\\+ compiler 'no-such-compiler'"):
        train.run("tiny", tiny_spec(compile=True), dataset, tmp_path, "cpu", 1)
