"""Music of your own: a folder, and a table that says under which license each of its files is.

Contract: `ssmttm.sources.contract`. The table is CSV (separated by comma, semicolon or tab) or
Parquet with the columns `file` and `license` and, if known, title, artist, album, url, tags
(separated by `;`) and license_url. `file` is a path relative to the folder. A track's key is that
path, its `url` the same, percent-encoded. A license file beside a track speaks for its folder.

A row whose file can't be used is a rejected row of the index; two rows about one file are a UserError.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from ssmttm.audio.streams import Undecodable, probe
from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.paths import UnsafeName, safe_relative
from ssmttm.files import sha256_file
from ssmttm.licenses.policy import Evidence
from ssmttm.sources.contract import Context, IndexRow, web_page
from ssmttm.sources.debian.grants import part_about
from ssmttm.sources.debian.members import is_audio, is_license
from ssmttm.sources.limits import length_problem
from ssmttm.sources.texts import Unreadable, decode
from ssmttm.tabular import header, read_records
from ssmttm.wording import quoted

_KEY = "data.sources.local"
_REQUIRED = ("file", "license")
_COLUMNS = (*_REQUIRED, "title", "artist", "album", "url", "tags", "license_url")
_LICENSE_BYTES = 256 << 10
_FILE_BYTES = 16 << 30


@dataclass(frozen=True)
class _Collection:
    """The folder, resolved, and what is remembered while its table is read."""

    folder: Path
    rows: dict[Any, int] = field(default_factory=dict)
    """The row of each file, by its key and by its device and inode."""
    beside: dict[Path, list[tuple[str, str]]] = field(default_factory=dict)
    """Where the license files of a folder lie, and their texts."""


def list_tracks(settings: Mapping[str, Any], context: Context) -> Iterator[IndexRow]:
    """One `index` row per row of the table; see the contract."""
    table = Path(settings["table"])
    collection = _Collection(_folder(settings))
    first, *records = read_records(table, _COLUMNS)
    names = header(first)
    repeated = [name for name in _COLUMNS if names.count(name) > 1]
    if repeated or not set(_REQUIRED) <= set(names):
        raise UserError(
            f"{table}: the first row should name the columns {' and '.join(_REQUIRED)}, each column once; "
            f"it has {', '.join(quoted(name) for name in names[:20])}"
        )
    for done, record in enumerate(records):
        context.progress(done, len(records), "files")
        cells = dict.fromkeys(_COLUMNS, "") | dict(zip(names, (cell.strip() for cell in record.fields)))
        shifted = any(cell.strip() for cell in record.fields[len(names) :])
        yield _row(collection, table, record.row, cells, shifted, context.clips)
    context.progress(len(records), len(records), "files")


def _folder(settings: Mapping[str, Any]) -> Path:
    folder = Path(settings["folder"])
    if not folder.is_dir():
        raise UserError(f"{_KEY}.folder: {folder}: no such folder")
    return folder.resolve()


def _row(
    collection: _Collection, table: Path, row: int, cells: Mapping[str, str], shifted: bool, clips: Mapping[str, Any]
) -> IndexRow:
    key = _key(cells["file"]) or f"row {row}"
    where = f"{table.name}, row {row}"
    sha256, duration, evidence = None, None, []
    problem, detail = None, None
    try:
        path = _find(collection.folder, cells["file"])
        _once(collection, table, row, key, path)
        if shifted:
            raise Unavailable("more cells than columns; quote those that hold the separator")
        sha256 = sha256_file(path)
        evidence = [*_stated(cells, where), *_beside(collection, path)]
        duration = probe(path).duration_s
        problem, detail = length_problem(duration, clips)
    except Undecodable as error:
        problem, detail = "undecodable", str(error)
    except Unreadable as error:
        problem, detail = "license_unreadable", str(error)
    except (Unavailable, UnsafeName, OSError) as error:
        _once(collection, table, row, key, None)
        reason = error.reason if isinstance(error, Unavailable) else "unavailable"
        problem, detail = reason, f"{where}: {quoted(cells['file'])} {error}"
    return IndexRow(
        track_id=f"local:{key}",
        source="local",
        url=quote(key),
        homepage=web_page(cells["url"]),
        title=cells["title"] or PurePosixPath(key).stem.replace("_", " ").strip(),
        artist=cells["artist"] or None,
        album=cells["album"] or None,
        duration_s=duration,
        tags=list(dict.fromkeys(tag.strip() for tag in cells["tags"].split(";") if tag.strip())),
        license_evidence=evidence,
        sha256=sha256,
        problem=problem,
        problem_detail=detail,
    )


def _key(text: str) -> str:
    """The path as the table has it, one Unicode form for all systems; a name that is refused is made printable."""
    text = unicodedata.normalize("NFC", text)
    try:
        return str(safe_relative(text))
    except UnsafeName:
        printable = "".join(c if c.isprintable() else "\ufffd" for c in text)
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        return printable if len(printable) <= 200 else f"{printable[:200]}…{digest}"


def _find(folder: Path, text: str) -> Path:
    """The real path of a regular file inside `folder`, in either Unicode form; raises UnsafeName and Unavailable."""
    name = str(safe_relative(text))
    for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
        try:
            path = (folder / form).resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: links in a circle
            continue
        if not path.is_relative_to(folder):
            raise UnsafeName("leads out of the folder by a link")
        if not path.is_file():
            raise Unavailable("is no regular file")
        if path.stat().st_size > _FILE_BYTES:
            raise Unavailable(f"is larger than {_FILE_BYTES >> 30} GiB", "too_large")
        return path
    raise Unavailable("is not in the folder")


def _once(collection: _Collection, table: Path, row: int, key: str, path: Path | None) -> None:
    """Raises UserError if another row is about the same file."""
    identities: list[Any] = [key]
    if path is not None:
        found = path.stat()
        identities.append((found.st_dev, found.st_ino))
    for identity in identities:
        other = collection.rows.setdefault(identity, row)
        if other != row:
            raise UserError(
                f"{table}: rows {other} and {row} are about the same file {quoted(key)}; remove one of them"
            )


def _stated(cells: Mapping[str, str], where: str) -> list[Evidence]:
    """What the row states."""
    text, url = cells["license"], cells["license_url"]
    return [Evidence("catalog", text or url, url or None, where)] if text or url else []


def _beside(collection: _Collection, path: Path) -> list[Evidence]:
    """What license files in the track's own folder state about it; raises Unreadable for one that is no text."""
    if path.parent not in collection.beside:
        collection.beside[path.parent] = list(_license_texts(collection, path.parent))
    found = collection.beside[path.parent]
    others = [f.name for f in path.parent.iterdir() if is_audio(f.name) and f.name != path.name] if found else []
    parts = ((where, part_about(text, path.name, others)) for where, text in found)
    return [Evidence("license_file", part, None, where) for where, part in parts if part]


def _license_texts(collection: _Collection, folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.iterdir()):
        if is_license(file.name) and file.is_file() and file.resolve().is_relative_to(collection.folder):
            where = file.relative_to(collection.folder).as_posix()
            with open(file, "rb") as f:
                data = f.read(_LICENSE_BYTES + 1)
            if len(data) > _LICENSE_BYTES:
                raise Unreadable(f"{where} is larger than {_LICENSE_BYTES >> 10} KiB")
            try:
                yield where, decode(data)
            except Unreadable as error:
                raise Unreadable(f"{where} {error}") from error


def fetch(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> Path:
    """The file itself, if it is still the one that was indexed; see the contract."""
    name = unquote(track["url"])
    try:
        path = _find(_folder(settings), name)
        digest = sha256_file(path)
    except (UnsafeName, Unavailable, OSError) as error:
        raise Unavailable(f"{quoted(name)} {error}", getattr(error, "reason", "unavailable")) from error
    if digest != track["sha256"]:
        raise Unavailable(f"{quoted(name)} is not the file any more that was indexed; index again", "changed")
    return path
