"""Where a job computes: a free GPU, claimed by file lock, or the CPU."""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from filelock import FileLock, Timeout

from ssmttm.errors import UserError
from ssmttm.threads import set_threads

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def claim_device(name: str = "auto", threads: int | None = None) -> Iterator[torch.device]:
    """Yield the device to compute on, held until the block ends.

    Args:
        name: `auto` (a free NVIDIA GPU if there is one, else the CPU), `cpu`, `cuda`, a name such as `cuda:1`, or
            `mps`, an Apple GPU, which has no float64 and not every operation: where one is missing, UserError names it.
        threads: CPU threads, None for torch's own choice; more threads than one may change the order of sums.
    """
    set_threads(threads)
    if name != "auto":
        device = _checked(name)
        with _named_gaps(device):
            yield device
        return
    for index in range(torch.cuda.device_count()):
        # By its own id: numbers are per job where a scheduler shows each job its GPUs only.
        uuid = torch.cuda.get_device_properties(index).uuid
        path = Path(tempfile.gettempdir()) / f"ssmttm-gpu-{uuid}-{os.getuid()}.lock"
        try:
            claim = FileLock(path, fallback_to_soft=False).acquire(blocking=False)
        except Timeout:
            continue
        with claim:
            yield torch.device("cuda", index)
            return
    if torch.cuda.device_count():
        warnings.warn("every GPU here is claimed by another ssmttm job; computing on the CPU", stacklevel=3)
    yield torch.device("cpu")


@contextmanager
def _named_gaps(device: torch.device) -> Iterator[None]:
    """What an Apple GPU can't compute ends in a message that names it, instead of a traceback."""
    try:
        yield
    except (NotImplementedError, TypeError) as error:
        if device.type != "mps" or not any(word in str(error) for word in ("MPS", "float64")):
            raise
        raise UserError(
            f"device mps can't do this: {str(error).splitlines()[0]} Use --device cpu, or set "
            "PYTORCH_ENABLE_MPS_FALLBACK=1, with which torch computes what is missing on the CPU"
        ) from error


def share_among_threads(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`function` of each item, in order, on as many threads as torch has for one operation.

    Each item is computed on one thread: faster than sharing small operations among threads, and
    the result doesn't depend on their number.
    """
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=set_threads, initargs=(1,)) as pool:
            return list(pool.map(function, items))
    finally:
        set_threads(threads)


def _checked(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"device {name!r} is no device name; use auto, cpu, cuda, cuda:N or mps") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device {name!r} was asked for, but torch finds no GPU; use --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("device 'mps' was asked for, but torch finds no Apple GPU; use --device cpu")
    return device
