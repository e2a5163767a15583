"""Asked to end: by SIGTERM, which a cluster sends a job some time before it kills it."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Ended(Exception):
    """A training that was asked to end has saved its state after `step` steps."""

    STATUS = 128 + signal.SIGTERM
    """What its process exits with."""

    def __init__(self, step: int) -> None:
        super().__init__(f"asked to end (SIGTERM): its state after step {step} is saved")


@contextmanager
def asked_to_end() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether SIGTERM has come since; until the block ends, it does nothing else.

    In another thread than a process's first, which can't be told of signals, it stays as it was.
    """
    asked = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGTERM, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGTERM, before)
