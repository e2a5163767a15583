"""Trainings that a job's GPUs and nodes are shared by, and one that is preempted."""

import os
import re
import signal

import numpy as np

from .conftest import LIMITS, Study, losses, model, slurm_says, submitted, under_way, until

GPUS = ("--set-resources", "train:gpu=2", "train:mem_mb=2000", "train:runtime=10")
NODES = (
    *GPUS,
    "train:nodes=2",
    "train:tasks=2",
    "train:tasks_per_gpu=0",
    "train:mpi=srun",
    "train:slurm_partition=both",
)
LOW = (*LIMITS, "train:slurm_partition=low")
ROUNDING = 2e-3
"""Two processes sum gradients in another order than one."""


def of_rank(study: Study, run: str, rank: int) -> list[int]:
    """The processes of number `rank` that train `run`."""
    found = []
    for process in study.trainers(run):
        with open(f"/proc/{process}/environ", "rb") as environment:
            if f"RANK={rank}".encode() in environment.read().split(b"\0"):
                found.append(process)
    return found


def allocated(job: str) -> tuple[str, int, int]:
    """A job's state, nodes and GPUs."""
    said = slurm_says("sacct", "-X", "-n", "-P", f"--jobs={job}", "--format=State,AllocNodes,AllocTRES").strip()
    state, nodes, granted = said.split("|")
    gpus = re.search(r"gres/gpu=(\d+)", granted)
    return state.split()[0], int(nodes), int(gpus[1]) if gpus else 0


def test_a_killed_process_of_two_ends_the_job_and_the_next_one_goes_on_to_the_curve_of_one_process(
    with_data, undisturbed
):
    study, run = with_data, "gpus"
    with study.running(study.submitting(model(run), *GPUS)) as running:
        under_way(study, run)
        (second,) = of_rank(study, run, 1)
        at = study.saved(run)
        os.kill(second, signal.SIGKILL)
        until(lambda: not study.trainers(run), "all of its processes end", 60)
        assert (study.saved(run) or 0) >= at
        until(lambda: running.poll() is not None, "it is trained")
    assert running.returncode == 0, study.said()[-8000:]
    assert study.said().count("was killed by signal 9") == 1, study.said()[-8000:]
    assert [allocated(job) for job in submitted(study, run)] == [("FAILED", 1, 2), ("COMPLETED", 1, 2)]
    np.testing.assert_allclose(losses(study, run), undisturbed, rtol=ROUNDING)


def test_processes_on_two_nodes_have_the_curve_of_one_process(with_data, undisturbed):
    study, run = with_data, "nodes"
    with study.running(study.submitting(model(run), *NODES)) as running:
        under_way(study, run)
        names = set()
        for process in study.trainers(run):
            with open(f"/proc/{process}/environ", "rb") as environment:
                names |= set(re.findall(rb"\0SLURMD_NODENAME=(\w+)", environment.read()))
        assert names >= {b"ssmttm1", b"ssmttm2"}
        until(lambda: running.poll() is not None, "it is trained")
    assert running.returncode == 0, study.said()[-8000:]
    assert [allocated(job) for job in submitted(study, run)] == [("COMPLETED", 2, 2)]
    np.testing.assert_allclose(losses(study, run), undisturbed, rtol=ROUNDING)


def test_a_preempted_training_saves_its_state_first_and_goes_on_when_it_may(with_data, undisturbed):
    study, run = with_data, "preempted"
    with study.running(study.submitting(model(run), *LOW)) as running:
        under_way(study, run)
        (trainer,) = study.trainers(run)
        slurm_says("sbatch", "--partition=gpu", "--gpus=2", "--mem=100", "--output=/dev/null", "--wrap=sleep 2")
        until(lambda: trainer not in study.trainers(run), "it makes room within the time of grace", 50)
        log = (study.folder / "results" / "logs" / run / "train.log").read_text(encoding="utf-8")
        (at,) = re.findall(r"asked to end \(SIGTERM\): its state after step (\d+) is saved", log)
        assert study.saved(run) == int(at)
        until(lambda: running.poll() is not None, "it is trained")
    assert running.returncode == 0, study.said()[-8000:]
    assert losses(study, run) == undisturbed
