"""Where SLURM keeps no accounts of jobs, Snakemake asks its queue how they ended."""

import os
import signal

import pytest

from .conftest import CLAIMS, Study, slurm_says, until


@pytest.fixture
def unaccounted(slurm, bare) -> Study:
    if slurm != "no":
        pytest.skip("needs a SLURM without an accounting database")
    return bare


def numbers(study: Study) -> list[str]:
    """The ids of this study's jobs that run."""
    lines = slurm_says("squeue", "--noheader", "--states=RUNNING", "--format=%i|%Z").splitlines()
    return [line.split("|")[0] for line in lines if line.endswith(f"|{study.folder}")]


def claimants(study: Study) -> list[int]:
    return study.processes(b"claims", b"--out")


def test_jobs_that_fail_or_are_cancelled_are_submitted_again(unaccounted):
    study = unaccounted
    with study.running(study.submitting(CLAIMS)) as running:
        until(lambda: claimants(study), "the first job runs")
        for process in claimants(study):
            os.kill(process, signal.SIGKILL)
        first = numbers(study)
        until(lambda: set(numbers(study)) - set(first), "a second job runs")
        (second,) = set(numbers(study)) - set(first)
        slurm_says("scancel", second)
        until(lambda: running.poll() is not None, "the third ends")
    assert running.returncode == 0, study.said()[-8000:]
    assert "asked by squeue" in study.said()
    assert (study.folder / CLAIMS).stat().st_size
    assert study.said().count("has been submitted with SLURM jobid") == 3
    states = slurm_says("squeue", "--noheader", "--states=all", "--format=%T|%Z").splitlines()
    assert sorted(line.split("|")[0] for line in states if line.endswith(f"|{study.folder}")) == [
        "CANCELLED", "COMPLETED", "FAILED",
    ]  # fmt: skip
