"""FLAC files of one size: padding, which every player skips (RFC 9639, sections 8.1 and 8.3)."""

HEADER = 4
"""Bytes of a metadata block before its content: whether it is the last one and its type, then its length."""

_MAGIC = b"fLaC"
_PADDING, _LAST = 1, 0x80
_MOST = (1 << 24) - 1


def padded(data: bytes, size: int) -> bytes:
    """The FLAC file `data` with padding behind its metadata, `size` bytes in all.

    Raises ValueError for what is no FLAC, and for sizes that can't be reached: HEADER bytes more at least.
    """
    if not data.startswith(_MAGIC):
        raise ValueError("not a FLAC file")
    if size == len(data):
        return data
    at = len(_MAGIC)
    while not data[at] & _LAST:
        at += HEADER + int.from_bytes(data[at + 1 : at + HEADER], "big")
    end = at + HEADER + int.from_bytes(data[at + 1 : at + HEADER], "big")
    parts = [data[:at], bytes([data[at] & ~_LAST]), data[at + 1 : end]]
    lack = size - len(data)
    while lack:
        if lack < HEADER:
            raise ValueError(f"{len(data)} bytes can't be padded to {size}")
        length = min(lack - HEADER, _MOST)
        if 0 < lack - HEADER - length < HEADER:
            length -= HEADER  # leaves room for the header of the next block
        lack -= HEADER + length
        parts.append(bytes([_PADDING | (0 if lack else _LAST)]) + length.to_bytes(3, "big") + bytes(length))
    return b"".join([*parts, data[end:]])
