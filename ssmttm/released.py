"""Whether the files of a released data set are those that its dataset.json was written for."""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file, write_json

MANIFEST = "dataset.json"
SEEN = ".hashes.json"
"""File of the data set's folder that remembers hashes by size, time and inode; safe to delete."""


def check_released(folder: Path, names: Iterable[str]) -> None:
    """Check files of the data set in `folder` against the hashes in its manifest.

    `names` are relative to `folder`; a folder stands for all files of the manifest and all Parquet files in it.
    A file is read only if its size, time or inode is new. Raises UserError for one that is missing,
    changed, or not of the data set, saying which hash it has and which it should have.
    """
    recorded: dict[str, str] = read_json(folder / MANIFEST).get("sha256", {})
    wanted: set[str] = set()
    for name in names:
        inside = {entry for entry in recorded if entry.startswith(f"{name}/")}
        inside |= {path.relative_to(folder).as_posix() for path in (folder / name).glob("*.parquet")}
        wanted |= inside or {name}
    stray = sorted(name for name in wanted if name not in recorded)
    if stray:
        raise UserError(
            f"{folder / stray[0]}: {MANIFEST} records no hash of it, so it is no file of this data set; {_REMEDY}"
        )
    missing = sorted(name for name in wanted if not (folder / name).is_file())
    if missing:
        raise UserError(f"{folder / missing[0]}: no such file, but {MANIFEST} lists it; {_REMEDY}")
    for name, found in hashes(folder, sorted(wanted)).items():
        if found != recorded[name]:
            raise UserError(
                f"{folder / name}: not the file that was released: its SHA-256 is {found}, and {MANIFEST} "
                f"says {recorded[name]}; {_REMEDY}"
            )


_REMEDY = "put back a whole copy of the data set, or build what you changed as a new data.version"


def check_inputs(paths: Iterable[Path]) -> None:
    """Check those of `paths` that lie in a released data set's folder, or in a folder of it; see `check_released`."""
    found: dict[Path, list[str]] = {}
    for path in paths:
        for folder in (path.parent, path.parent.parent):
            if (folder / MANIFEST).is_file():
                found.setdefault(folder, []).append(path.relative_to(folder).as_posix())
                break
    for folder, names in found.items():
        check_released(folder, names)


def hashes(folder: Path, names: Iterable[str], anew: bool = False) -> dict[str, str]:
    """{name: SHA-256} of files in `folder`: remembered for files that look the same, unless `anew`."""
    seen = {} if anew else _seen(folder)
    found: dict[str, str] = {}
    fresh = {}
    for name in names:
        stat = (folder / name).stat()
        look = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = seen.get(name)
        if not (isinstance(known, list) and known[:-1] == look):
            known = fresh[name] = [*look, sha256_file(folder / name)]
        found[name] = str(known[-1])
    if fresh:
        with suppress(OSError):  # a folder that can't be written is read again next time
            write_json(folder / SEEN, _seen(folder) | fresh)
    return found


def _seen(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / SEEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
