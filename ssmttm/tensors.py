"""Safetensors files whose bytes follow from their content alone, so that their hashes can be compared."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors.numpy

from ssmttm.files import atomic_path

if TYPE_CHECKING:
    from torch import Tensor

_LENGTH = 8  # bytes that say how long the header is


def save_tensors(
    path: Path | str, tensors: "Mapping[str, np.ndarray] | Mapping[str, Tensor]", metadata: Mapping[str, str]
) -> None:
    """Write arrays or torch tensors with `metadata` to a safetensors file, atomically.

    The same content gives the same bytes in every process.
    """
    with atomic_path(path) as temporary:
        if all(isinstance(value, np.ndarray) for value in tensors.values()):
            arrays = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
            safetensors.numpy.save_file(arrays, temporary, dict(metadata))
        else:
            import torch
            from safetensors.torch import save_file

            whole = {name: torch.as_tensor(value).contiguous() for name, value in tensors.items()}
            save_file(whole, temporary, dict(metadata))
        _sort_metadata(temporary)


def _sort_metadata(path: Path) -> None:
    """Bring the header's metadata into one order; the library writes them in that of a hash table with a random seed.

    Tensors have an order of their own already: by size of their type, then by name.
    """
    with open(path, "r+b") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) > length:
            raise ValueError(f"{path}: a header of {len(text)} bytes does not fit into {length}")
        file.seek(_LENGTH)
        file.write(text.ljust(length))


def content_hash(tensors: "Mapping[str, Tensor]", start: str = "") -> str:
    """Hex SHA-256 over `start` and the names, shapes and bytes of tensors on the CPU, whatever file they are from."""
    digest = hashlib.sha256(start.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()
