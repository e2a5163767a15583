"""What all processes on this machine that fetch from one host share: slots, pauses, failures in a row.

Kept as empty or tiny files in one folder per host. Slots are file locks, so that the system frees
those of a process that was killed; a pause is a file's modification time, which lies ahead; the
failures in a row are a file's length.
"""

import os
import random
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep, time
from urllib.parse import quote

from filelock import FileLock, Timeout

from ssmttm.errors import UserError
from ssmttm.files import sha256_bytes

LONGEST_PAUSE = 600.0
"""Seconds that a server is obeyed at most when it asks to wait."""

_FORGOTTEN_AFTER = 3600.0
"""Seconds after which failures in a row count no more."""


def shared_folder() -> Path:
    """Where this user's jobs on this machine meet."""
    folder = Path(tempfile.gettempdir()) / f"ssmttm-hosts-{os.getuid()}"
    with _usable(folder):
        folder.mkdir(exist_ok=True, mode=0o700)
        owner = folder.lstat().st_uid
    if owner != os.getuid():
        raise UserError(f"{folder}: belongs to another user; remove it, or set TMPDIR to a folder of your own")
    return folder


class Host:
    """One host (`name[:port]`) as seen from this machine."""

    def __init__(self, name: str, folder: Path, connections: int) -> None:
        self.name, self._connections = name, max(1, connections)
        safe = quote(name, safe="")
        self._folder = folder / (safe if len(safe) <= 100 else f"{safe[:80]}-{sha256_bytes(name.encode())[:16]}")
        with _usable(folder):
            self._folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def slot(self) -> Generator[None, None, None]:
        """Held during one transfer: waits while the host's pause lasts or all its slots are taken."""
        delay = 0.01
        while True:
            if (pause := self.pause_left()) > 0:
                sleep(min(pause, 5.0) + random.uniform(0.0, 0.1))
                continue
            if (lock := self._take()) is None:
                sleep(delay * random.uniform(0.5, 1.0))
                delay = min(2 * delay, 0.25)
                continue
            try:
                if self.pause_left() <= 0:
                    yield
                    return
            finally:
                lock.release()

    def _take(self) -> FileLock | None:
        """A slot's lock, held, or None when every slot is taken."""
        for number in random.sample(range(self._connections), self._connections):
            lock = FileLock(self._folder / f"slot-{number}", mode=0o600, fallback_to_soft=False)
            with _usable(self._folder), suppress(Timeout):
                lock.acquire(blocking=False)
                return lock
        return None

    def pause(self, seconds: float) -> None:
        """Nobody on this machine asks this host anything for so long; a longer pause stays."""
        until = time() + min(seconds, LONGEST_PAUSE)
        path = self._folder / "pause"
        with _usable(self._folder):
            if self.pause_left() < until - time():
                path.touch(0o600)
                os.utime(path, (until, until))

    def pause_left(self) -> float:
        """Seconds until this host may be asked again; none if that is further away than any pause can be."""
        try:
            left = (self._folder / "pause").stat().st_mtime - time()
        except FileNotFoundError:
            return 0.0
        return left if 0.0 < left <= LONGEST_PAUSE else 0.0

    def failed(self) -> int:
        """Count a file that could not be had although the host may have it; how many in a row now."""
        path = self._folder / "failed"
        with _usable(self._folder):
            if path.exists() and time() - path.stat().st_mtime > _FORGOTTEN_AFTER:
                self.delivered()
            with open(path, "ab", buffering=0) as file:
                file.write(b"x")
                return os.fstat(file.fileno()).st_size

    def delivered(self) -> None:
        """A file came whole: the row of failures ends."""
        (self._folder / "failed").unlink(missing_ok=True)


@contextmanager
def _usable(folder: Path) -> Generator[None, None, None]:
    """Turn the file system's errors into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: can't be used to share a host's connections: {error}; set TMPDIR") from error
