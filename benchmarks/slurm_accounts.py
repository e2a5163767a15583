"""What SLURM's accounting database says of jobs that have ended."""

import subprocess
from collections.abc import Sequence
from typing import NamedTuple


class Account(NamedTuple):
    """A job, with all of its steps."""

    processor: float
    """Seconds."""
    start: str
    end: str


def accounts(jobs: Sequence[str]) -> dict[str, Account]:
    """Those of `jobs`; of none if this SLURM keeps no accounts."""
    command = ["sacct", "-n", "-P", f"--jobs={','.join(jobs)}", "--format=JobIDRaw,TotalCPU,Start,End"]
    done = subprocess.run(command, capture_output=True, text=True, check=False) if jobs else None
    rows = [line.split("|") for line in done.stdout.splitlines()] if done and done.returncode == 0 else []
    return {job: Account(seconds(used), start, end) for job, used, start, end in rows if job.isdigit()}


def seconds(clock: str) -> float:
    """Of `1-02:03:04` or `03:04.567`."""
    days, _, clock = clock.rpartition("-")
    return sum(float(part) * 60**k for k, part in enumerate(reversed(clock.split(":")))) + 86400 * int(days or 0)
