"""Tiny packages and archives, built with the standard library."""

import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

import numpy as np

from ssmttm.audio.coded import encode_audio

DEP5 = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Source: https://example.org/game

Files: *
Copyright: 2010 The Coders
License: GPL-2+

Files: data/music/*
Copyright: 2011-2013, Ada Tune <ada@example.org>
License: CC-BY-SA-3.0

License: GPL-2+
 The usual text.
"""


def tone(seconds: float, rate: int = 8000, frequency: float = 220.0) -> np.ndarray:
    """A quiet tone, float32 `[n]`."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.25 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def flac(seconds: float, frequency: float = 220.0) -> bytes:
    return encode_audio(tone(seconds, frequency=frequency), 8000)


def tagged(seconds: float, tags: Mapping[str, str | list[str]], frequency: float = 220.0) -> bytes:
    """FLAC with Vorbis comments; a list repeats the field."""
    data = flac(seconds, frequency)
    fields = [(key, v) for key, value in tags.items() for v in ([value] if isinstance(value, str) else value)]
    comments = [f"{key}={value}".encode() for key, value in fields]
    block = (0).to_bytes(4, "little") + len(comments).to_bytes(4, "little")
    block += b"".join(len(c).to_bytes(4, "little") + c for c in comments)
    start, position = b"", 4
    while True:  # metadata blocks: one byte with "last" and type, three bytes of length
        head, size = data[position], int.from_bytes(data[position + 1 : position + 4], "big")
        end = position + 4 + size
        if head & 0x7F != 4:
            start += bytes([head & 0x7F]) + data[position + 1 : end]
        position = end
        if head & 0x80:
            break
    return b"fLaC" + start + bytes([0x84]) + len(block).to_bytes(3, "big") + block + data[position:]


def zip_bytes(members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, target)
    return buffer.getvalue()


def deb_bytes(
    members: Mapping[str, bytes | str],
    links: Mapping[str, str] | None = None,
    compression: str = "xz",
    others: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
) -> bytes:
    """A .deb whose data.tar holds `members`, with symbolic `links` and then `others`, whatever they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            content = data.encode() if isinstance(data, str) else data
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        for info, content in others:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    compress = {"xz": lambda d: lzma.compress(d, preset=0), "gz": gzip.compress, "zst": _zstd, "": bytes}[compression]
    name = "data.tar" + (f".{compression}" if compression else "")
    return ar_bytes({"debian-binary": b"2.0\n", name: compress(buffer.getvalue())})


def _zstd(data: bytes) -> bytes:
    import pyarrow as pa

    return pa.Codec("zstd").compress(data, asbytes=True)


def ar_bytes(members: Mapping[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        out += b"\n" * (len(data) % 2)
    return out


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
