"""Trainings that are cut short go on from their state, to the losses of one that nothing disturbed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .conftest import (
    LIMITS,
    PATIENCE,
    ROOT,
    Study,
    Watcher,
    is_under_way,
    losses,
    model,
    slurm_says,
    submitted,
    under_way,
    until,
)

WAITS = "waiting for it to end"
CUT = ("killed", "cancelled", "memory", "time")


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


def test_a_requeued_training_waits_for_one_that_runs_already(with_data, undisturbed):
    """As when a node is lost to SLURM, but not to the training on it: another process of the same run is there."""
    study = with_data
    log = study.folder / "results" / "logs" / "requeued" / "train.log"
    with Watcher(study, "requeued") as watcher, study.running(study.submitting(model("requeued"), *LIMITS)) as running:
        under_way(study, "requeued")
        job, (trainer,) = study.job("requeued"), study.trainers("requeued")
        with another(study, trainer) as (other, said):
            until(lambda: WAITS in said.read_text(encoding="utf-8"), "the other one waits for the job's")
            slurm_says("scontrol", "requeue", job)
            until(lambda: queued(job) == "PENDING", "the job is in the queue again")
            at = study.saved("requeued")
            until(lambda: (study.saved("requeued") or 0) > at, "the other one goes on from the job's state")
            other.send_signal(signal.SIGSTOP)
            at = study.saved("requeued")
            slurm_says("scontrol", "update", f"JobId={job}", "StartTime=now")  # SLURM lets it wait for two minutes
            until(
                lambda: len(study.trainers("requeued")) == 2 and WAITS in log.read_text(), "the job waits for the other"
            )
            time.sleep(2)
            assert study.saved("requeued") == at, "while one has the lock, none else trains"
            other.send_signal(signal.SIGCONT)
            until(lambda: running.poll() is not None, "it is trained")
    assert running.returncode == 0, study.said()[-8000:]
    assert other.returncode == 0, said.read_text(encoding="utf-8")
    watcher.check()
    assert losses(study, "requeued") == undisturbed
    assert submitted(study, "requeued") == [job], "the same job, twice"
    assert "finished already" in log.read_text(encoding="utf-8")


@contextmanager
def another(study: Study, trainer: int) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The command of the process `trainer` once more, outside of SLURM; and the file of what it says."""
    said = study.folder / "other"
    words = (Path("/proc") / str(trainer) / "cmdline").read_bytes().split(b"\0")[:-1]
    with open(said, "wb") as file:
        process = subprocess.Popen(words, cwd=study.folder, env=study.environment, stdout=file, stderr=file)
        try:
            yield process, said
            process.wait(PATIENCE)
        finally:
            process.kill()


def queued(job: str) -> str:
    return slurm_says("squeue", "--noheader", f"--jobs={job}", "--format=%T").strip()


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
