"""Reading a zip archive (.zip, .love, .pk3) that is a member of a package; archives inside it stay closed."""

import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from ssmttm.sources.debian.members import (
    Limits,
    Member,
    UnsafeArchive,
    is_archive,
    is_audio,
    is_text,
    read_bounded,
    safe_path,
)

_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError)
"""How `zipfile` fails on archives that are cut, altered or packed in a way it doesn't know."""

_TAIL = 65_535 + 22
_END, _END_64, _LOCATOR_64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"


def read_zip(path: str, stream: IO[bytes], wanted: Callable[[str], bool], limits: Limits) -> Iterator[Member]:
    """Wanted audio and the texts beside it of the archive `stream`, the package's member at `path`."""
    with tempfile.SpooledTemporaryFile(max_size=64 << 20) as spool:
        size = 0
        while part := stream.read(1 << 20):
            size += len(part)
            spool.write(part)
        budget = limits.content(size)
        try:
            if (listed := _directory_bytes(spool, size)) > limits.directory:
                raise UnsafeArchive(f"lists its members in {listed >> 20} MiB, more than {limits.directory >> 20} MiB")
            with zipfile.ZipFile(spool) as archive:
                for info in archive.infolist():
                    for member in _zip_member(archive, info, path, wanted, min(limits.member, budget), limits):
                        budget -= len(member.data)
                        yield member
        except _DAMAGED as error:
            yield Member(path, problem="undecodable", detail=f"not a readable zip archive: {error}")


def _directory_bytes(file: IO[bytes] | tempfile.SpooledTemporaryFile[bytes], size: int) -> int:
    """How long the list of members says it is, which `zipfile` then reads as a whole; 0 if not found."""
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read(_TAIL)
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        return 0
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    if tail[end - 20 : end - 16] == _LOCATOR_64:  # zip64: the true length lies where the locator says
        file.seek(min(int.from_bytes(tail[end - 12 : end - 4], "little"), size))
        record = file.read(56)
        if record[:4] == _END_64:
            length = max(length if length != 0xFFFFFFFF else 0, int.from_bytes(record[40:48], "little"))
    return length


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
    text = is_text(inner)
    if info.is_dir() or not (text or is_archive(inner) or (is_audio(inner) and wanted(f"{path}/{inner}"))):
        return
    mode = info.external_attr >> 16
    if is_archive(inner):
        yield refused("unsafe_archive", "is an archive inside an archive, which is not opened")
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        yield refused("unsafe_archive", "is a link or a special file, which is never followed")
    elif info.flag_bits & 1:
        yield refused("unsafe_archive", "is encrypted")
    elif not text and info.file_size > limit:
        yield refused("unsafe_archive", f"unpacks to {info.file_size >> 20} MiB, more than {limit >> 20} MiB")
    else:
        try:
            with archive.open(info) as stream:
                data = stream.read(min(limits.text, limit)) if text else read_bounded(stream, limit)
            yield Member(path, inner, data)
        except UnsafeArchive as error:
            yield refused("unsafe_archive", str(error))
        except _DAMAGED as error:
            yield refused("undecodable", f"damaged in its archive: {error}")
