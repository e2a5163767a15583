"""Progress of long work: one rewritten line on a terminal, a plain line now and then in a log."""

import sys
import time
from typing import TextIO


def notify(message: str) -> None:
    """Tell the user: a line `ssmttm: message` in the log."""
    sys.stderr.write(f"ssmttm: {message}\n")
    sys.stderr.flush()


def format_seconds(seconds: float) -> str:
    """`3725` -> `1:02:05`, `65` -> `1:05`."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    """Reports how far a loop is, at what rate, and how long it will still take.

    On a terminal the line is rewritten at most five times a second; elsewhere a new line is
    written every `log_every` seconds, so that logs stay short.
    """

    def __init__(self, name: str, total: int, unit: str, log_every: float = 10.0, stream: TextIO | None = None) -> None:
        self.name, self.total, self.unit = name, total, unit
        self.stream = stream if stream is not None else sys.stderr
        self.terminal = self.stream.isatty()
        self.interval = 0.2 if self.terminal else log_every
        self.started = time.monotonic()
        self.written = self.started
        self.done = 0
        self.first = 0

    def start_at(self, done: int) -> None:
        """Count `done` as already finished by an earlier run: it does not enter the rate."""
        self.done = self.first = done

    def update(self, done: int, note: str = "") -> None:
        """Say that `done` of `total` are finished."""
        self.done = done
        now = time.monotonic()
        if now - self.written >= self.interval or done >= self.total:
            self.written = now
            self._show(now, note)

    def advance(self, note: str = "") -> None:
        """Say that one more is finished."""
        self.update(self.done + 1, note)

    def _show(self, now: float, note: str) -> None:
        elapsed = max(now - self.started, 1e-9)
        rate = (self.done - self.first) / elapsed
        left = format_seconds((self.total - self.done) / rate) if rate > 0 else "?"
        line = f"{self.name}: {self.done}/{self.total} {self.unit}, {rate:.2f} {self.unit}/s, {left} left"
        line += f", {note}" if note else ""
        if self.terminal:
            self.stream.write(f"\r\x1b[2K{line}" + ("\n" if self.done >= self.total else ""))
        else:
            self.stream.write(line + "\n")
        self.stream.flush()
