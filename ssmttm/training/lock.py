"""One process trains a run at a time: an operating system's lock on a file in the run's folder.

The lock ends with the process that holds it, however that ends, so nothing is ever left to be
deleted by hand. It holds on local disks, and between machines on NFS (version 4, or 3 with its
lock service) and on file systems such as Lustre if they are mounted with `flock`.
"""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from ssmttm.errors import UserError

FILE = "train.lock"
POLL = 0.5
"""Seconds between two attempts to get the lock."""
TELL = 60.0
"""Seconds between two messages of a process that waits."""
_HELD = (errno.EAGAIN, errno.EACCES)


class RunLock:
    """The lock of a run's folder, held."""

    def __init__(self, folder: Path, file: TextIO) -> None:
        self.folder, self._file = folder, file

    def check(self) -> None:
        """Raise UserError if the folder was removed meanwhile: another process may be training in a new one."""
        if not _is(self._file, self.folder / FILE):
            raise UserError(
                f"{self.folder}: was removed while this run was trained; nothing is written there. Train it again"
            )


@contextmanager
def run_lock(folder: Path, saved: Callable[[], str], tell: Callable[[str], None]) -> Iterator[RunLock]:
    """Hold the lock of the run in `folder` inside the block; wait as long as another process has it.

    While it waits, `tell` gets messages that say who has it, and with `saved()` how far that is.
    Raises UserError if the folder can't be written.
    """
    file = _acquire(folder, fcntl.LOCK_EX, saved, tell)
    try:
        file.truncate(0)
        json.dump({"process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}, file)
        file.flush()
        yield RunLock(folder, file)
    finally:
        if _is(file, folder / FILE):
            (folder / FILE).unlink(missing_ok=True)
        file.close()


def wait_for_others(folder: Path, saved: Callable[[], str], tell: Callable[[str], None]) -> None:
    """Return as soon as no process trains in `folder`, without taking the lock; see `run_lock`."""
    _acquire(folder, fcntl.LOCK_SH, saved, tell).close()


def _acquire(folder: Path, mode: int, saved: Callable[[], str], tell: Callable[[str], None]) -> TextIO:
    path, last_told = folder / FILE, -TELL
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 held as long as the lock
        except OSError as error:
            raise UserError(f"{folder}: can't be written: {error.strerror}; name another folder with --out") from error
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HELD:
                tell(
                    f"{folder}: its file system has no locks ({error.strerror}); "
                    "make sure that no other process trains this run"
                )
                return file
            now = time.monotonic()
            if now - last_told >= TELL:
                tell(f"{folder}: {_holder(file)}, {saved()}; waiting for it to end")
                last_told = now
            file.close()
            time.sleep(POLL)
            continue
        if _is(file, path):
            return file
        file.close()  # who held it has removed the file


def _is(file: TextIO, path: Path) -> bool:
    """Whether the open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _holder(file: TextIO) -> str:
    """Who says in a lock file that it trains."""
    file.seek(0)
    with suppress(ValueError, KeyError, TypeError):
        holder = json.loads(file.read())
        return f"process {holder['process']} on {holder['host']} trains this run since {holder['since']}"
    return "another process trains this run"
