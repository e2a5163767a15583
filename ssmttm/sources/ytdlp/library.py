"""yt-dlp's YoutubeDL, set up: no cookies, no plugins, no other programs, every request in its turn."""

import functools
import http.client
import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from typing import Any

from ssmttm.fetch.download import DEFAULTS
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.hosts import LONGEST_PAUSE, Host, shared_folder
from ssmttm.fetch.web import backoff, host_name, retry_after
from ssmttm.sources.contract import Context
from ssmttm.sources.ytdlp.pacing import wait_for_turn

REQUESTS_PER_MINUTE = 20
PAGE_BYTES = 64 << 20
"""More than any page, and any part of a file that is read at once, has."""


def open_library(settings: Mapping[str, Any], context: Context, options: Mapping[str, Any]) -> Any:
    """A YoutubeDL for one thread, with the settings of `data.sources.ytdlp` and further `options`."""
    per_minute = settings.get("requests_per_minute") or REQUESTS_PER_MINUTE
    fetching = {**DEFAULTS, **context.fetch}
    ydl = _library()({**_options(context.cache, fetching), **options}, per_minute, fetching)
    add_extractors(ydl)
    return ydl


def add_extractors(ydl: Any) -> None:
    """Give a YoutubeDL its extractors: all that it has."""
    ydl.add_default_info_extractors()


def _options(cache: Path, fetching: Mapping[str, Any]) -> dict[str, Any]:
    attempts = fetching["attempts"]
    return {
        "format": "bestaudio/best",
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "noplaylist": True,  # of an address that names a video in a playlist, the video
        "cachedir": False,
        "cookiefile": None,
        "cookiesfrombrowser": None,
        "usenetrc": False,
        "geo_bypass": False,
        "enable_file_urls": False,
        "allow_unplayable_formats": False,
        "ffmpeg_location": str(cache / "ytdlp" / "no-ffmpeg"),  # no other program opens foreign addresses
        "external_downloader": None,
        "fixup": "never",
        "postprocessors": [],
        "socket_timeout": fetching["timeout_s"],
        "retries": attempts - 1,
        "fragment_retries": attempts - 1,
        "extractor_retries": min(3, attempts - 1),
        "skip_unavailable_fragments": False,  # a gap would go unnoticed
        "retry_sleep_functions": dict.fromkeys(
            ("http", "fragment", "extractor", "file_access"), lambda n: backoff(n + 1, fetching["backoff_s"])
        ),
    }


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error of yt-dlp was raised for; None for all other errors."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def broken_connection() -> tuple[type[BaseException], ...]:
    """The classes of errors that mean a connection which broke or timed out, and not what a site answered.

    TransportError is no part of what yt-dlp documents for programs that embed it, but nothing documented tells the two
    apart: both are YoutubeDLError. Without it, the standard library's own errors count, which yt-dlp's have as causes.
    """
    try:
        from yt_dlp.networking.exceptions import TransportError
    except ImportError:
        return (ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException)
    return (TransportError,)


def _bounded(response: Any) -> Any:
    """The response, of which nobody reads more than PAGE_BYTES into memory at once."""
    read = response.read

    def bounded(amount: int | None = None) -> bytes:
        data: bytes = read(PAGE_BYTES + 1 if amount is None else amount)
        if len(data) > PAGE_BYTES:
            raise Unavailable(f"a page of more than {PAGE_BYTES >> 20} MiB", "too_large")
        return data

    response.read = bounded
    return response


@functools.cache
def _library() -> Callable[..., Any]:
    """YoutubeDL whose every request waits for its turn. Imported late: that takes a second."""
    os.environ["YTDLP_NO_PLUGINS"] = "1"  # code that lies about on this machine is none of ours
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import YoutubeDLError

    class Paced(YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
        def __init__(self, options: dict[str, Any], per_minute: float, fetching: Mapping[str, Any]) -> None:
            self._per_minute, self._fetching, self._refused = per_minute, fetching, 0
            super().__init__(options, auto_init=False)

        def urlopen(self, req: Any) -> Any:
            url = req if isinstance(req, str) else getattr(req, "url", None) or req.full_url
            host = Host(host_name(url), shared_folder(), self._fetching["connections"])
            while True:
                while (pause := host.pause_left()) > 0:
                    sleep(min(pause, 5.0))
                wait_for_turn(shared_folder() / "turns", host.name, self._per_minute)
                try:
                    response = super().urlopen(req)
                except YoutubeDLError as error:
                    if status_of(error) not in (429, 503):
                        raise
                    asked = retry_after(getattr(getattr(error, "response", None), "headers", {}))
                    self._refused += 1
                    wait = backoff(self._refused, self._fetching["backoff_s"]) if asked is None else asked
                    if self._refused >= self._fetching["attempts"] or wait > LONGEST_PAUSE:
                        raise
                    getattr(error, "close", lambda: None)()
                    host.pause(wait)
                else:
                    self._refused = 0
                    return _bounded(response)

    return Paced
