"""What the tests of downloads share."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faulty_server import FaultyServer

MUSIC = b"ID3\x04" + random.Random(1).randbytes(200_000)
OTHER = b"ID3\x04" + random.Random(2).randbytes(200_000)
PATH = "/00/7400.mp3"
SCRIPT = (
    "import sys, pathlib; from ssmttm.fetch.download import download; p = pathlib.Path(sys.argv[2])\n"
    "download(sys.argv[1], p / 'track.mp3', fetching={}, slots=p / 'slots')"
)


def statuses(server: FaultyServer, path: str = PATH) -> list[int]:
    return [hit.status for hit in server.asked(path)]


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != "track.mp3")


def in_threads(number: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work(0)`, `work(1)`, … return or raise, each in a thread of its own."""
    results: list[Any] = [None] * number

    def run(index: int) -> None:
        try:
            results[index] = work(index)
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
