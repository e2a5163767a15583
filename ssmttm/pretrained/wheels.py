"""Files that travel inside installed packages, found without importing the packages."""

import importlib.util
from functools import cache
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.files import sha256_file


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
def weights_hash(path: Path) -> str:
    """The first 12 hex digits of a weight file's SHA-256; each file is read once per process."""
    return sha256_file(path)[:12]
