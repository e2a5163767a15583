"""A shared file system that shows here, only seconds later, what a node has written."""

import os
import shutil

import pytest

from .conftest import CLAIMS, Study, until

LATE = 6
"""Seconds."""
SRUN = """#!/bin/sh
{srun} "$@"
ended=$?
file={folder}/{claims}
if [ -e $file ]; then mv $file $file.late; (sleep {late}; mv $file.late $file) > /dev/null 2>&1 & fi
exit $ended
"""


@pytest.fixture
def late(slurm, bare, monkeypatch) -> Study:
    """A study whose jobs' product is out of sight for a while when they have ended."""
    if slurm != "no":
        pytest.skip("once is enough: without accounts")
    own = bare.folder / "bin" / "srun"
    own.parent.mkdir()
    text = SRUN.format(srun=shutil.which("srun"), folder=bare.folder, claims=CLAIMS, late=LATE)
    own.write_text(text, encoding="utf-8")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{own.parent}{os.pathsep}{os.environ['PATH']}")
    return bare


def made(study: Study, wait: int) -> int:
    with study.running([*study.submitting(CLAIMS), "--latency-wait", str(wait), "--retries", "0"]) as running:
        until(lambda: running.poll() is not None, "it ends")
    return running.returncode


def test_it_is_waited_for(late):
    assert made(late, 3 * LATE) == 0, late.said()[-4000:]
    assert (late.folder / CLAIMS).stat().st_size


def test_one_message_says_which_job_waited_for_what_and_what_to_do(late):
    assert made(late, 1) == 1
    said = late.said()
    for part in ("claims", CLAIMS, "--latency-wait", "SLURM jobid", "results/logs/claims.log"):
        assert part in said, said[-4000:]
    assert "Traceback" not in said
