"""Processes of a run that a cluster grants its GPUs to, one of them that dies, and all of them asked to end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from training_data import tiny_spec

from ssmttm.errors import UserError
from ssmttm.settings import Granted
from ssmttm.stages import train
from ssmttm.tables import read_table
from ssmttm.training import parallel
from ssmttm.training.launching import settle
from ssmttm.training.state import saved_progress

SPEC = tiny_spec(budget={"iterations": 400}, batch_size=4, micro_batch=4, state_every=5, validations=1)
SRUN = """#!{python}
# Stands in for srun: starts the command as many times as there are nodes, and ends all when one fails.
import subprocess, sys, time
words = sys.argv[1:]
first = next(i for i, word in enumerate(words) if not word.startswith("-"))
nodes = int(next(word for word in words if word.startswith("--nodes=")).partition("=")[2])
open({said!r}, "w").write(" ".join(words[:first]))
tasks = [subprocess.Popen(words[first:]) for _ in range(nodes)]
while any(task.poll() is None for task in tasks):
    if failed := [task for task in tasks if task.poll()]:
        [task.terminate() for task in tasks]
        [task.wait() for task in tasks]
        sys.exit(failed[0].returncode)
    time.sleep(0.05)
sys.exit(max(task.returncode for task in tasks))
"""


def losses(out):
    return [row["loss"] for row in read_table(out / "curve.parquet", "curve").to_pylist()]


def start(spec, data, out, *more, **environment):
    words = ("train", "--run", "tiny", "--data", data, "--out", out, "--device", "cpu", "--spec", json.dumps(spec))
    return subprocess.Popen(
        [sys.executable, "-m", "ssmttm", *map(str, (*words, *more))],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def saved(out):
    return list((out / "state").glob("*/state.safetensors"))


def until(happens, what, seconds=120):
    last = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < last, what
        time.sleep(0.01)


def trainers(out, rank):
    """The processes that train into `out` as number `rank`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(out).encode() in known and f"RANK={rank}".encode() in environment:
            found.append(int(process.name))
    return found


@pytest.fixture(scope="module")
def expected(dataset, tmp_path_factory):
    """The losses of one process that nothing disturbs."""
    out = tmp_path_factory.mktemp("one")
    train.run("tiny", SPEC, dataset, out, "cpu", 1)
    return losses(out)


def test_more_than_one_gpu_means_as_many_processes_and_micro_batches_that_fit():
    settings = SPEC["training"]
    assert settle(settings, Granted()) == settings
    assert settle(settings | {"processes": 2}, Granted(gpus=1))["processes"] == 2
    two = settle(settings, Granted(gpus=2, nodes=2))
    assert (two["processes"], two["micro_batch"]) == (2, 2)
    assert settle(settings | {"micro_batch": "auto"}, Granted(gpus=2))["micro_batch"] == "auto"
    assert settle(settings | {"batch_size": 24, "micro_batch": 4}, Granted(gpus=4))["micro_batch"] == 3


def test_what_can_not_be_divided_is_refused():
    with pytest.raises(UserError, match="batch_size 4 can't be divided among"):
        settle(SPEC["training"], Granted(gpus=3))
    with pytest.raises(UserError, match="--nodes 2: 1 processes can't be spread"):
        settle(SPEC["training"], Granted(gpus=1, nodes=2))


def test_several_nodes_outside_of_slurm_are_refused(dataset, tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(UserError, match="started by srun, within a job of SLURM, which this isn't"):
        train.run("tiny", SPEC, dataset, tmp_path, "cpu", 1, granted=Granted(gpus=2, nodes=2))


def test_fewer_gpus_than_processes_are_refused_and_not_replaced_by_the_processor(monkeypatch):
    monkeypatch.setattr(parallel.torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"2 processes on \S+ need a GPU each, but it has 1"):
        with parallel.join(2, "auto", 1):
            pass


def test_processes_on_two_nodes_train_like_one(dataset, tmp_path, expected):
    srun, said = tmp_path / "srun", tmp_path / "said"
    srun.write_text(SRUN.format(python=sys.executable, said=str(said)))
    srun.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    run = start(SPEC, dataset, tmp_path / "two", "--gpus", 2, "--nodes", 2, SLURM_JOB_ID="7", PATH=path)
    _, errors = run.communicate(timeout=240)
    assert run.returncode == 0, errors[-3000:]
    np.testing.assert_allclose(losses(tmp_path / "two"), expected, rtol=2e-3)
    record = json.loads((tmp_path / "two" / "manifest.json").read_text())
    assert record["processes"] == 2
    assert record["spec"]["training"]["processes"] == 1, "what a cluster grants is no setting"
    asked = said.read_text().split()
    assert {"--jobid=7", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--kill-on-bad-exit=1"} <= set(asked)


def test_a_killed_process_ends_all_with_one_message_and_the_next_start_goes_on(dataset, tmp_path, expected):
    run = start(SPEC, dataset, tmp_path, "--gpus", 2)
    until(lambda: saved(tmp_path), "no state")
    began = time.monotonic()
    os.kill(trainers(tmp_path, 1)[0], signal.SIGKILL)
    _, errors = run.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert run.returncode == 1
    told = [line for line in errors.splitlines() if "killed" in line or "Error" in line or "Traceback" in line]
    assert len(told) == 1, errors[-3000:]
    assert re.search(r"process 2 of 2, on \S+, was killed by signal 9; .* goes on from its last state", told[0])
    again = start(SPEC, dataset, tmp_path, "--gpus", 2)
    _, errors = again.communicate(timeout=240)
    assert again.returncode == 0, errors[-3000:]
    np.testing.assert_allclose(losses(tmp_path), expected, rtol=2e-3)


@pytest.mark.parametrize("gpus", [1, 2])
def test_a_training_that_is_asked_to_end_saves_its_state_first(dataset, tmp_path, expected, gpus):
    run = start(SPEC, dataset, tmp_path, "--gpus", gpus)
    until(lambda: saved(tmp_path), "no state")
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 143, errors[-3000:]
    told = re.findall(r"asked to end \(SIGTERM\): its state after step (\d+) is saved", errors)
    assert len(told) == 1, errors[-3000:]
    assert "Traceback" not in errors
    assert saved_progress(tmp_path / "state").startswith(f"step {told[0]}")
    again = start(SPEC, dataset, tmp_path, "--gpus", gpus)
    _, errors = again.communicate(timeout=240)
    assert again.returncode == 0, errors[-3000:]
    if gpus == 1:
        assert losses(tmp_path) == expected
    else:
        np.testing.assert_allclose(losses(tmp_path), expected, rtol=2e-3)
