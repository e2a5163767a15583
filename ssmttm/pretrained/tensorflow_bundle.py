"""Read a TensorFlow V2 checkpoint ("tensor bundle") with NumPy alone.

A bundle is an index file, which is a LevelDB table from tensor name to a `BundleEntryProto`, and
data files with the tensors' raw little-endian bytes. Only what plain dense tensors need is read.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_TABLE_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_MAX_INDEX_BYTES = 64 << 20
_MAX_BLOCK_BYTES = 64 << 20

# tensorflow/core/framework/types.proto
_DTYPES = {
    1: np.float32,
    2: np.float64,
    3: np.int32,
    4: np.uint8,
    5: np.int16,
    6: np.int8,
    9: np.int64,
    10: np.bool_,
    19: np.float16,
}


class BundleError(ValueError):
    """The files are not a readable tensor bundle."""


def read_bundle(prefix: Path | str) -> dict[str, np.ndarray]:
    """All dense tensors of the checkpoint `prefix`.index, `prefix`.data-?????-of-?????.

    `prefix` is a path whose last part may be empty (`folder/` for `folder/.index`). Returns
    writable arrays by variable name. Raises BundleError on malformed, truncated or unsupported
    files and FileNotFoundError when one is missing.
    """
    prefix = str(prefix)
    index = Path(prefix + ".index")
    if index.stat().st_size > _MAX_INDEX_BYTES:
        raise BundleError(f"{index}: larger than any index of a supported checkpoint")
    try:
        entries = _read_table(index.read_bytes())
        header = dict(_fields(entries.pop(b"", b"")))
        shards = _whole(header.get(1, 1))
        return _read_tensors(prefix, entries, shards)
    except BundleError as error:
        raise BundleError(f"{index}: {error}") from error
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise BundleError(f"{index}: truncated or malformed: {error}") from error


def _read_tensors(prefix: str, entries: dict[bytes, bytes], shards: int) -> dict[str, np.ndarray]:
    files: dict[int, np.ndarray] = {}
    tensors = {}
    for name, value in entries.items():
        entry = dict(_fields(value))
        code = entry.get(1)
        if code not in _DTYPES or 7 in entry:
            raise BundleError(f"tensor {name!r} is sliced or of an unsupported type ({code!r})")
        dtype = np.dtype(_DTYPES[code]).newbyteorder("<")
        shape = _shape(entry.get(2, b""))
        shard, offset, size = (_whole(entry.get(key, 0)) for key in (3, 4, 5))
        expected = dtype.itemsize
        for length in shape:
            expected *= length
        if size != expected:
            raise BundleError(f"tensor {name!r}: {size} bytes do not fit shape {shape}")
        if shard not in files:
            path = Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")
            if path.stat().st_size == 0:
                raise BundleError(f"{path} is empty")
            files[shard] = np.memmap(path, np.uint8, "r")
        if offset + size > len(files[shard]):
            raise BundleError(f"tensor {name!r} lies beyond the end of its data file")
        raw = files[shard][offset : offset + size]
        tensors[name.decode()] = np.frombuffer(raw.tobytes(), dtype).reshape(shape).copy()
    return tensors


def _shape(message: bytes | int) -> list[int]:
    return [_whole(dict(_fields(_message(d))).get(1, 0)) for field, d in _fields(message) if field == 2]


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise BundleError("a number was expected in a protocol buffer field")
    return value


def _message(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise BundleError("a message was expected in a protocol buffer field")
    return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The variable-length integer at `at`, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise BundleError("an integer is longer than 64 bits")


def _fields(data: bytes | int) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of one protocol buffer message."""
    data = _message(data)
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if wire == 2:
            length, at = _varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise BundleError(f"unknown protocol buffer wire type {wire}")
        if at + length > len(data):
            raise BundleError("a protocol buffer field is cut off")
        yield tag >> 3, data[at : at + length]
        at += length


def _read_table(data: bytes) -> dict[bytes, bytes]:
    """The key-value pairs of a LevelDB table file."""
    if len(data) < _FOOTER_BYTES or struct.unpack_from("<Q", data, len(data) - 8)[0] != _TABLE_MAGIC:
        raise BundleError("not a TensorFlow checkpoint index")
    at = len(data) - _FOOTER_BYTES
    handle = []
    for _ in range(4):  # offset and size of the metaindex, then of the index block
        value, at = _varint(data, at)
        handle.append(value)
    entries: dict[bytes, bytes] = {}
    for _, pointer in _block(data, handle[2], handle[3]):
        offset, at = _varint(pointer, 0)
        size, _ = _varint(pointer, at)
        entries.update(_block(data, offset, size))
    return entries


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of one table block; keys share prefixes with their predecessors."""
    if offset + size >= len(data):
        raise BundleError("a block lies beyond the end of the file")
    raw = data[offset : offset + size]
    compression = data[offset + size]
    if compression == 1:
        raw = _unsnappy(raw)
    elif compression:
        raise BundleError(f"unknown block compression {compression}")
    if len(raw) < 4:
        raise BundleError("a block is cut off")
    end = len(raw) - 4 - 4 * struct.unpack_from("<I", raw, len(raw) - 4)[0]
    if end < 0:
        raise BundleError("a block's restart array is longer than the block")
    at, key = 0, b""
    while at < end:
        shared, at = _varint(raw, at)
        fresh, at = _varint(raw, at)
        length, at = _varint(raw, at)
        if shared > len(key) or at + fresh + length > end:
            raise BundleError("a block entry is cut off")
        key = key[:shared] + raw[at : at + fresh]
        at += fresh
        yield key, raw[at : at + length]
        at += length


def _unsnappy(data: bytes) -> bytes:
    """Decompress one raw Snappy block."""
    length, at = _varint(data, 0)
    if length > _MAX_BLOCK_BYTES:
        raise BundleError("a compressed block is implausibly large")
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            size = tag >> 2
            if size >= 60:
                count = size - 59
                size = int.from_bytes(data[at : at + count], "little")
                at += count
            if at + size + 1 > len(data):
                raise BundleError("a compressed literal is cut off")
            out += data[at : at + size + 1]
            at += size + 1
        else:
            at = _copy(data, at, tag, kind, out)
        if len(out) > length:
            raise BundleError("a compressed block is longer than it says")
    if len(out) != length:
        raise BundleError("a compressed block is shorter than it says")
    return bytes(out)


def _copy(data: bytes, at: int, tag: int, kind: int, out: bytearray) -> int:
    """Apply one Snappy back-reference to `out`; returns the position after it."""
    if kind == 1:
        size, back, width = 4 + ((tag >> 2) & 7), ((tag >> 5) << 8) | data[at], 1
    else:
        width = 2 if kind == 2 else 4
        size, back = 1 + (tag >> 2), int.from_bytes(data[at : at + width], "little")
    if not 0 < back <= len(out) or at + width > len(data):
        raise BundleError("a compressed block points before its start")
    for _ in range(size):
        out.append(out[-back])
    return at + width
