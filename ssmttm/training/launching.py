"""Starting the processes of one run: those of this machine or, within a job of SLURM, of all of the job's nodes."""

import logging
import os
import shutil
import socket
import subprocess
import sys
import uuid

from ssmttm.errors import UserError
from ssmttm.progress import notify
from ssmttm.settings import Granted, TrainingSettings

MEETING = "SSMTTM_MEETING"
"""Variable of the processes that start a node's: where all nodes meet, `id@host:port`."""


def settle(settings: TrainingSettings, granted: Granted) -> TrainingSettings:
    """`settings` with the processes that `granted` makes, and a micro-batch of which each takes whole ones.

    Raises UserError for a batch or processes that can't be divided evenly.
    """
    processes = granted.gpus if granted.gpus > 1 else settings["processes"]
    if processes % granted.nodes:
        raise UserError(
            f"--nodes {granted.nodes}: {processes} processes can't be spread over them evenly; ask for a number of "
            "GPUs that is a multiple of the nodes"
        )
    if processes == settings["processes"]:
        return settings
    share, rest = divmod(settings["batch_size"], processes)
    if rest:
        raise UserError(
            f"--gpus {processes}: training.batch_size {settings['batch_size']} can't be divided among as many "
            "processes evenly; change one of them"
        )
    micro = settings["micro_batch"]
    if micro != "auto":
        micro = next(size for size in range(min(micro, share), 0, -1) if share % size == 0)
    return {**settings, "processes": processes, "micro_batch": micro}


def launch(processes: int, granted: Granted, arguments: list[str]) -> None:
    """Run `ssmttm` with `arguments` in `processes` processes on the machines of `granted`, and wait for them.

    When one fails, all are ended at once. Exits with the status of the first that failed; it has said why, unless it
    was killed, which is said here.
    """
    meeting, nodes = os.environ.get(MEETING), granted.nodes
    if nodes > 1 and meeting is None:
        _spread(granted, arguments)
        return
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    name, _, where = (meeting or f"{uuid.uuid4().hex}@localhost:0").partition("@")
    config = LaunchConfig(
        min_nodes=nodes,
        max_nodes=nodes,
        nproc_per_node=processes // nodes,
        run_id=name,
        rdzv_backend="c10d",
        rdzv_endpoint=where,
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "ssmttm", *arguments)
    except SignalException as error:  # passed on to the processes, of which the leading one has said what it did
        sys.exit(128 + error.sigval)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            notify(
                f"process {rank + 1} of {processes}, on {socket.gethostname()}, was killed by signal "
                f"{-failure.exitcode}; "
                "the others were ended; started again, the run goes on from its last state"
            )
        sys.exit(max(failure.exitcode, 1))


def _spread(granted: Granted, arguments: list[str]) -> None:
    """Have srun start each node's processes, on every node of the job that this process belongs to."""
    job, srun, nodes = os.environ.get("SLURM_JOB_ID"), shutil.which("srun"), granted.nodes
    if job is None or srun is None:
        raise UserError(
            f"--nodes {nodes}: processes on other machines are started by srun, within a job of SLURM, which this "
            "isn't; leave the option out, or start them with torchrun: see README, Training at the paper's size"
        )
    command = [srun, f"--jobid={job}", "--overlap", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"]
    command += ["--kill-on-bad-exit=1", "--cpu-bind=none", "--mem=0", "--quiet"]
    command += [f"--gpus-per-node={granted.gpus // nodes}"] if granted.gpus else []
    meeting = f"{uuid.uuid4().hex}@{socket.gethostname()}:{_free_port()}"
    everyone = [*command, sys.executable, "-m", "ssmttm", *arguments]
    done = subprocess.run(everyone, env={**os.environ, MEETING: meeting}, check=False)
    if done.returncode:
        sys.exit(max(done.returncode, 1))


def _free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as listening:
        listening.bind(("", 0))
        port: int = listening.getsockname()[1]
        return port
