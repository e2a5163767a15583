"""Random access to the members of a tar archive: an index of where each starts, made once and kept.

Only regular files are read. Links, devices and unsafe names are never followed, and every size
is bounded while reading, because a header can lie.
"""

import hashlib
import json
import tarfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.paths import UnsafeName, safe_relative
from ssmttm.files import atomic_path, sha256_file, write_text

_MEMBER_BYTES = 1 << 30
_MEMBERS = 200_000
_HEADER_BYTES = 1 << 20
_LOCK = threading.Lock()


@dataclass(frozen=True)
class TarIndex:
    """Where the regular files of the archive at `path` are, by name, and why others are refused."""

    path: Path
    members: dict[str, tuple[int, int]]
    """Offset and size in bytes."""
    refused: dict[str, str]


class _Headers:
    """A file for tarfile that reads no more than a header's bytes at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _HEADER_BYTES:
            raise tarfile.ReadError("a header of an absurd size")
        return self._file.read(size)


def open_index(path: Path, cache: Path, sha256: str | None = None) -> TarIndex:
    """The archive's index, from the folder `cache` if it is there and the archive is unchanged.

    With `sha256` the archive is checked against it when its index is made. Raises UserError naming
    the archive if it is damaged or not the published one.
    """
    with _LOCK:
        try:
            found = path.stat()
        except OSError as error:
            raise UserError(f"{path}: can't be read: {error.strerror}") from error
        key = f"{path.resolve()}\n{found.st_size}\n{found.st_mtime_ns}\n{sha256}"
        stored = cache / f"{path.stem}-{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.json"
        try:
            return _load(path, stored)
        except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged
            pass
        if sha256 and sha256_file(path) != sha256:
            raise UserError(f"{path}: its SHA-256 is not the published one; download it again")
        index = _scan(path)
        write_text(stored, json.dumps({"members": index.members, "refused": index.refused}))
        return index


def _load(path: Path, stored: Path) -> TarIndex:
    value = json.loads(stored.read_text(encoding="utf-8"))
    members = {name: (int(offset), int(size)) for name, (offset, size) in value["members"].items()}
    return TarIndex(path, members, dict(value["refused"]))


def _scan(path: Path) -> TarIndex:
    members: dict[str, tuple[int, int]] = {}
    refused: dict[str, str] = {}
    last = -1
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=cast(IO[bytes], _Headers(file)), mode="r:") as tar:
            for count, info in enumerate(tar):
                if info.size < 0 or tar.offset <= last or count >= _MEMBERS:
                    raise tarfile.ReadError("a header with an absurd size, or too many of them")
                last = tar.offset
                try:
                    name = str(safe_relative(info.name))
                except UnsafeName:
                    continue  # never asked for: a track's path is safe
                if info.isdir():
                    continue
                members.pop(name, None)
                if not info.isreg() or info.issparse():
                    kind = "link" if info.issym() or info.islnk() else "special file"
                    refused[name] = f"is a {kind}, which is never followed"
                elif info.size > _MEMBER_BYTES:
                    refused[name] = f"has {info.size} bytes, more than {_MEMBER_BYTES}"
                else:
                    members[name] = (info.offset_data, info.size)
                    refused.pop(name, None)
            file.seek(tar.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                raise tarfile.ReadError(f"a damaged header at byte {tar.offset}")
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: not a readable tar archive: {error}; download it again") from error
    return TarIndex(path, members, refused)


def extract(index: TarIndex, name: str, target: Path, sha256: str | None = None) -> None:
    """Copy one member to `target`, atomically; raises Unavailable.

    With `sha256` the copy is checked against it.
    """
    if name in index.refused:
        raise Unavailable(f"{index.path.name}: {name} {index.refused[name]}", "unsafe_archive")
    if name not in index.members:
        raise Unavailable(f"{index.path.name} has no member {name}")
    offset, size = index.members[name]
    digest = hashlib.sha256()
    with open(index.path, "rb") as file, atomic_path(target) as temporary, open(temporary, "wb") as copy:
        file.seek(offset)
        left = size
        while left:
            part = file.read(min(left, 1 << 20))
            if not part:
                raise Unavailable(f"{index.path.name} ends inside {name}; download it again")
            left -= len(part)
            digest.update(part)
            copy.write(part)
        copy.flush()
        if sha256 and digest.hexdigest() != sha256:
            raise Unavailable(
                f"{index.path.name}: {name}: its SHA-256 is {digest.hexdigest()}, published is {sha256}",
                "checksum_mismatch",
            )
