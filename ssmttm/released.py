"""Whether the files of a released data set are those that its dataset.json was written for."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file, write_json
from ssmttm.settings import Config, DataSettings
from ssmttm.spec import differences

RELEASE = "dataset.json"
"""The file that makes a folder a released data set: its settings, counts and hashes."""
SEEN = ".hashes.json"
"""File of the data set's folder that remembers hashes by size, time and inode; safe to delete."""


class Release(TypedDict):
    """What dataset.json says."""

    settings: DataSettings
    clips: dict[str, int]  # by split
    minutes: dict[str, float]  # by split
    duplicates: int
    captions: Mapping[str, Any]  # who wrote them, and their statistics
    codec: str  # name and hash
    text_encoder: str  # name and hash
    rejected: dict[str, int]  # by reason
    ml_reserved: int  # licensed tracks whose evidence reserves machine learning
    sha256: dict[str, str]  # by file
    plugins: NotRequired[dict[str, str]]  # other packages that it is made with, and their versions


def check_release(config: Config, folder: Path | str) -> bool:
    """Whether `folder` holds a released data set, which has a dataset.json.

    It is then used as it is, never silently rebuilt. Raises UserError if its settings are not those of
    `config`, with the keys that differ, or if one of its files is missing.
    """
    path = Path(folder) / RELEASE
    if not path.is_file():
        return False
    release = read_json(path)
    check_settings(config, release, folder)
    missing = [name for name in release.get("sha256", {}) if not (Path(folder) / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more of its files" if len(missing) > 1 else ""
        raise UserError(
            f"{Path(folder) / missing[0]}{more}: missing from the released data set\n"
            f"copy it there again, or delete {path} to have what is missing made anew"
        )
    return True


def check_settings(config: Config, release: Mapping[str, Any], folder: Path | str) -> None:
    """Raise UserError, with the keys that differ, if `release`, of the data set in `folder`, has other ones."""
    differing = differences(release.get("settings"), config["data"], "data")
    if differing:
        raise UserError(
            f"{Path(folder) / RELEASE}: was built with other settings: {', '.join(differing)}\n"
            f"set a new data.version in the config, or delete {folder}"
        )


def check_released(folder: Path, names: Iterable[str]) -> None:
    """Check files of the data set in `folder` against the hashes in its manifest.

    `names` are relative to `folder`; a folder stands for all files of the manifest and all Parquet files in it.
    A file is read only if its size, time or inode is new. Raises UserError for one that is missing,
    changed, or not of the data set, saying which hash it has and which it should have.
    """
    recorded: dict[str, str] = read_json(folder / RELEASE).get("sha256", {})
    wanted: set[str] = set()
    for name in names:
        inside = {entry for entry in recorded if entry.startswith(f"{name}/")}
        inside |= {path.relative_to(folder).as_posix() for path in (folder / name).glob("*.parquet")}
        wanted |= inside or {name}
    stray = sorted(name for name in wanted if name not in recorded)
    if stray:
        raise UserError(
            f"{folder / stray[0]}: {RELEASE} records no hash of it, so it is no file of this data set; {_REMEDY}"
        )
    missing = sorted(name for name in wanted if not (folder / name).is_file())
    if missing:
        raise UserError(f"{folder / missing[0]}: no such file, but {RELEASE} lists it; {_REMEDY}")
    for name, sha256 in hashes(folder, sorted(wanted)).items():
        if sha256 != recorded[name]:
            raise UserError(
                f"{folder / name}: not the file that was released: its SHA-256 is {sha256}, and {RELEASE} "
                f"says {recorded[name]}; {_REMEDY}"
            )


_REMEDY = "put back a whole copy of the data set, or build what you changed as a new data.version"


def check_inputs(paths: Iterable[Path]) -> None:
    """Check those of `paths` that lie in a released data set's folder, or in a folder of it; see `check_released`."""
    released: dict[Path, list[str]] = {}
    for path in paths:
        for folder in (path.parent, path.parent.parent):
            if (folder / RELEASE).is_file():
                released.setdefault(folder, []).append(path.relative_to(folder).as_posix())
                break
    for folder, names in released.items():
        check_released(folder, names)


def hashes(folder: Path, names: Iterable[str], anew: bool = False) -> dict[str, str]:
    """{name: SHA-256} of files in `folder`: remembered for files that look the same, unless `anew`."""
    seen = {} if anew else _seen(folder)
    sums: dict[str, str] = {}
    fresh = {}
    for name in names:
        stat = (folder / name).stat()
        look = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = seen.get(name)
        if not (isinstance(known, list) and known[:-1] == look):
            known = fresh[name] = [*look, sha256_file(folder / name)]
        sums[name] = str(known[-1])
    if fresh:
        with suppress(OSError):  # a folder that can't be written is read again next time
            write_json(folder / SEEN, _seen(folder) | fresh)
    return sums


def _seen(folder: Path) -> dict[str, list[Any]]:
    try:
        value = json.loads((folder / SEEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
