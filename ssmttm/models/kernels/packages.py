"""The packages whose kernels a GPU computes by: which are installed, and whether they take what is asked of them.

They are imported only where a GPU is used, and only in the versions that they are used at: gradients come from
functions that are no part of their interface.
"""

import importlib
import importlib.metadata
import os
from functools import cache
from typing import NamedTuple

import torch

from ssmttm.errors import UserError
from ssmttm.models.eager import constant

PINS = {"mamba-ssm": "2.3.2.post1", "causal-conv1d": "1.7.0"}
"""Versions, by distribution."""

SWITCH = "SSMTTM_KERNELS"
"""Environment variable: `plain` has a GPU compute by tensor operations, whatever is installed."""

_ENTRY = {"mamba-ssm": "mamba_ssm.ops.triton.ssd_combined", "causal-conv1d": "causal_conv1d.cpp_functions"}
"""The module that is used of each."""

SHARED_BYTES = {torch.bfloat16: 72192, torch.float16: 72192, torch.float32: 65664}
"""Shared memory of a block that the scan's kernels take in their configurations with the smallest blocks, at the shape
that takes most: measured by compiling them for four kinds of GPUs (tests/gpu_kernels/test_compiled.py)."""

_CHUNKS = (16, 32, 64, 128, 256)
"""Chunks that are tried; others have given wrong numbers on GPUs (mamba-ssm's issue 449)."""
_MOST_CHANNELS, _MOST_STATE, _MOST_STATE_MAMBA1 = 128, 512, 256
_OFFSETS = 2**31
"""Kernels count numbers with 32 bits: tensors of more are computed wrongly (mamba-ssm's issue 1015)."""


class Choice(NamedTuple):
    """Whether kernels compute, and what a manifest says about it."""

    kernels: bool
    name: str


def plain(why: str) -> Choice:
    """Tensor operations, for the reason `why`."""
    return Choice(False, f"tensor operations ({why})")


@cache
def usable(distribution: str) -> bool:
    """Whether a package of `PINS` is installed; imports it.

    Raises UserError if it is of another version or can't be imported.
    """
    pin = PINS[distribution]
    ways = (
        f"Install the pinned versions (pip install --no-build-isolation 'ssmttm[gpu]'), or go on without it, on tensor "
        f"operations, which are slower: set {SWITCH}=plain, or pip uninstall {distribution}"
    )
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    if version.partition("+")[0] != pin:
        raise UserError(
            f"{distribution} {version} is installed, but ssmttm uses functions of {distribution} {pin} that may differ "
            f"in other versions. {ways}"
        )
    set_product_precision()
    try:
        importlib.import_module(_ENTRY[distribution])
    except Exception as error:  # a missing dependency, or a library for another torch, CUDA or Python
        reason = f"importing {_ENTRY[distribution]} fails ({type(error).__name__}: {error})"
        raise UserError(f"{distribution} {version} is installed, but {reason}. {ways}") from error
    return True


def set_product_precision() -> None:
    """Have Triton's products of single precision computed as torch's own are; by default it rounds them to TF32.

    Otherwise training in fp32 would not be, and a prompt that is read at once would differ from one read step by step.
    An environment variable, since kernels look at it when they are compiled; one that is set already is left.
    """
    if torch.get_float32_matmul_precision() == "highest":
        os.environ.setdefault("TRITON_F32_DEFAULT", "ieee")


@constant
def choose_ssd(device: torch.device, dtype: torch.dtype, chunk: int, channels: int, size: int) -> Choice:
    """What computes Mamba-2's scan of `dtype` on `device`: heads of `channels` channels, states of `size`."""
    return _choose_ssd(device, dtype, chunk, channels, size)


@cache
def _choose_ssd(device: torch.device, dtype: torch.dtype, chunk: int, channels: int, size: int) -> Choice:
    if (choice := _without("mamba-ssm", device)) is not None:
        return choice
    if dtype not in SHARED_BYTES:
        return plain(f"kernels don't compute in {dtype}")
    if chunk not in _CHUNKS:
        return plain(f"kernels take chunks of {', '.join(map(str, _CHUNKS))} frames; model.chunk is {chunk}")
    if channels > _MOST_CHANNELS or size > _MOST_STATE:
        return plain(
            f"kernels are tried up to head_dim {_MOST_CHANNELS} and d_state {_MOST_STATE}; here they are {channels} "
            f"and {size}"
        )
    shared = shared_bytes(device)
    if shared < SHARED_BYTES[dtype]:
        return plain(
            f"{torch.cuda.get_device_name(device)} has {shared:,} bytes of shared memory for a block; mamba-ssm's "
            f"kernels take {SHARED_BYTES[dtype]:,} for d_state {size} in {str(dtype).removeprefix('torch.')}"
        )
    return Choice(True, f"mamba-ssm {PINS['mamba-ssm']}")


@constant
def choose_selective(device: torch.device, size: int) -> Choice:
    """What computes Mamba-1's scan on `device`, with states of `size` for each channel."""
    return _choose_selective(device, size)


@cache
def _choose_selective(device: torch.device, size: int) -> Choice:
    if (choice := _without("mamba-ssm", device)) is not None:
        return choice
    if size > _MOST_STATE_MAMBA1:
        return plain(f"mamba-ssm's kernel takes d_state up to {_MOST_STATE_MAMBA1}; here it is {size}")
    return Choice(True, f"mamba-ssm {PINS['mamba-ssm']}")


@cache
def choose_step(device: torch.device, dtype: torch.dtype, size: int) -> Choice:
    """What computes one step of a state of `dtype`, with `size` numbers for each channel, on `device`."""
    if (choice := _without("mamba-ssm", device)) is not None:
        return choice
    if dtype != torch.float32:
        return plain(f"the kernel of a step is used for states in float32; this one is {dtype}")
    if size > _MOST_STATE:
        return plain(f"the kernel of a step is tried up to d_state {_MOST_STATE}; here it is {size}")
    return Choice(True, f"mamba-ssm {PINS['mamba-ssm']}")


@constant
def convolves(device: torch.device, dtype: torch.dtype, channels: int, width: int) -> bool:
    """Whether causal-conv1d computes a convolution over `width` frames."""
    if dtype not in SHARED_BYTES or channels % 8 or not 2 <= width <= 4:
        return False
    return _without("causal-conv1d", device) is None


def normalizes(dtype: torch.dtype, channels: int) -> bool:
    """Whether the kernels of gate and norm take rows of `channels` numbers: they hold one in 64 KB."""
    return channels * dtype.itemsize <= 65536


def countable(*elements: int) -> bool:
    """Whether kernels can count the elements of each tensor."""
    return max(elements) < _OFFSETS


def shared_bytes(device: torch.device) -> int:
    """Shared memory that one block may take on a GPU."""
    properties = torch.cuda.get_device_properties(device)
    # All of a multiprocessor's but one KB, which the driver keeps, where torch doesn't say it itself.
    most = getattr(properties, "shared_memory_per_block_optin", None)
    return int(most or properties.shared_memory_per_multiprocessor - 1024)


@cache
def _without(distribution: str, device: torch.device) -> Choice | None:
    """Why the kernels of a package can't be used on `device`, if so."""
    if device.type != "cuda":
        return plain(f"kernels are for GPUs of the type cuda; this is {device.type}")
    if not torch.cuda.is_available():  # memory is planned for a GPU where none is
        return plain("no GPU is at hand")
    if os.environ.get(SWITCH) == "plain":
        return plain(f"{SWITCH} is plain")
    if torch.version.cuda is None:
        return plain("this build of torch has no CUDA")
    return None if usable(distribution) else plain(f"{distribution} is not installed")
