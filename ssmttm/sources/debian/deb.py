"""Reading a .deb and the archives inside it: streamed, bounded, regular files only, nothing unpacked to disk.

A .deb is an `ar` archive with `data.tar.{xz,gz,zst}` inside. Every size is measured while
reading, because a header can lie.
"""

import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from ssmttm.errors import UserError
from ssmttm.sources.debian.members import (
    BrokenArchive,
    Limits,
    Member,
    UnsafeArchive,
    is_archive,
    is_audio,
    is_text,
    read_bounded,
    safe_path,
)
from ssmttm.sources.debian.zips import read_zip

_HEADER_BYTES = 1 << 20
_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)


class _Counted(io.RawIOBase):
    """A byte stream that raises UnsafeArchive once more than `limit` bytes were read from it."""

    def __init__(self, stream: io.BufferedIOBase, limit: int) -> None:
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

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._left = file, size
        file.seek(start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the Buffer of Python 3.12
        data = self._file.read(min(len(buffer), self._left))
        if not data and self._left:
            raise BrokenArchive("the file ends too early")
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def read_package(
    path: Path, package: str, wanted: Callable[[str], bool], limits: Limits = Limits()
) -> Iterator[Member]:
    """The wanted audio of the .deb at `path`, the texts that may speak about it, and what was refused.

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


def _ar_members(file: IO[bytes], size: int) -> Iterator[tuple[str, int, int]]:
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


def _decompressed(name: str, stream: io.BufferedIOBase) -> io.BufferedIOBase:
    suffix = name.removeprefix("data.tar")
    if suffix == "":
        return stream
    if suffix == ".xz":
        return lzma.LZMAFile(cast(IO[bytes], stream))
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=stream)
    if suffix == ".zst":
        return cast(io.BufferedIOBase, pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd"))
    raise BrokenArchive(f"unknown compression {name}")


def _read_data(
    file: IO[bytes], size: int, package: str, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[Member]:
    data = [member for member in _ar_members(file, size) if member[0].startswith("data.tar")]
    if not data:
        raise BrokenArchive("no data.tar inside")
    name, start, length = data[0]
    stream = _decompressed(name, io.BufferedReader(_Window(file, start, length), 1 << 20))
    counted = _Counted(stream, limits.content(length))
    with tarfile.open(fileobj=counted, mode="r|", bufsize=1 << 18, tarinfo=_TarInfo) as tar:
        while (info := tar.next()) is not None:
            # Else a package of tiny files would fill the memory with headers.
            tar.members.clear()  # type: ignore[attr-defined]
            yield from _tar_member(tar, info, package, wanted, limits)


class _TarInfo(tarfile.TarInfo):
    """A header; one that extends the next one's is read as a whole, so its size is bounded."""

    def _proc_member(self, tar: tarfile.TarFile) -> Any:
        extends = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, *_PAX)
        if self.type in extends and self.size > _HEADER_BYTES:
            raise UnsafeArchive(f"has a header of {self.size} bytes, more than {_HEADER_BYTES}")
        return super()._proc_member(tar)  # type: ignore[misc]


def _tar_member(
    tar: tarfile.TarFile, info: tarfile.TarInfo, package: str, wanted: Callable[[str], bool], limits: Limits
) -> Iterator[Member]:
    try:
        path = safe_path(info.name)
    except UnsafeArchive as error:
        yield Member(info.name, problem="unsafe_archive", detail=str(error))
        return
    archive = is_archive(path)
    text = path == f"usr/share/doc/{package}/copyright" or is_text(path)
    if info.isdir() or not (archive or text or (is_audio(path) and wanted(path))):
        return
    if not info.isreg() or info.issparse():
        if not text:
            kind = "link" if info.issym() or info.islnk() else "special file"
            yield Member(path, problem="unsafe_archive", detail=f"is a {kind}, which is never followed")
        return
    stream = tar.extractfile(info)
    if stream is None:
        return
    try:
        if archive:
            yield from read_zip(path, stream, wanted, limits)
        elif text:
            yield Member(path, data=stream.read(limits.text))
        else:
            yield Member(path, data=read_bounded(stream, limits.member))
    except UnsafeArchive as error:
        yield Member(path, problem="unsafe_archive", detail=str(error))
