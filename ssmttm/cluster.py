"""What is asked of SLURM before the first job of a workflow: clear messages instead of a failed job each.

No torch, but where a job has been granted a GPU. `workflow` is Snakemake's own object, once its jobs are known.
"""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError

_SECONDS = 60
_OPTION = "--slurm-status-command"
_LONGEST_PAUSE = 180
"""Seconds, at most, between two looks of the executor at its jobs."""
_CLOCK_S = 60.0
"""Seconds that a machine's clock may be away from that of its files."""
_GUIDE = "see docs/slurm.md"
_PROGRAMS = ("sbatch", "sinfo", "scontrol", "squeue", "scancel")


def check_cluster(workflow: Any, say: Callable[[str], None]) -> None:
    """Raise UserError if SLURM is asked to run jobs, but isn't there, or has not what they are to be sent to.

    Chooses what is asked for the states of jobs, unless the command line does, and tells `say`.
    """
    if workflow.remote_exec or getattr(workflow.executor_plugin, "name", None) != "slurm":
        return
    check_clock(Path())
    check_programs()
    partitions = read_partitions(answer("sinfo", "--noheader", "--all", "--format=%P|%G"))
    settings = workflow.executor_settings
    jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    check_nodes(jobs)
    check_partitions(wanted(jobs, settings, partitions), partitions)
    if settings.status_command == "sacct" and not any(word.startswith(_OPTION) for word in sys.argv):
        settings.status_command, why = status_command(answer("scontrol", "show", "config"))
        say(why)


def status_command(config: str) -> tuple[str, str]:
    """What to ask for the states of jobs, sacct or squeue, and why, by a SLURM's `scontrol show config`.

    To Snakemake's executor (2.8) a job of which sacct says `CANCELLED by 1000` is one that still runs, for which it
    waits without end; squeue says `CANCELLED`. But squeue forgets a job `MinJobAge` after its end.
    """
    found = re.search(r"^MinJobAge\s*=\s*(\d+)", config, re.MULTILINE)
    age = int(found[1]) if found else 0
    if age > _LONGEST_PAUSE:
        return (
            "squeue",
            "States of jobs are asked by squeue; by sacct, Snakemake never sees that one was cancelled.",
        )
    if accounts(config):
        return "sacct", (
            f"SLURM forgets jobs after {age} s, so their states are asked by sacct, by which Snakemake doesn't see "
            f"that a job was cancelled: after scancel, end Snakemake and start it again; {_GUIDE}"
        )
    return "squeue", (
        f"SLURM keeps no accounts of jobs and forgets them after {age} s: Snakemake may miss that one has ended, and "
        f"wait for it forever; start it again then, and ask for a MinJobAge of 300 s; {_GUIDE}"
    )


def check_clock(folder: Path) -> None:
    """Raise UserError if the file system of `folder` has another time than this machine, as a new file there shows.

    Which files are newer decides what runs. Where none can be made, nothing is said.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".clock-") as file:
            behind = Path(file.name).stat().st_mtime - time.time()
    except OSError:
        return
    if abs(behind) > _CLOCK_S:
        wrong = f"{abs(behind) / 60:.0f} minutes {'behind' if behind > 0 else 'ahead of'}"
        raise UserError(
            f"the clock of {socket.gethostname()} is {wrong} that of the file system of {folder.resolve()}: files "
            f"would seem older than what they were made from; have it set, or use another machine or node; {_GUIDE}"
        )


def check_programs() -> None:
    """Raise UserError if SLURM's commands aren't on this machine."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        raise UserError(
            f"the profile sends jobs to SLURM, but {', '.join(missing)} can't be found on this machine: start "
            "Snakemake on a login node of the cluster (perhaps after `module load slurm`), or run the workflow here, "
            f"without the profile: snakemake --cores all; {_GUIDE}"
        )


def answer(*command: str) -> str:
    """What a command of SLURM prints; UserError if it fails, with what it says."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"{' '.join(command)}: no answer within {_SECONDS} s; ask the cluster's administrators"
        ) from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise UserError(f"{' '.join(command)}: SLURM doesn't answer: {said[-1]}; ask the cluster's administrators")
    return done.stdout


def read_partitions(table: str) -> dict[str, bool]:
    """{partition: whether one of its nodes has a GPU}, the default first, from lines `NAME[*]|GRES` of sinfo."""
    found: dict[str, bool] = {}
    default = None
    for line in filter(None, map(str.strip, table.splitlines())):
        marked, _, resources = line.partition("|")
        name = marked.rstrip("*")
        default = name if marked.endswith("*") else default
        found[name] = found.get(name, False) or bool(re.search(r"(^|,)gpu\b", resources))
    return ({default: found[default]} if default else {}) | found


def accounts(config: str) -> bool:
    """Whether a SLURM whose `scontrol show config` is `config` has a database of jobs."""
    kind = re.search(r"^AccountingStorageType\s*=\s*(\S+)", config, re.MULTILINE)
    return not (kind and kind[1].rpartition("/")[2] in ("none", "(null)"))


def wanted(jobs: Iterable[Any], settings: Any, partitions: Mapping[str, bool]) -> Iterator[tuple[str, str, bool]]:
    """Of each job its rule, the partition that it will be sent to, and whether it asks for a GPU.

    As the executor chooses: the job's own, else what fits best of the user's file, else the cluster's default.
    Jobs for another cluster, and those without a partition, are left out.
    """
    file = settings.partition_config or os.environ.get("SNAKEMAKE_SLURM_PARTITIONS")
    described = _described(Path(file)) if file else None
    default = next(iter(partitions), None)
    for job in jobs:
        if any(job.resources.get(key) for key in ("slurm_cluster", "cluster", "clusters")):
            continue
        partition = job.resources.get("slurm_partition") or (described and described(job)) or default
        if partition:
            gpu = job.resources.get("gpu") or "gpu" in str(job.resources.get("gres") or "")
            yield job.rule.name, str(partition), bool(gpu)


def _described(file: Path) -> Callable[[Any], str | None]:
    """The executor's own choice among the partitions that a user's file describes."""
    from snakemake_executor_plugin_slurm.partitions import get_best_partition, read_partition_file

    known, silent = read_partition_file(file), logging.getLogger("ssmttm.cluster.silent")
    silent.disabled = True
    return lambda job: get_best_partition(known, job, silent)


def check_partitions(jobs: Iterable[tuple[str, str, bool]], partitions: Mapping[str, bool]) -> None:
    """Raise UserError if the cluster has no such partition, or asks a partition without GPUs for one."""
    for rule, name, gpu in jobs:
        for one in name.split(","):
            if one not in partitions:
                raise UserError(
                    f"{rule}: is to run in partition {one}, which this cluster hasn't; it has {', '.join(partitions)}; "
                    f"change slurm_partition, or the file that SNAKEMAKE_SLURM_PARTITIONS names; {_GUIDE}"
                )
        if gpu and not any(partitions[one] for one in name.split(",")):
            others = [other for other, has in partitions.items() if has]
            where = (
                f"partitions with GPUs: {', '.join(others)}" if others else "no partition has any that SLURM knows of"
            )
            raise UserError(
                f"{rule}: asks for a GPU, but no node of partition {name} has one; {where}. Have jobs sent to where "
                "they fit: generate-slurm-partition-config -o partitions.yaml, see that max_gpu stands there where "
                "there are GPUs, and export SNAKEMAKE_SLURM_PARTITIONS with that file's path; or set gpu: 0 for "
                f"{rule} in the profile, to compute on CPUs; {_GUIDE}"
            )


def check_nodes(jobs: Iterable[Any]) -> None:
    """Raise UserError for a job of several nodes that can't reach all of them.

    The executor (2.8) starts only jobs with the resource `mpi` in a way that lets them start processes on each.
    """
    for job in jobs:
        nodes, gpus = job.resources.get("nodes") or 1, job.resources.get("gpu") or 0
        if nodes == 1:
            continue
        tasks = job.resources.get("tasks"), job.resources.get("tasks_per_gpu")
        if not job.resources.get("mpi") or tasks != (nodes, 0):
            raise UserError(
                f"{job.rule.name}: nodes is {nodes}, for which SLURM needs to be told of a task on each; write in the "
                f"profile's set-resources, for {job.rule.name}: nodes: {nodes}, tasks: {nodes}, tasks_per_gpu: 0, "
                f"mpi: srun; {_GUIDE}"
            )
        if gpus % nodes:
            raise UserError(
                f"{job.rule.name}: gpu is {gpus}, but GPUs are taken from {nodes} nodes evenly; make it a multiple of "
                f"nodes; {_GUIDE}"
            )


def unseen_gpu(environment: Mapping[str, str]) -> str | None:
    """What to say in a job to which SLURM granted a GPU that torch doesn't see; None elsewhere."""
    granted = environment.get("SLURM_STEP_GPUS") or environment.get("SLURM_JOB_GPUS")
    if not granted:
        return None
    import torch

    if torch.cuda.device_count():
        return None
    return (
        f"SLURM granted this job GPU {granted} of {environment.get('SLURMD_NODENAME', 'its node')}, but torch "
        f"{torch.__version__} sees none: it is built for CPUs alone, or the node's driver is too old for it. "
        f"What computes here does so on the CPU; {_GUIDE}"
    )
