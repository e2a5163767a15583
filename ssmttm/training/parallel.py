"""Training in several processes, each on its own device, that together do what one would do.

Each process computes its share of a step's clips; gradients and losses are averaged over all.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.threads import set_threads

PATIENCE = 15.0
"""Seconds that a process waits before it speaks of an error that the first process may have seen, too."""


class Workers:
    """The processes of one run, seen from one of them; alone, everything here does nothing."""

    def __init__(self, device: torch.device, fabric: Any = None) -> None:
        self.device = device
        self._fabric = fabric
        self.rank: int = fabric.global_rank if fabric else 0
        self.size: int = fabric.world_size if fabric else 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and reports."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module to run forward: its gradients are averaged over all processes in the backward pass."""
        return self._fabric.setup_module(module) if self._fabric else module

    def no_sync(self, module: nn.Module, enabled: bool) -> AbstractContextManager[Any]:
        """While `enabled`, gradients are summed up here and not averaged yet."""
        return self._fabric.no_backward_sync(module, enabled=enabled) if self._fabric else nullcontext()

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`."""
        if self._fabric:
            self._fabric.backward(loss)
        else:
            loss.backward()

    def mean(self, value: Tensor) -> Tensor:
        """The mean of `value` over all processes."""
        return self._fabric.all_reduce(value, reduce_op="mean") if self._fabric else value

    def share(self, value: Any) -> Any:
        """What the leading process passes as `value`."""
        return self._fabric.broadcast(value) if self._fabric else value

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self._fabric:
            self._fabric.barrier()


def started_by_launcher() -> bool:
    """Whether torchrun, or `ssmttm.training.launching`, started this process."""
    return "WORLD_SIZE" in os.environ


def speaks() -> bool:
    """Whether this is the process that will lead the run, or its only one; known before they have met."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def join(processes: int, device: str, threads: int | None) -> Iterator[Workers]:
    """Yield the workers of a run with `processes` processes, of which this is one.

    Several processes of one machine take its GPUs in order, one each, or its CPU; one process
    claims a device as `claim_device` does. Raises UserError if torchrun started another number.
    """
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != processes:
        raise UserError(
            f"{processes} processes were to train this run (--gpus, else training.processes), but torchrun started "
            f"{started}; make them agree: --nproc-per-node times --nnodes, or the setting"
        )
    if processes == 1:
        with claim_device(device, threads) as place:
            yield Workers(place)
        return
    try:
        yield Workers(*_fabric(device, threads))
    except UserError:
        if not speaks():
            time.sleep(PATIENCE)
        raise
    except RuntimeError as error:
        if not _peer_is_lost(error):
            raise
        time.sleep(PATIENCE)  # the process that is gone has said why, or what started it says so, and ends this one
        raise UserError(
            "another process of this run ended, or its machine can't be reached any more; started again, the run goes "
            f"on from its last state ({str(error).splitlines()[0]})"
        ) from error
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _peer_is_lost(error: RuntimeError) -> bool:
    """Whether a collective operation failed since another process is gone."""
    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error)


def _fabric(device: str, threads: int | None) -> tuple[torch.device, Any]:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    set_threads(threads)
    here = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"]))
    gpus = torch.cuda.device_count() if device in ("auto", "cuda") else 0
    if device not in ("auto", "cuda", "cpu") or (device == "cuda" and gpus < here):
        raise UserError(f"--device {device}: {here} processes on this machine need auto, cpu, or cuda with {here} GPUs")
    if 0 < gpus < here:
        raise UserError(
            f"{here} processes on {socket.gethostname()} need a GPU each, but it has {gpus} for them; start as many "
            "processes as there are GPUs, or compute on the processor: --device cpu"
        )
    strategy = DDPStrategy(
        cluster_environment=TorchElasticEnvironment(), process_group_backend="nccl" if gpus >= here else "gloo"
    )
    fabric = Fabric(
        accelerator="cuda" if gpus >= here else "cpu",
        devices=here,
        num_nodes=int(os.environ["WORLD_SIZE"]) // here,
        strategy=strategy,
        precision="32-true",
    )
    fabric.launch()
    return fabric.device, fabric
