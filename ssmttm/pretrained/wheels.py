"""Files that travel inside installed packages, found without importing the packages."""

import importlib.util
from functools import cache
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.files import sha256_bytes, sha256_file

MODEL_SUFFIXES = frozenset({".json", ".safetensors", ".txt", ".model"})
"""Of files in a model's folder that transformers reads: settings, weights, vocabularies."""


def package_file(package: str, distribution: str, relative: str) -> Path:
    """The path of `relative` inside the installed `package`.

    The package is not imported: musicnn's would import TensorFlow. Raises UserError naming the
    distribution to install when the package or the file is not there.
    """
    found = importlib.util.find_spec(package)
    folders = list(found.submodule_search_locations or ()) if found else []
    if not folders:
        raise UserError(f"the Python package {distribution} is not installed; its pretrained weights are needed here")
    for folder in folders:
        path = Path(folder) / relative
        if path.is_file():
            return path
    raise UserError(f"{folders[0]}: the installed {distribution} has no file {relative}; reinstall it")


@cache
def weights_hash(*paths: Path) -> str:
    """The first 12 hex digits of a weight file's SHA-256, or of the hashes of several files; read once per process.

    A folder stands for those of its files that transformers reads: configuration and vocabulary
    change a model's numbers as its weights do.
    """
    files = [file for path in paths for file in (_model_files(path) if path.is_dir() else [path])]
    if len(files) == 1:
        return sha256_file(files[0])[:12]
    return sha256_bytes("\n".join(f"{file.name} {sha256_file(file)}" for file in files).encode())[:12]


def _model_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in MODEL_SUFFIXES)
