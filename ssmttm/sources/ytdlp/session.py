"""What an address leads to, through yt-dlp: playlists and searches one video at a time, failures one by one."""

import errno
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from time import sleep
from typing import Any, TypeVar

from ssmttm.errors import UserError
from ssmttm.fetch.download import DEFAULTS
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.web import backoff
from ssmttm.sources.contract import Context
from ssmttm.sources.ytdlp.library import broken_connection, open_library, status_of
from ssmttm.sources.ytdlp.text import clean, track_id
from ssmttm.wording import quoted

R = TypeVar("R")

_DEPTH = 4
"""How deep playlists may nest: a channel holds tabs, a tab holds playlists, those hold videos."""

_OFFLINE = 3
"""So many videos of a playlist in a row whose hosts can't be reached: then it is this machine's network."""

_NO_NETWORK = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ECONNREFUSED}
_NO_STORAGE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR}


class NoNetwork(UserError):
    """Not this one video, but its whole host can't be reached."""


class _Passing(Unavailable):
    """A failure that may be over soon: a broken connection, a time-out, a server's error."""


@dataclass(frozen=True)
class Found:
    """A video that an address leads to."""

    url: str  # leads to it
    track_id: str | None  # null if its id isn't known, because nothing could be read
    result: dict[str, Any] | None  # what the extractor gave, not yet processed; null if it was skipped
    error: Unavailable | None = None  # why it could not be read


class _Log:
    """Takes yt-dlp's messages, which would go to the terminal; the last ones explain a failure."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=20)

    def debug(self, message: str) -> None:
        self.lines.append(_message(message))

    info = warning = error = debug

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else "no message"


class Session:
    """yt-dlp with the settings of `data.sources.ytdlp`; for one thread."""

    def __init__(self, settings: Mapping[str, Any], context: Context, **options: Any) -> None:
        self.log = _Log()
        self._fetching = {**DEFAULTS, **context.fetch}
        self._ydl = open_library(settings, context, {"logger": self.log, **options})

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._ydl.close()

    def videos(self, address: str, limit: int, skip: Callable[[str], bool] = lambda track_id: False) -> Iterator[Found]:
        """The videos of an address, playlist or search, one by one; at most `limit` pages are read for that.

        A video of a playlist whose id is known and for which `skip` is true is not read: its
        `result` is None. What can't be read has its `error`. Raises NoNetwork.
        """
        yield from self._read(_Walk(limit, skip), address, None, 0)

    def process(self, found: Found, download: bool = False) -> dict[str, Any]:
        """The complete info dict, after downloading if asked to; raises Unavailable, UserError."""
        assert found.result is not None
        return self._call(lambda: self._ydl.process_ie_result(dict(found.result or {}), download=download))

    def _read(self, walk: "_Walk", url: str, extractor: str | None, depth: int) -> Iterator[Found]:
        if not walk.step():
            return
        try:
            result = self._extract(walk, url, extractor, depth)
        except Unavailable as error:
            yield Found(url, None, None, error)
            return
        yield from self._flatten(walk, url, result, depth)

    def _extract(self, walk: "_Walk", url: str, extractor: str | None, depth: int) -> dict[str, Any]:
        def page() -> Any:
            return self._ydl.extract_info(url, download=False, ie_key=extractor, process=False)

        result = self._reach(walk, depth, page)
        walk.offline = 0
        if not isinstance(result, dict):
            raise Unavailable(f"{quoted(url)}: yt-dlp found nothing there")
        return result

    def _reach(self, walk: "_Walk", depth: int, action: Callable[[], Any]) -> Any:
        """`_call`, again after a passing failure. A dead host is one video's problem, unless several are in a row."""
        for attempt in range(self._fetching["attempts"]):
            try:
                return self._call(action)
            except _Passing:
                if attempt + 1 == self._fetching["attempts"]:
                    raise
                sleep(backoff(attempt + 1, self._fetching["backoff_s"]))
            except NoNetwork as error:
                walk.offline += 1
                if not depth or walk.offline >= _OFFLINE:
                    raise
                raise Unavailable(str(error)) from error
        raise AssertionError("unreachable")

    def _flatten(self, walk: "_Walk", url: str, result: dict[str, Any], depth: int) -> Iterator[Found]:
        kind = result.get("_type") or "video"
        if depth > _DEPTH:
            yield Found(url, None, None, Unavailable(f"{quoted(url)}: playlists are nested too deep"))
        elif kind == "video":
            yield Found(url, _identity(result), result)
        elif kind == "url":
            yield from self._read(walk, result["url"], result.get("ie_key"), depth + 1)
        elif kind == "url_transparent":
            yield from self._transparent(walk, url, result, depth)
        else:
            yield from self._entries(walk, url, result, depth)

    def _transparent(self, walk: "_Walk", url: str, outer: dict[str, Any], depth: int) -> Iterator[Found]:
        """A page that embeds a video and adds to what is known of it, but not to its license."""
        if not walk.step():
            return
        try:
            inner = self._extract(walk, outer["url"], outer.get("ie_key"), depth + 1)
        except Unavailable as error:
            yield Found(url, None, None, error)
            return
        kept = {k: v for k, v in outer.items() if v is not None and k not in _OF_THE_VIDEO}
        merged = {**inner, **kept}
        if merged.get("_type") == "url":
            merged["_type"] = "url_transparent"
        yield from self._flatten(walk, url, merged, depth + 1)

    def _entries(self, walk: "_Walk", url: str, playlist: dict[str, Any], depth: int) -> Iterator[Found]:
        entries = iter(islice(playlist.get("entries") or (), walk.limit))
        container = {k: playlist[k] for k in ("extractor", "extractor_key", "webpage_url") if playlist.get(k)}
        if str(playlist.get("extractor_key")).lower() in _LICENSED_AS_A_WHOLE:
            container |= {k: playlist[k] for k in ("license", "creators") if playlist.get(k)}
        while True:
            try:
                entry = self._call(lambda: next(entries, _END))  # not again: a generator ends with its first failure
            except Unavailable as error:
                yield Found(url, None, None, error)
                return
            except NoNetwork as error:
                if not depth:
                    raise
                yield Found(url, None, None, Unavailable(str(error)))
                return
            if entry is _END:
                return
            if not isinstance(entry, dict):
                continue
            if (entry.get("_type") or "video") != "url":
                yield from self._flatten(walk, url, {**container, **entry}, depth + 1)
                continue
            known = _identity({"extractor_key": entry.get("ie_key"), "id": entry.get("id")})
            if known and walk.skip(known):
                yield Found(entry["url"], known, None)
                continue
            for found in self._read(walk, entry["url"], entry.get("ie_key"), depth + 1):
                unread = found.error is not None and found.url == entry["url"]
                yield Found(found.url, known, None, found.error) if unread else found

    def _call(self, action: Callable[[], R]) -> R:
        """Run a part of yt-dlp. Its extractors are 1,900 foreign parsers: whatever they raise concerns one video."""
        try:
            return action()
        except (Unavailable, UserError):
            raise
        except Exception as error:
            raise _explained(error) from error


_END = object()
_OF_THE_VIDEO = frozenset(
    ["_type", "url", "ie_key", "id", "extractor", "extractor_key", "license", "upload_date", "timestamp"]
)
_LICENSED_AS_A_WHOLE = frozenset(["archiveorg"])
"""Where the license of the page is that of each file on it, and yt-dlp gives it once, for the page."""


@dataclass
class _Walk:
    limit: int
    skip: Callable[[str], bool]
    steps: int = 0
    offline: int = 0

    def step(self) -> bool:
        """Count one more page; false once there were enough, so that nested playlists end."""
        self.steps += 1
        return self.steps <= self.limit + _DEPTH


def _identity(result: Mapping[str, Any]) -> str | None:
    extractor, video = result.get("extractor_key"), result.get("id")
    return track_id(str(extractor), str(video)) if extractor and video not in (None, "") else None


def _message(message: str) -> str:
    """yt-dlp's message without its prefix, its request to report bugs, and line ends."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(message))
    text = re.sub(r"^\s*(?:ERROR|WARNING):\s*", "", text)
    return clean(re.split(r"[;.]\s+please report this issue on|\s*\(caused by ", text)[0], 300)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, through yt-dlp's and urllib3's own ways of saying so."""
    waiting, seen = deque([error]), set()
    while waiting:
        current = waiting.popleft()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        linked = [current.__cause__, current.__context__, getattr(current, "cause", None)]
        linked += [getattr(current, "reason", None), *(getattr(current, "exc_info", None) or ()), *current.args]
        waiting += [e for e in linked if isinstance(e, BaseException)]


def _explained(error: Exception) -> Unavailable | UserError:
    """What an error means for the job: this video is not to be had, or nothing is."""
    message = _message(str(error)) or type(error).__name__
    causes = list(_causes(error))
    for cause in causes:
        number = cause.errno if isinstance(cause, OSError) else None
        if number in _NO_STORAGE and not isinstance(cause, ConnectionError):
            return UserError(f"{message}; make room or allow writing in the cache folder, then run again")
        if number in _NO_NETWORK or isinstance(cause, socket.gaierror):
            return NoNetwork(
                f"yt-dlp: {message}; check the network, or remove the address from data.sources.ytdlp, then run again"
            )
    broken = broken_connection()
    passing = any(isinstance(cause, broken) or (status_of(cause) or 0) >= 500 for cause in causes)
    return _Passing(message) if passing else Unavailable(message)
