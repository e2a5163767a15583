"""A run that is started again: beside a process that still trains it, after one that was killed or has finished."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_data import tiny_spec

from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.stages import train
from ssmttm.training import job, lock
from ssmttm.training.lock import run_lock

SPEC = tiny_spec(budget={"iterations": 60}, state_every=2, validations=2)
PRODUCTS = (
    "model.safetensors",
    "curve.parquet",
    "checkpoints/0.25.safetensors",
    "checkpoints/0.5.safetensors",
    "manifest.json",
)
SNAKEFILE = """
rule train:
    output: "run/model.safetensors", "run/curve.parquet", "run/manifest.json"
    shell:
        "{python} -m ssmttm train --run tiny --data {data} --out run --device cpu --threads 1"
        " --spec spec.json 2> log"
"""


@pytest.fixture
def processes():
    """Starts processes; those that still run at the end of the test are killed."""
    started = []

    def start(*command, **more):
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)}
        started.append(subprocess.Popen(command, env=environment, text=True, stdout=subprocess.DEVNULL, **more))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def training(spec, data, out):
    words = ("train", "--run", "tiny", "--data", data, "--out", out, "--device", "cpu", "--threads", 1)
    return (sys.executable, "-m", "ssmttm", *map(str, words), "--spec", json.dumps(spec))


def until(happens, what, seconds=400):
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def stop_in_the_middle(out, find):
    """Stop the process that `find()` gives as soon as it has saved a state of its run; returns its id."""
    until(lambda: list((out / "state").glob("*/state.safetensors")), "no state")
    process = find()
    os.kill(process, signal.SIGSTOP)
    return process


def said(process, words):
    """What the process says until it says `words`."""
    lines = []
    while words not in "".join(lines[-1:]):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    return lines


def hashes(out):
    return {name: sha256_file(out / name) for name in PRODUCTS}


@pytest.fixture(scope="module")
def expected(dataset, tmp_path_factory):
    """The weights of the run, trained without any trouble."""
    out = tmp_path_factory.mktemp("expected")
    train.run("tiny", SPEC, dataset, out, "cpu", 1)
    torch.use_deterministic_algorithms(False)
    return load_file(out / "model.safetensors")


def check_weights(out, expected):
    found = load_file(out / "model.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_a_process_that_waits_takes_over_when_the_other_is_killed(dataset, tmp_path, processes, expected):
    first = processes(*training(SPEC, dataset, tmp_path), stderr=subprocess.DEVNULL)
    stop_in_the_middle(tmp_path, lambda: first.pid)
    second = processes(*training(SPEC, dataset, tmp_path), stderr=subprocess.PIPE)
    said(second, "waiting")
    first.send_signal(signal.SIGKILL)
    assert second.wait(400) == 0
    check_weights(tmp_path, expected)


def trainers(folder):
    """Processes that train in `folder`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if words[1:4] == [b"-m", b"ssmttm", b"train"] and (path / "cwd").resolve() == folder.resolve():
                found.append(int(path.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("restart", ["while it trains", "after it has finished"])
def test_snakemake_killed_alone_loses_nothing(dataset, tmp_path, processes, expected, restart):
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(python=sys.executable, data=dataset))
    snakemake = (sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-incomplete", "--nolock")
    killed = processes(*snakemake, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        orphan = stop_in_the_middle(tmp_path / "run", lambda: trainers(tmp_path)[0])
        killed.kill()
        killed.wait()
        if restart == "after it has finished":
            os.kill(orphan, signal.SIGCONT)
            until(lambda: not trainers(tmp_path), "the orphan goes on and on")
            before = hashes(tmp_path / "run")
        again = processes(*snakemake, cwd=tmp_path, stderr=subprocess.PIPE)
        if restart == "while it trains":
            log = tmp_path / "log"
            until(lambda: log.is_file() and "waiting" in log.read_text(), "nobody waits")
            assert f"process {orphan} on " in log.read_text()
            assert " of 60 is saved; waiting" in log.read_text()
            os.kill(orphan, signal.SIGCONT)
        told = again.communicate(timeout=400)[1]
    finally:
        for process in trainers(tmp_path):
            os.kill(process, signal.SIGKILL)
    assert again.returncode == 0, told
    assert "finished already" in (tmp_path / "log").read_text()
    found = hashes(tmp_path / "run")
    assert restart == "while it trains" or found == before
    written = json.loads((tmp_path / "run" / "manifest.json").read_text())["sha256"]
    assert written == {name: found[name] for name in PRODUCTS[:-1]}
    assert not (tmp_path / "run" / "state").exists()
    assert not (tmp_path / "run" / lock.FILE).exists()
    check_weights(tmp_path / "run", expected)
    third = subprocess.run([*snakemake], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Nothing to be done" in third.stdout + third.stderr


def test_products_that_were_deleted_are_put_back_untrained(dataset, tmp_path, monkeypatch):
    spec = tiny_spec()
    train.run("tiny", spec, dataset, tmp_path, "cpu", 1)
    before = hashes(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "curve.parquet").unlink()
    (tmp_path / "curve.parquet").write_bytes(b"half a cur")
    (tmp_path / "manifest.json").unlink()
    shutil.rmtree(tmp_path / "checkpoints")
    monkeypatch.setattr(job, "build_trainer", None)  # nothing is trained
    train.run("tiny", spec, dataset, tmp_path, "cpu", 1)
    assert hashes(tmp_path) == before
    shutil.rmtree(tmp_path / "finished")  # as a copy may lack it
    train.run("tiny", spec, dataset, tmp_path, "cpu", 1)
    assert hashes(tmp_path) == before


@pytest.mark.parametrize("change", ["settings", "a damaged model"])
def test_what_is_not_this_finished_run_is_trained(dataset, tmp_path, change):
    train.run("tiny", tiny_spec(), dataset, tmp_path, "cpu", 1)
    before = hashes(tmp_path)
    if change != "settings":
        (tmp_path / "model.safetensors").write_bytes(b"half a model")  # the kept one has the same file
    train.run("tiny", tiny_spec(seed=4) if change == "settings" else tiny_spec(), dataset, tmp_path, "cpu", 1)
    assert (hashes(tmp_path)["model.safetensors"] == before["model.safetensors"]) == (change != "settings")


def test_a_lock_says_who_has_it_and_is_gone_afterwards(tmp_path):
    told = []
    with run_lock(tmp_path, lambda: "step 1 of 2 is saved", told.append) as held:
        waiter = threading.Thread(target=lock.wait_for_others, args=(tmp_path, lambda: "step 1 of 2", told.append))
        waiter.start()
        until(lambda: told, "nobody waits")
        assert waiter.is_alive()
        held.check()
    waiter.join(10)
    assert not waiter.is_alive()
    assert f"process {os.getpid()} on " in told[0]
    assert "step 1 of 2" in told[0]


def test_a_run_whose_folder_was_removed_is_not_written_into_a_new_one(tmp_path):
    folder = tmp_path / "run"
    with run_lock(folder, str, print) as old:
        shutil.rmtree(folder)
        with run_lock(folder, str, print) as new:
            new.check()
            with pytest.raises(UserError, match="was removed while"):
                old.check()
        assert not (folder / lock.FILE).exists()


def test_a_folder_that_can_not_be_written_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written"), run_lock(tmp_path / "file" / "run", str, print):
        pass


def test_several_processes_wait_together(dataset, tmp_path, processes):
    spec = tiny_spec(processes=2, micro_batch=1, budget={"iterations": 2})
    with run_lock(tmp_path, str, print):
        started = processes(*training(spec, dataset, tmp_path), stderr=subprocess.PIPE)
        said(started, "waiting")
        time.sleep(3 * lock.POLL)
        assert not (tmp_path / "finished").exists()
    told = started.communicate(timeout=400)[1]
    assert started.returncode == 0, told
    assert "waiting" not in told
    assert (tmp_path / "model.safetensors").is_file()
    again = processes(*training(spec, dataset, tmp_path), stderr=subprocess.PIPE)
    told = again.communicate(timeout=400)[1]
    assert again.returncode == 0, told
    assert told.count("finished already") == 1
