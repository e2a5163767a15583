"""Trainings that are cut short go on from their state, to the losses of one that nothing disturbed."""

import os
import re
import signal
from pathlib import Path

import pytest

from ssmttm.tables import read_table

from .conftest import ROOT, Study, Watcher, slurm_says, until

CUT = ("killed", "cancelled", "memory", "time")
LIMITS = ("--set-resources", "train:gpu=1", "train:mem_mb=2000 * attempt", "train:runtime=10 * attempt")
"""Of a training: real ones don't fit this machine, where the profile's limits can't be reached."""


def model(run: str) -> str:
    return f"results/runs/{run}/model.safetensors"


def losses(study: Study, run: str) -> list[float]:
    rows = read_table(study.folder / "results" / "runs" / run / "curve.parquet", "curve").to_pylist()
    return [row["loss"] for row in rows]


def submitted(study: Study, run: str) -> list[str]:
    """The ids of the jobs that were submitted to train `run`, in order."""
    return re.findall(rf"SLURM jobid (\d+) \(log: \S*/rule_train/{run}/", study.said())


def is_under_way(study: Study, run: str) -> bool:
    return bool(study.saved(run) and study.trainers(run))


def under_way(study: Study, run: str) -> None:
    until(lambda: is_under_way(study, run), f"{run} is trained, and has a state")


@pytest.fixture
def undisturbed(accounting, with_data, reference, monkeypatch) -> list[float]:
    """The losses of a training that nothing cut short."""
    found = losses(reference, "whole")
    assert len(found) == 240
    return found


def test_what_was_killed_cancelled_or_over_a_limit_is_submitted_again_and_goes_on(with_data, undisturbed):
    study = with_data
    hungry = f"{Path(__file__).parent / 'hungry'}{os.pathsep}{ROOT}"
    command = study.submitting(*map(model, CUT), *LIMITS)
    with Watcher(study, *CUT) as watcher, study.running(command, PYTHONPATH=hungry) as running:
        left = set(CUT)
        while left:  # as they begin: there are fewer GPUs than trainings
            until(lambda: any(is_under_way(study, run) for run in left), f"one of {left} is trained, and has a state")
            run = next(run for run in sorted(left) if is_under_way(study, run))
            left.remove(run)
            job = study.job(run)
            match run:
                case "killed":
                    for process in study.trainers(run):
                        os.kill(process, signal.SIGKILL)
                case "cancelled":
                    slurm_says("scancel", job)
                case "memory":
                    (study.folder / "hungry").touch()
                case "time":
                    slurm_says("scontrol", "update", f"JobId={job}", "EndTime=now")
        until(lambda: running.poll() is not None, "all are trained")
    assert running.returncode == 0, study.said()[-8000:]
    watcher.check()
    ends = {}
    for run in CUT:
        assert losses(study, run) == undisturbed, run
        jobs = submitted(study, run)
        fields = "--format=State,ReqMem,TimelimitRaw"
        table = [slurm_says("sacct", "-X", "-n", "-P", f"--jobs={job}", fields).strip().split("|") for job in jobs]
        ends[run] = [state.split()[0] for state, *_ in table]
        assert [memory for _, memory, _ in table] == ["2000M", "4000M"], run
        if run != "time":  # whose limit was lowered while it ran
            assert [int(minutes) for *_, minutes in table] == [10, 20], run
    assert ends == {
        "killed": ["FAILED", "COMPLETED"],
        "cancelled": ["CANCELLED", "COMPLETED"],
        "memory": ["FAILED", "COMPLETED"],  # OUT_OF_MEMORY where cgroups hold the limit
        "time": ["TIMEOUT", "COMPLETED"],
    }
    assert not (study.folder / "hungry").exists()


def test_a_requeued_training_waits_for_the_one_that_a_lost_node_left_behind(with_data, undisturbed):
    study = with_data
    with Watcher(study, "requeued") as watcher, study.running(study.submitting(model("requeued"), *LIMITS)) as running:
        under_way(study, "requeued")
        job, left_behind = study.job("requeued"), study.trainers("requeued")
        for process in daemons_of(job):  # as when a node is given up: SLURM knows of nothing there, but it runs on
            os.kill(process, signal.SIGKILL)
        for process in left_behind:
            os.kill(process, signal.SIGSTOP)  # until the other one is there
        slurm_says("scontrol", "requeue", job)
        until(lambda: others(study, left_behind), "the requeued job begins")
        log = study.folder / "results" / "logs" / "requeued" / "train.log"
        until(lambda: "waiting for it to end" in log.read_text(encoding="utf-8"), "it waits for the lock")
        at = study.saved("requeued")
        for process in left_behind:
            os.kill(process, signal.SIGCONT)
        until(lambda: running.poll() is not None, "it is trained")
    assert running.returncode == 0, study.said()[-8000:]
    assert at is not None
    watcher.check()
    assert losses(study, "requeued") == undisturbed
    assert submitted(study, "requeued") == [job], "the same job, twice"
    assert "finished already" in log.read_text(encoding="utf-8")


def daemons_of(job: str) -> list[int]:
    """The slurmstepd of each step of a job."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"slurmstepd: [" + job.encode() + b"."):
                found.append(int(process.name))
        except OSError:
            continue
    assert found, f"job {job} has no slurmstepd"
    return found


def others(study: Study, known: list[int]) -> list[int]:
    return [process for process in study.trainers("requeued") if process not in known]


def test_a_killed_snakemake_goes_on_when_it_is_started_again(with_data, undisturbed):
    study = with_data
    command = study.submitting(model("left"), *LIMITS)
    with Watcher(study, "left") as watcher:
        with study.running(command) as running:
            under_way(study, "left")
            first = study.trainers("left")
            running.send_signal(signal.SIGKILL)
            running.wait()
        assert study.trainers("left") == first, "SLURM's job goes on"
        study.run(study.command("--unlock"))
        with study.running(command) as running:
            until(lambda: running.poll() is not None, "it is trained")
        assert running.returncode == 0, study.said()[-8000:]
    watcher.check()
    assert losses(study, "left") == undisturbed
    until(lambda: not study.trainers("left"), "nothing is trained any more")
