"""Trackers are chosen beside a run's spec, get what TensorBoard gets, each step once, and end no training."""

import importlib.util
import json
import sqlite3
import sys
from types import SimpleNamespace

import pytest
from training_data import tiny_spec

from ssmttm.errors import UserError
from ssmttm.settings import Logging
from ssmttm.stages import train
from ssmttm.tables import read_table
from ssmttm.training import resolution


class Service:
    """Stands in for a tracker's package: the calls that we make, and what came of them."""

    def __init__(self):
        self.begun, self.logged, self.finished, self.failing = [], [], [], set()

    def init(self, project=None, name=None, **more):
        if "init" in self.failing:
            raise RuntimeError("no key")
        self.begun.append({"project": project, "name": name, **more})
        return SimpleNamespace(name=name, log=self.log, finish=self.finish)

    def log(self, values, step):
        if "log" in self.failing and step == 3:
            raise RuntimeError("connection lost")
        self.logged.append((step, dict(values)))

    def finish(self, exit_code=None):
        self.finished.append(exit_code)
        if "finish" in self.failing:
            raise RuntimeError("server gone")

    @property
    def steps(self):
        return [step for step, _ in self.logged]


@pytest.fixture(params=["wandb", "trackio"])
def tracker(request, monkeypatch):
    service = Service()
    monkeypatch.setitem(sys.modules, request.param, service)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_DIR", raising=False)
    return request.param, service


def training(dataset, out, name, **settings):
    train.run("tiny", tiny_spec(**settings), dataset, out, "cpu", 1, Logging(name, "study"))
    return read_table(out / "curve.parquet", "curve").to_pylist()


def interrupted_at(monkeypatch, step):
    original = resolution.Stepper.step

    def stepping(self, number, rate):
        if number == step:
            monkeypatch.setattr(resolution.Stepper, "step", original)
            raise KeyboardInterrupt
        return original(self, number, rate)

    monkeypatch.setattr(resolution.Stepper, "step", stepping)


def test_a_tracker_gets_every_step_and_the_spec_and_no_events_are_written(tracker, dataset, tmp_path):
    name, service = tracker
    curve = training(dataset, tmp_path, name)
    (begun,) = service.begun
    assert (begun["project"], begun["name"], begun["config"]) == ("study", "tiny", tiny_spec())
    assert service.steps == [row["step"] for row in curve] == list(range(1, 8))
    for (_, values), row in zip(service.logged, curve, strict=True):
        assert values["loss/training"] == row["loss"]
        assert values["loss of codebook 2/training"] == row["part_losses"][1]
        assert ("loss/validation" in values) == (row["validation_loss"] is not None)
        assert {"learning rate", "gradient norm", "tokens per second", "share of the budget"} <= values.keys()
    assert service.logged[-1][1]["loss/validation"] == curve[-1]["validation_loss"]
    assert len(service.finished) == 1
    assert not (tmp_path / "tensorboard").exists()


def test_trackers_stay_on_this_machine_unless_their_own_variables_say_otherwise(
    tracker, dataset, tmp_path, monkeypatch
):
    name, service = tracker
    training(dataset, tmp_path / "a", name, checkpoints=[])
    if name == "trackio":
        assert {"space_id", "server_url"}.isdisjoint(service.begun[0])
        return
    assert (service.begun[0]["mode"], service.begun[0]["dir"]) == ("offline", str(tmp_path / "a"))
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    training(dataset, tmp_path / "b", name, checkpoints=[])
    assert (service.begun[1]["mode"], service.begun[1]["dir"]) == (None, None)


@pytest.mark.parametrize("at", [1, 5])  # before any state is saved, and a step after one is
def test_an_interrupted_run_goes_on_with_its_logged_run_and_logs_no_step_twice(
    at, tracker, dataset, tmp_path, monkeypatch
):
    name, service = tracker
    interrupted_at(monkeypatch, at)
    with pytest.raises(KeyboardInterrupt):
        training(dataset, tmp_path, name)
    assert service.steps == list(range(1, at + 1))
    training(dataset, tmp_path, name)
    assert service.steps == list(range(1, 8))
    first, second = service.begun
    if name == "wandb":
        assert service.finished == [1, 0]
        assert first["id"] == second["id"] and second["resume"] == "allow"
    else:
        assert (first["resume"], second["resume"]) == ("never", "must")
        assert first["name"] == second["name"]


def test_a_kill_that_cuts_the_last_line_of_the_log_off_loses_nothing(tracker, dataset, tmp_path, monkeypatch):
    name, service = tracker
    interrupted_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        training(dataset, tmp_path, name)
    (log,) = tmp_path.glob(f"state/*/{name}.log")
    log.write_text(log.read_text().removesuffix("5\n"))
    training(dataset, tmp_path, name)
    assert service.steps == [1, 2, 3, 4, 5, 5, 6, 7]


def test_a_tracker_that_is_chosen_on_the_way_gets_the_curve_from_its_start(tracker, dataset, tmp_path, monkeypatch):
    name, service = tracker
    interrupted_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        training(dataset, tmp_path, None)
    curve = training(dataset, tmp_path, name)
    assert [values["loss/training"] for _, values in service.logged] == [row["loss"] for row in curve]


def test_a_new_training_of_the_same_run_is_a_new_logged_run(tracker, dataset, tmp_path):
    name, service = tracker
    for out in ("a", "b"):
        training(dataset, tmp_path / out, name)
    if name == "wandb":
        assert service.begun[0]["id"] != service.begun[1]["id"]
    else:
        assert [begun["resume"] for begun in service.begun] == ["never", "never"]


@pytest.mark.parametrize("call", ["log", "finish"])
def test_a_tracker_that_fails_loses_no_model(call, tracker, dataset, tmp_path, capsys):
    name, service = tracker
    service.failing.add(call)
    assert len(training(dataset, tmp_path, name)) == 7
    assert json.loads((tmp_path / "manifest.json").read_text())["steps"] == 7
    assert not (tmp_path / "state").exists()
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "curve.parquet has all" in line]
    assert name in told and ("connection lost" in told or "server gone" in told)


def test_a_tracker_that_can_not_begin_ends_the_run_before_its_first_step(tracker, dataset, tmp_path, monkeypatch):
    name, service = tracker
    service.failing.add("init")
    monkeypatch.setattr(resolution.Stepper, "step", None)
    with pytest.raises(UserError, match=rf"training\.logger is {name}, which could not begin: no key"):
        training(dataset, tmp_path, name)


@pytest.mark.parametrize("name", ["wandb", "trackio", "tensorboard"])
def test_a_logger_that_is_not_installed_is_refused_before_anything_is_done(name, dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    for module in [n for n in sys.modules if n.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(UserError, match=rf"training\.logger is {name}.*pip install 'ssmttm\[{name}\]'"):
        training(dataset, tmp_path / "run", name)
    assert not (tmp_path / "run").exists()


def test_without_tensorboard_nothing_is_written_unless_it_was_asked_for_and_that_is_said(
    dataset, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for module in [n for n in sys.modules if n.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, module)
    training(dataset, tmp_path, None)
    assert not (tmp_path / "tensorboard").exists()
    assert "pip install 'ssmttm[tensorboard]'" in capsys.readouterr().err


def test_the_logger_changes_neither_identity_nor_weights(tracker, dataset, tmp_path, capsys):
    name, _ = tracker
    training(dataset, tmp_path, name)
    before = (tmp_path / "model.safetensors").stat().st_mtime_ns
    training(dataset, tmp_path, None)
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == before
    assert "finished already" in capsys.readouterr().err


@pytest.mark.skipif(not importlib.util.find_spec("wandb"), reason="wandb isn't installed: pip install 'ssmttm[wandb]'")
def test_wandb_itself_keeps_an_interrupted_run_under_one_id(dataset, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    interrupted_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        training(dataset, tmp_path, "wandb")
    training(dataset, tmp_path, "wandb")
    kept = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert len(kept) == 2
    assert len({folder.name.rpartition("-")[2] for folder in kept}) == 1
    assert all(list(folder.glob("run-*.wandb")) for folder in kept)


@pytest.mark.skipif(not importlib.util.find_spec("trackio"), reason="trackio isn't installed: 'ssmttm[trackio]'")
def test_trackio_itself_keeps_an_interrupted_run_as_one(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))  # read when the package is imported
    for module in [n for n in sys.modules if n.split(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, module)
    interrupted_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        training(dataset, tmp_path, "trackio")
    curve = training(dataset, tmp_path, "trackio")
    (database,) = (tmp_path / "trackio").rglob("study*.db")
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT run_name, step, metrics FROM metrics ORDER BY step").fetchall()
    assert [(name, step) for name, step, _ in rows] == [("tiny", row["step"]) for row in curve]
