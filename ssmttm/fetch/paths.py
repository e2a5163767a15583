"""Paths of foreign origin: relative, inside their folder, storable."""

import re
from pathlib import PurePosixPath

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_COMPONENT_BYTES = 255
_PATH_BYTES = 1000


class UnsafeName(ValueError):
    """A path that is not used; the message says what is wrong with it."""


def safe_relative(path: str) -> PurePosixPath:
    """The path without empty and `.` components; any script is fine.

    Raises UnsafeName on an absolute path, one that climbs out (`..`), backslashes, control
    characters such as newlines, names of devices (CON, NUL), and what no file system stores.
    """
    if found := _CONTROL.search(path):
        raise UnsafeName(f"has the control character U+{ord(found[0]):04X}")
    if "\\" in path:
        raise UnsafeName("has a backslash; folders are separated by /")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise UnsafeName("is absolute, not relative")
    plain = PurePosixPath(path)
    if not plain.parts:
        raise UnsafeName("is empty")
    if len(path.encode()) > _PATH_BYTES:
        raise UnsafeName(f"is longer than {_PATH_BYTES} bytes")
    for part in plain.parts:
        if part == "..":
            raise UnsafeName("leads out of its folder")
        if _DEVICE.fullmatch(part):
            raise UnsafeName(f"has {part!r}, the name of a device")
        if len(part.encode()) > _COMPONENT_BYTES:
            raise UnsafeName(f"has a name longer than {_COMPONENT_BYTES} bytes")
    return plain
