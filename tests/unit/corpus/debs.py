"""Tiny packages and archives, built with the standard library."""

import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
from collections.abc import Mapping

import numpy as np

from ssmttm.audio import encode_audio

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
    members: Mapping[str, bytes | str], links: Mapping[str, str] | None = None, compression: str = "xz"
) -> bytes:
    """A .deb whose data.tar holds `members`, with symbolic `links`."""
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
