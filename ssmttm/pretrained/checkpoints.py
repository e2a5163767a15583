"""Weight files from the user's machine: safetensors, or PyTorch's own, read as data and never unpickled."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from ssmttm.errors import UserError

State = dict[str, torch.Tensor]

# Training records beside the weights hold NumPy scalars; they are read as nothing.
_IGNORED = (
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "numpy.dtypes.Float64DType",
    "numpy.dtypes.Float32DType", "numpy.dtypes.Int64DType",
)  # fmt: skip


class _Ignored:
    """Stands for the NumPy scalars of a checkpoint, which so import nothing."""

    def __init__(self, *parts: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_weights(path: Path, key: str, remedy: str) -> State:
    """The tensors of a weight file by name, float32 where they are floating point.

    Args:
        path: `.safetensors`, or what `torch.save` wrote: a mapping of tensors, or a checkpoint that
            has one under `model`, `state_dict` or `best_state`. A prefix `module.` is taken off.
        key: the config key that `path` is from, for messages.
        remedy: what to do about a wrong file, for messages.

    Raises:
        UserError: the file is missing, damaged, or holds anything but tensors and plain values.
    """
    where = f"{key}: {path}"
    if not path.is_file():
        raise UserError(f"{where}: no such file; {remedy}")
    read: object
    if path.suffix == ".safetensors":
        read, _ = read_safetensors(path, where, remedy)
    else:
        read = read_pickle(path, where, remedy)
    for name in ("model", "state_dict", "best_state"):
        if isinstance(read, Mapping) and isinstance(read.get(name), Mapping):
            read = read[name]
    if not isinstance(read, Mapping):
        raise UserError(f"{where}: no mapping of weights, but a {type(read).__name__}; {remedy}")
    state = {str(name).removeprefix("module."): t for name, t in read.items() if isinstance(t, torch.Tensor)}
    if not state:
        raise UserError(f"{where}: holds no weights; {remedy}")
    return {name: t.float() if t.is_floating_point() else t for name, t in state.items()}


def read_safetensors(path: Path, where: str, remedy: str) -> tuple[State, dict[str, str]]:
    """The tensors of a safetensors file by name, and its metadata; UserError `where: …; remedy` if it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            return tensors, dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise UserError(f"{where}: unreadable weights ({error}); {remedy}") from error


def read_pickle(path: Path, where: str, remedy: str, *allowed: type | tuple[type, str]) -> object:
    """What `torch.save` wrote, as data: tensors, plain values, and the classes `allowed`, or stand-ins for names.

    Raises UserError `where: …; remedy` if it is damaged or holds anything else, of which nothing is run.
    """
    ignored = ((_Ignored, name) for name in _IGNORED)
    try:
        with torch.serialization.safe_globals([*allowed, *ignored]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = re.search(r"GLOBAL (\S+)", str(error))
        what = f"it holds {reason[1]}, which is no data" if reason else "no checkpoint of weights"
        raise UserError(f"{where}: refused: {what}; {remedy}") from error
    except (
        ArithmeticError, AttributeError, EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError,
    ) as error:  # fmt: skip
        raise UserError(f"{where}: unreadable weights ({type(error).__name__}); {remedy}") from error


def fill(network: nn.Module, state: State, where: str, remedy: str) -> None:
    """Load `state` into `network`, all of it, and freeze that in evaluation mode.

    Raises UserError when weights lack, are left over or have another shape; `where` names the file.
    """
    expected = network.state_dict()
    absent = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    extra = [name for name in state if name not in expected]
    other = [name for name in expected if name in state and state[name].shape != expected[name].shape]
    for names, problem in ((absent, "lacks"), (extra, "has, beyond the network,"), (other, "has in another shape")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise UserError(f"{where}: {problem} {names[0]}{more}; {remedy}")
    broken = [name for name, tensor in state.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise UserError(f"{where}: {broken[0]} is not finite: the file is damaged; {remedy}")
    network.load_state_dict(state, strict=False)
    network.eval().requires_grad_(False)


def numbers(state: State, pattern: str) -> list[int]:
    """The numbers that the one group of `pattern` takes among the names of `state`, in order."""
    return sorted({int(m[1]) for name in state if (m := re.match(pattern, name))})


def need(state: State, names: tuple[str, ...], where: str, remedy: str) -> None:
    """UserError unless `state` has all `names`, from whose shapes a network is laid out."""
    absent = [name for name in names if name not in state]
    if absent:
        raise UserError(f"{where}: lacks {absent[0]}; {remedy}")
