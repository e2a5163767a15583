"""What SLURM adds: the smoke study on this machine's cores, and by sbatch on a SLURM of the same machine.

    tests/slurm/up.sh && . /var/lib/ssmttm-slurm/env
    python benchmarks/engine.py

Both start from nothing but their downloads, which the first one leaves to the second. Processor time is that of all
processes; SLURM's jobs are asked for theirs by sacct, so an accounting database is needed.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from slurm_accounts import accounts

ROOT = Path(__file__).resolve().parent.parent
THREADS = ("--set-threads", "train=1", "refiner=1", "evaluate=1", "codec=1")
PROFILE = ("--workflow-profile", "workflow/profiles/slurm", "--slurm-init-seconds-before-status-checks", "1")
WAYS = {"local": ("--cores", "2"), "SLURM": (*PROFILE, "--jobs", "6", "--latency-wait", "5")}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name) / "cache"
        cache.mkdir()
        study(Path(name) / "downloads", cache, "--cores", "2", "--until", "audio")  # leaves the downloads
        found = {way: study(Path(name) / way, cache, *options) for way, options in WAYS.items()}
    print(f"{'':8} {'seconds':>8} {'processor s':>12} {'jobs':>5}")
    for way, (seconds, processor, jobs) in found.items():
        print(f"{way:8} {seconds:8.0f} {processor:12.0f} {jobs:5d}")
    (local, own, _), (slurm, submitted, jobs) = found.values()
    print(f"SLURM by local: {slurm / local:.2f} of the time, {submitted / own:.2f} of the processor time")
    print(
        f"added by each of {jobs} jobs: {(slurm - local) / jobs:.1f} s, {(submitted - own) / jobs:.1f} s of processor"
    )


def study(folder: Path, cache: Path, *options: str) -> tuple[float, float, int]:
    """Seconds, processor seconds and jobs of the smoke study in a new `folder`."""
    (folder / "results").mkdir(parents=True)
    (folder / "results" / "cache").symlink_to(cache)
    for part in ("Snakefile", "workflow", "profiles", "config.yaml", "environment.yml"):
        (folder / part).symlink_to(ROOT / part)
    command = [sys.executable, "-m", "snakemake", "results/report.html", *THREADS, *options]
    command += ["--configfile", "workflow/presets/smoke/config.yaml"]
    started, before = time.monotonic(), children()
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    submitted = re.findall(r"SLURM jobid (\d+)", done.stdout)
    kept = accounts(submitted)
    if len(kept) < len(submitted):
        sys.exit("this SLURM keeps no accounts of its jobs: bring it up with a database")
    jobs = len(submitted) or len(re.findall(r"^Finished jobid", done.stdout, re.MULTILINE))
    return seconds, children() - before + sum(job.processor for job in kept.values()), jobs


def children() -> float:
    """Processor seconds of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
