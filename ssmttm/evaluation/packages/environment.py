"""Environments of packages that can't share the main one: a folder with a Python that is whole, or of no use."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ssmttm.choices import PACKAGES
from ssmttm.errors import UserError
from ssmttm.files import sha256_file, write_json
from ssmttm.wording import one_line

RECORD = "environment.json"
"""What an environment was made from; written when all is there."""
KEPT = ".made.json"
"""The same beside it: Snakemake deletes the record before it has an environment made again."""
DRIVER = Path(__file__).with_name("driver.py")


def make(package: str, pins: Path, out: Path) -> None:
    """Make the environment of `package` from the file `pins`, and write its record to `out`, in its folder.

    One that is there and was made from the same pins by the same Python stays. Raises UserError, with what pip said,
    where it can't be made: no network, a full disk, a package that doesn't install or can't be imported.
    """
    _check_known(package)
    if not pins.is_file():
        raise UserError(f"{pins}: no such file; it should pin what the environment of {package} has")
    folder, origin = out.parent, {"package": package, "pins": sha256_file(pins), "base": sys.version}
    if not _is_whole(folder, origin):
        _install(package, pins, folder)
        write_json(folder / KEPT, origin | imported(package, folder))
    write_json(out, json.loads((folder / KEPT).read_text(encoding="utf-8")))


def python_of(folder: Path) -> Path:
    """The Python of the environment in `folder`."""
    return folder / "bin" / "python"


def check(package: str, folder: Path) -> dict[str, Any]:
    """The record of the environment in `folder`; UserError where it is missing, another's or broken."""
    _check_known(package)
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if record["package"] != package:
            raise UserError(f"{folder}: an environment for {record['package']}, not for {package}; {_again(folder)}")
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{folder}: no environment for {package}, or an unfinished one; {_again(folder)}") from None
    if not python_of(folder).exists():
        raise UserError(f"{folder}: its Python is gone, or belonged to a Python that is; {_again(folder)}")
    return record


def imported(package: str, folder: Path) -> dict[str, Any]:
    """Versions of `package`, torch and Python in the environment; UserError where it can't be imported there."""
    done = call(folder, "import", package)
    if done.returncode:
        raise UserError(f"{folder}: its Python can't import {package}: {last_line(done.stderr)}; {_again(folder)}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the driver with `words` by the environment's Python; nothing of the caller's Python is seen by it."""
    keys = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "OMP_NUM_THREADS", "LD_LIBRARY_PATH")
    own = {key: os.environ[key] for key in keys if key in os.environ}
    own |= {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    own |= {"MKL_NUM_THREADS": own.get("OMP_NUM_THREADS", "1"), "NUMBA_CACHE_DIR": str(folder.resolve() / ".numba")}
    command = [str(python_of(folder).absolute()), str(DRIVER), *words]
    try:
        return subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"{folder}: its Python can't be started ({error.strerror}); {_again(folder)}") from error


def _check_known(package: str) -> None:
    if package not in PACKAGES:
        raise UserError(f"no package {package!r} of metrics; there are {', '.join(PACKAGES)}")


def _again(folder: Path) -> str:
    return f"delete that folder, and have it made again: snakemake {folder / RECORD}"


def last_line(text: str) -> str:
    """The last line of what a program said, which in a traceback is the error."""
    lines = [line for line in text.splitlines() if line.strip()]
    return one_line(lines[-1], 300) if lines else "it said nothing"


def _is_whole(folder: Path, origin: dict[str, Any]) -> bool:
    try:
        known = json.loads((folder / KEPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return python_of(folder).exists() and all(known.get(key) == value for key, value in origin.items())


def _install(package: str, pins: Path, folder: Path) -> None:
    """A virtual environment with all that `pins` names, and nothing else, in the place of `folder`.

    torch comes first, with what its build for this machine needs; the rest without dependencies, since the packages
    pin NumPy below 2 and ask for more than what is run of them.
    """
    lines = [line.split("#")[0].strip() for line in pins.read_text(encoding="utf-8").splitlines()]
    torch = [line for line in lines if line.startswith("torch==")]
    if len(torch) != 1:
        raise UserError(f"{pins}: should pin torch once, as torch==VERSION")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(part)], f"{sys.executable} could not make a virtual environment in {part}")
    pip = [
        str(python_of(part).absolute()),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--quiet",
    ]
    failed = f"pip could not install what {pins} pins for {package}"
    setuptools = [line for line in lines if line.startswith("setuptools==")]
    _run([*pip, "-c", str(pins), *torch, *setuptools], failed)
    _run([*pip, "--no-deps", "--no-build-isolation", "-r", str(pins)], failed)
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)


def _run(command: list[str], failed: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [one_line(line, 300) for line in (done.stderr + done.stdout).splitlines() if line.startswith("ERROR")]
        raise UserError(f"{failed}: {said[-1] if said else last_line(done.stderr + done.stdout)}")
