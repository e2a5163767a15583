"""A made-up site for yt-dlp: pages under /watch/ are info dicts in JSON, served by `FaultyServer`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faulty_server import FaultyServer

from ssmttm.sources.contract import Context
from ssmttm.sources.ytdlp import library

BY = "https://creativecommons.org/licenses/by/4.0/"
SETTINGS = {"urls": ["http://example.org/"], "requests_per_minute": 1e6, "max_megabytes": 1, "max_tracks": 20}
CLIPS = {"seconds": 0.5, "max_track_seconds": 60.0}
FETCH = {"connections": 4, "attempts": 4, "timeout_s": 5.0, "keep": True, "backoff_s": 0.01}


def use_site(monkeypatch: Any, shared: Path) -> None:
    """Let yt-dlp know the site and its generic extractor only, and keep this machine's state in `shared`."""
    from yt_dlp.extractor.common import InfoExtractor
    from yt_dlp.extractor.generic import GenericIE

    class SiteIE(InfoExtractor):
        IE_NAME = "site"
        _VALID_URL = r"http://127\.0\.0\.1:\d+/watch/(?P<id>[^?#]+)"

        def _real_extract(self, url: str) -> Any:
            page = self._download_json(url, self._match_id(url))
            if page.pop("boom", None):
                raise TypeError("a bug of an extractor")
            return page

    def add(ydl: Any) -> None:
        for extractor in (SiteIE, GenericIE):
            ydl.add_info_extractor(extractor())

    shared.mkdir(exist_ok=True)
    monkeypatch.setattr(library, "add_extractors", add)
    monkeypatch.setattr(library, "shared_folder", lambda: shared)


def context(cache: Path, progress: Callable[[int, int, str], None] | None = None, **fetch: Any) -> Context:
    made = Context(CLIPS, {**FETCH, **fetch}, cache)
    return made if progress is None else Context(CLIPS, {**FETCH, **fetch}, cache, progress)


def put(server: FaultyServer, video: str, audio: bytes | None = None, **info: Any) -> str:
    """Put a page on the site, with a file for its one format; its address. None leaves a field out."""
    media = f"/media/{video}"
    if audio is not None:
        server.files[media] = audio
    page = {
        "id": video,
        "title": f"Title of {video}",
        "license": BY,
        "formats": [{"format_id": "a", "url": server.url(media), "ext": "flac", "vcodec": "none", "acodec": "flac"}],
        **info,
    }
    server.files[f"/watch/{video}"] = json.dumps({k: v for k, v in page.items() if v is not None}).encode()
    return server.url(f"/watch/{video}")


def fetch_and_die(shared: str, cache: str, track: str) -> None:
    """What a process that will be killed runs."""
    import pytest

    from ssmttm.sources.ytdlp import source

    use_site(pytest.MonkeyPatch(), Path(shared))
    source.fetch(SETTINGS, json.loads(track), context(Path(cache)))


if __name__ == "__main__":
    fetch_and_die(*sys.argv[1:])
