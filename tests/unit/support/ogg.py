"""Ogg files whose header packets come a second time, where the music should begin."""

import struct
from collections.abc import Iterable


def pages(data: bytes) -> list[bytes]:
    """The pages of an Ogg file, each whole."""
    found = []
    while data:
        segments = data[26]
        size = 27 + segments + sum(data[27 : 27 + segments])
        found.append(data[:size])
        data = data[size:]
    return found


def _checksum(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def numbered(parts: Iterable[bytes]) -> bytes:
    """The pages as one file: numbered anew, with the checksums that go with that."""
    found = []
    for number, page in enumerate(parts):
        plain = page[:18] + struct.pack("<II", number, 0) + page[26:]
        found.append(plain[:22] + struct.pack("<I", _checksum(plain)) + plain[26:])
    return b"".join(found)


def with_headers_twice(data: bytes) -> bytes:
    """The file with its header packets repeated on a page of their own before the music; FFmpeg refuses it."""
    every = pages(data)
    music = next(i for i, page in enumerate(every) if page[6:14] != bytes(8))
    headers = every[:music]
    lacing = b"".join(page[27 : 27 + page[26]] for page in headers)
    body = b"".join(page[27 + page[26] :] for page in headers)
    again = headers[-1][:26] + bytes([len(lacing)]) + lacing + body
    return numbered([*headers, again, *every[music:]])
