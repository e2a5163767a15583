"""Reading a .deb and the archives inside it: streamed, bounded, regular files only, nothing unpacked to disk.

A .deb is an `ar` archive with `data.tar.{xz,gz,zst}` inside. Every size is measured while
reading, because a header can lie.
"""

import gzip
import io
import lzma
import re
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pyarrow as pa

from ssmttm.errors import UserError

AUDIO = frozenset(
    [
        ".ogg",
        ".oga",
        ".opus",
        ".spx",
        ".mp3",
        ".flac",
        ".wav",
        ".wave",
        ".m4a",
        ".aac",
        ".mka",
        ".aif",
        ".aiff",
        ".wma",
        ".ape",
        ".wv",
        ".mpc",
        ".tta",
    ]
)
ARCHIVES = frozenset([".zip", ".love", ".pk3", ".pk4"])
_LICENSE_NAME = re.compile(r"(?:licen[sc]e|copying|copyright)[\w -]*(?:\.(?:txt|md|rst))?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """Bounds in bytes; an archive's content may also be at most `ratio` times its own size."""

    member: int = 512 << 20
    total: int = 8 << 30
    ratio: int = 100
    ratio_from: int = 64 << 20
    text: int = 256 << 10

    def content(self, archive_bytes: int) -> int:
        """How much an archive of that size may hold, uncompressed."""
        return min(self.total, max(self.ratio_from, self.ratio * archive_bytes))


class UnsafeArchive(Exception):
    """A member with an unsafe path or size; the message says which bound or rule."""


class BrokenArchive(Exception):
    """An archive that can't be read to its end."""


@dataclass(frozen=True)
class Member:
    """An audio or license file of a package, or one that was refused.

    `path` is inside the package, `inner` inside an archive at `path`. Either `data` is there, or
    `problem` (a rejection reason) with `detail`.
    """

    path: str
    inner: str | None = None
    data: bytes = b""
    problem: str | None = None
    detail: str | None = None

    @property
    def name(self) -> str:
        """The innermost path."""
        return self.inner if self.inner is not None else self.path


class _Counted(io.RawIOBase):
    """A byte stream that raises UnsafeArchive once more than `limit` bytes were read from it."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit, self._read = stream, limit, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        allowed = self._limit - self._read + 1
        data = self._stream.read(allowed if size < 0 else min(size, allowed))
        self._read += len(data)
        if self._read > self._limit:
            raise UnsafeArchive(f"unpacks to more than {self._limit >> 20} MiB")
        return data


class _Window(io.RawIOBase):
    """`size` bytes of a file from `start` on, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._left = file, size
        file.seek(start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        data = self._file.read(min(len(buffer), self._left))
        if not data and self._left:
            raise BrokenArchive("the file ends too early")
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def safe_path(name: str) -> str:
    """A member's path, relative and normal; raises UnsafeArchive if it is absolute or climbs out."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain):
        raise UnsafeArchive("absolute path")
    if "\0" in plain or ".." in plain.split("/"):
        raise UnsafeArchive("path leads out of the archive")
    return str(PurePosixPath(plain))


def is_audio(path: str) -> bool:
    """Whether the extension is one of an audio file."""
    return PurePosixPath(path).suffix.lower() in AUDIO


def is_license(path: str) -> bool:
    """Whether the file's name is that of a license text."""
    return _LICENSE_NAME.fullmatch(PurePosixPath(path).name) is not None


def read_package(
    path: Path, package: str, wanted: Callable[[str], bool], limits: Limits = Limits()
) -> Iterator[Member]:
    """The copyright file, license files and wanted audio of the .deb at `path`, and what was refused.

    `wanted` is asked with an audio file's full path ("usr/share/x.love/data/a.ogg"). One member
    is in memory at a time. Raises UserError if the .deb itself can't be read.
    """
    try:
        with open(path, "rb") as file:
            yield from _read_data(file, path.stat().st_size, package, wanted, limits)
    except UnsafeArchive as error:
        yield Member("", problem="unsafe_archive", detail=f"the package {error}")
    except (BrokenArchive, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{path}: not a readable .deb package: {error}; delete it and try again") from error


def _ar_members(file: BinaryIO, size: int) -> Iterator[tuple[str, int, int]]:
    """(name, start, size) of each member of an `ar` archive."""
    if file.read(8) != b"!<arch>\n":
        raise BrokenArchive("no ar archive")
    position = 8
    while position < size:
        file.seek(position)
        header = file.read(60)
        if len(header) < 60 or header[58:] != b"`\n" or not header[48:58].strip().isdigit():
            raise BrokenArchive("damaged ar header")
        length = int(header[48:58])
        if position + 60 + length > size:
            raise BrokenArchive("the file ends too early")
        yield header[:16].decode("ascii", "replace").strip().rstrip("/"), position + 60, length
        position += 60 + length + length % 2


def _decompressed(name: str, stream: BinaryIO) -> BinaryIO:
    suffix = name.removeprefix("data.tar")
    if suffix == "":
        return stream
    if suffix == ".xz":
        return lzma.open(stream)
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=stream)
    if suffix == ".zst":
        return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
    raise BrokenArchive(f"unknown compression {name}")


def _read_data(
    file: BinaryIO, size: int, package: str, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[Member]:
    data = [member for member in _ar_members(file, size) if member[0].startswith("data.tar")]
    if not data:
        raise BrokenArchive("no data.tar inside")
    name, start, length = data[0]
    stream = _decompressed(name, io.BufferedReader(_Window(file, start, length), 1 << 20))
    counted = _Counted(stream, limits.content(length))
    with tarfile.open(fileobj=counted, mode="r|", bufsize=1 << 18) as tar:
        for info in tar:
            yield from _tar_member(tar, info, package, wanted, limits)


def _tar_member(
    tar: tarfile.TarFile, info: tarfile.TarInfo, package: str, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[Member]:
    try:
        path = safe_path(info.name)
    except UnsafeArchive as error:
        yield Member(info.name, problem="unsafe_archive", detail=str(error))
        return
    archive = PurePosixPath(path).suffix.lower() in ARCHIVES
    text = path == f"usr/share/doc/{package}/copyright" or is_license(path)
    if info.isdir() or not (archive or text or (is_audio(path) and wanted(path))):
        return
    if not info.isreg():
        if not text:
            kind = "link" if info.issym() or info.islnk() else "special file"
            yield Member(path, problem="unsafe_archive", detail=f"is a {kind}, which is never followed")
        return
    stream = tar.extractfile(info)
    if stream is None:
        return
    try:
        if archive:
            yield from _read_zip(path, stream, wanted, limits)
        elif text:
            yield Member(path, data=stream.read(limits.text))
        else:
            yield Member(path, data=read_bounded(stream, limits.member))
    except UnsafeArchive as error:
        yield Member(path, problem="unsafe_archive", detail=str(error))


def read_bounded(stream: BinaryIO, limit: int) -> bytes:
    """All of a stream; raises UnsafeArchive once it turns out longer than `limit` bytes."""
    parts, total = [], 0
    while part := stream.read(1 << 20):
        total += len(part)
        if total > limit:
            raise UnsafeArchive(f"larger than {limit >> 20} MiB")
        parts.append(part)
    return b"".join(parts)


def _read_zip(path: str, stream: BinaryIO, wanted: Callable[[str], bool], limits: Limits) -> Iterator[Member]:
    """Audio and license files of a zip archive that is a member of the package."""
    with tempfile.SpooledTemporaryFile(max_size=64 << 20) as spool:
        size = 0
        while part := stream.read(1 << 20):
            size += len(part)
            spool.write(part)
        budget = limits.content(size)
        try:
            with zipfile.ZipFile(spool) as archive:
                for info in archive.infolist():
                    for member in _zip_member(archive, info, path, wanted, min(limits.member, budget), limits):
                        budget -= len(member.data)
                        yield member
        except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
            yield Member(path, problem="undecodable", detail=f"not a readable zip archive: {error}")


def _zip_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    path: str,
    wanted: Callable[[str], bool],
    limit: int,
    limits: Limits,
) -> Iterator[Member]:
    def refused(reason: str, detail: str) -> Member:
        return Member(path, info.orig_filename.split("\0")[0], problem=reason, detail=detail)

    try:
        inner = safe_path(info.orig_filename)
    except UnsafeArchive as error:
        yield refused("unsafe_archive", str(error))
        return
    text = is_license(inner)
    if info.is_dir() or not (text or (is_audio(inner) and wanted(f"{path}/{inner}"))):
        return
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        yield refused("unsafe_archive", "is a link or a special file, which is never followed")
    elif info.flag_bits & 1:
        yield refused("unsafe_archive", "is encrypted")
    elif not text and info.file_size > limit:
        yield refused("unsafe_archive", f"unpacks to {info.file_size >> 20} MiB, more than {limit >> 20} MiB")
    else:
        try:
            with archive.open(info) as stream:
                data = stream.read(limits.text) if text else read_bounded(stream, limit)
            yield Member(path, inner, data)
        except UnsafeArchive as error:
            yield refused("unsafe_archive", str(error))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
            yield refused("undecodable", f"damaged in its archive: {error}")
