"""A server, and downloads from it with short waits."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from downloads import MUSIC, PATH
from faulty_server import FaultyServer

from ssmttm.fetch.download import download


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer({PATH: MUSIC}) as running:
        yield running


@pytest.fixture
def get(server: FaultyServer, tmp_path: Path) -> Callable[..., Path]:
    """`download` of one path into `tmp_path`, with short waits."""

    def run(path: str = PATH, fetching: dict[str, Any] | None = None, **options: Any) -> Path:
        settings = {"attempts": 3, "timeout_s": 2.0, "backoff_s": 0.001, **(fetching or {})}
        url = path if "://" in path else server.url(path)
        options = {"slots": tmp_path / "slots", **options}
        return download(url, tmp_path / "track.mp3", fetching=settings, **options)

    return run
