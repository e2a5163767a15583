"""The unfinished download beside its target: `NAME.part`, what is known of it, and one writer at a time."""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from io import FileIO
from pathlib import Path
from typing import TypeVar, get_args, get_type_hints

from ssmttm.errors import UserError
from ssmttm.fetch.content import HEAD
from ssmttm.files import write_json

T = TypeVar("T")

_FULL = frozenset([errno.ENOSPC, errno.EDQUOT])
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@contextmanager
def disk_errors(path: Path, missing: int | None = None) -> Iterator[None]:
    """Turn the file system's errors into a UserError; `missing` bytes were still to be written."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _disk_full(path, missing) from error
        raise UserError(f"{path}: can't be written: {error.strerror or error}; choose another cache folder") from error


def _disk_full(path: Path, missing: int | None) -> UserError:
    free = shutil.disk_usage(path.parent).free
    needed = "more bytes" if missing is None else f"{missing} more bytes"
    return UserError(
        f"{path.parent}: the disk is full, or its quota used up: {path.name} needs {needed}, {free} are free; "
        "make room, then run again: what was fetched is kept"
    )


@dataclass(frozen=True)
class Answer:
    """What a server says about the file that it is sending."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None
    encoding: str | None = None  # of the bytes as they are sent
    total: int | None = None  # bytes of the whole file, as sent
    boot: str | None = None  # of the machine when this was noted


class Part:
    """The bytes that are there so far (`size`) and the answer that they belong to (None: nobody knows)."""

    def __init__(self, target: Path, file: FileIO) -> None:
        self.target, self._file = target, file
        self.path, self._record = beside(target, ".part"), beside(target, ".part.json")
        self.decoded = beside(target, ".decoded.part")
        self.size = os.fstat(file.fileno()).st_size
        self.answer = read_stored(self._record, Answer) if self.size else None

    @property
    def complete(self) -> bool:
        """Whether as many bytes are there as the server said that there are."""
        return self.answer is not None and self.size == self.total

    @property
    def total(self) -> int | None:
        """Bytes of the whole file, as sent; None if nobody knows."""
        return None if self.answer is None else self.answer.total

    @property
    def survived(self) -> bool:
        """Whether the machine has run since these bytes were written: a power cut may spoil them silently."""
        return self.answer is not None and self.answer.boot == _boot()

    @property
    def modified_ns(self) -> int:
        """Time of the last change."""
        return os.fstat(self._file.fileno()).st_mtime_ns

    def begin(self, answer: Answer) -> None:
        """Drop what is there and start anew with `answer`. Raises UserError if the disk has no room for it."""
        self.discard()
        usage = shutil.disk_usage(self.target.parent)
        if answer.total is not None and usage.total and answer.total > usage.free:
            raise _disk_full(self.target, answer.total)
        self._note(replace(answer, boot=_boot()))

    def write(self, data: bytes) -> None:
        """Append `data`; it is with the system when this returns."""
        view = memoryview(data)
        with disk_errors(self.target, None if self.total is None else self.total - self.size):
            while view:
                written = self._file.write(view) or 0
                self.size += written
                view = view[written:]

    def learn(self, total: int) -> None:
        """Note how long the whole file is."""
        if self.answer is not None:
            self._note(replace(self.answer, total=total))

    def _note(self, answer: Answer) -> None:
        self.answer = answer
        with disk_errors(self.target):
            write_json(self._record, asdict(answer))

    def head(self) -> bytes:
        """The first bytes."""
        return os.pread(self._file.fileno(), HEAD, 0)

    def sync(self) -> None:
        """Wait until all is on the disk."""
        with disk_errors(self.target):
            os.fsync(self._file.fileno())

    def discard(self) -> None:
        """Forget everything."""
        with disk_errors(self.target):
            self._record.unlink(missing_ok=True)
            self.decoded.unlink(missing_ok=True)
            self._file.truncate(0)
        self.size, self.answer = 0, None

    def remove(self) -> None:
        """Remove the files. To be called by the one who holds the lock."""
        with disk_errors(self.target):
            self._record.unlink(missing_ok=True)
            self.decoded.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)


@contextmanager
def open_part(target: Path) -> Iterator[Part]:
    """The part of `target`, for one process and thread at a time: others wait until the block ends."""
    path = beside(target, ".part")
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = FileIO(path, "ab+")
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file, path):
                break
            file.close()  # who held the lock has renamed or removed it
        part = Part(target, file)
    try:
        yield part
    finally:
        if _is_at(file, path) and os.fstat(file.fileno()).st_size == 0:
            part.remove()
        file.close()


def beside(target: Path, suffix: str) -> Path:
    """`target` with `suffix` behind its whole name."""
    return target.with_name(target.name + suffix)


def _is_at(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def read_stored(path: Path, kind: type[T]) -> T | None:
    """The dataclass that a JSON file holds; None unless all its fields, and no others, are there with their types."""
    try:
        values = json.loads(path.read_bytes())
        if all(type(values[name]) in (get_args(hint) or (hint,)) for name, hint in get_type_hints(kind).items()):
            return kind(**values)
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _boot() -> str | None:
    """An id that differs after every start of the machine; None where the system has none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return None
