"""Requests at a bounded rate per host, across all threads and processes of this machine."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssmttm.files import sha256_bytes

_LONGEST_SECONDS = 3600.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path`, against threads and processes; a holder that dies releases it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_for_turn(folder: Path, host: str, per_minute: float) -> None:
    """Return when it is this caller's turn to send a request to `host`: `per_minute`, evenly spaced.

    The next free moment of each host is a number in a file of `folder`.
    """
    path = folder / sha256_bytes(host.encode("utf-8", "replace"))[:32]
    with locked(path):
        now = time.time()
        try:
            free = float(path.read_text() or 0)
        except ValueError:
            free = 0.0
        # A clock that was set back must not stop everything; NaN fails the comparison, too.
        turn = free if now < free < now + _LONGEST_SECONDS else now
        path.write_text(repr(turn + 60.0 / per_minute))
    time.sleep(max(0.0, turn - now))
