"""One video's best audio as a verified local file. A file counts once its record stands beside it."""

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from typing import Any

from ssmttm.audio.streams import Undecodable, probe
from ssmttm.fetch.content import HEAD, wrong_type
from ssmttm.fetch.download import DEFAULTS
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.partial import disk_errors
from ssmttm.fetch.web import backoff
from ssmttm.files import sha256_bytes, sha256_file, write_json
from ssmttm.sources.contract import Context
from ssmttm.sources.ytdlp.pacing import locked
from ssmttm.sources.ytdlp.session import Found, Session
from ssmttm.sources.ytdlp.text import clean
from ssmttm.wording import quoted

MAX_MEGABYTES = 200
MAX_TRACKS = 500
SLOWEST = 1024
"""Bytes per second, on average after one time-out, below which a transfer counts as stalled."""

_WRONG_ANSWERS = 3
"""So many times in a row a site may answer with something that is no audio."""

ARCHIVE = "archive.txt"
"""The file in the cache that names all that was ever fetched, as yt-dlp's --download-archive does."""

Check = Callable[[Mapping[str, Any]], None]
"""Takes the info dict just before the download; raises Unavailable if it must not happen."""


class _Place:
    """Where one track's files lie. Names are hashes: nothing foreign becomes a path."""

    def __init__(self, cache: Path, track_id: str) -> None:
        root = cache.resolve() / "ytdlp"
        self.stem = sha256_bytes(track_id.encode("utf-8", "backslashreplace"))[:32]
        self.folder, self.partial = root / "audio", root / "partial"
        self.record, self.plan = self.folder / f"{self.stem}.json", self.partial / f"{self.stem}.plan"
        self.media, self.archive = self.partial / f"{self.stem}.media", root / ARCHIVE
        self.lock = root / "locks" / self.stem[:2]  # few files, and seldom two tracks for one

    def stored(self) -> Path | None:
        """The complete file, if it is there and as it was."""
        record = self.known()
        path: Path = self.folder / record.get("file", "")
        if not path.is_file() or path.stat().st_size != record["size"] or sha256_file(path) != record["sha256"]:
            return None
        return path

    def known(self) -> dict[str, Any]:
        """What was recorded of the track when it was fetched, possibly long ago; else nothing."""
        record = _read_json(self.record)
        return record if {"file", "size", "sha256", "format_id"} <= set(record) else {}

    def clear_partial(self) -> None:
        for path in [self.plan, *self.partial.glob(f"{self.stem}.media*")]:
            path.unlink(missing_ok=True)


def download(url: str, track_id: str, settings: Mapping[str, Any], context: Context, check: Check) -> Path:
    """The audio of the video `track_id` that `url` leads to, resuming what an earlier call left.

    What is stored already is verified and returned without the network. Raises Unavailable, also
    when the video has become another or longer than its bound, and UserError.
    """
    place = _Place(context.cache, track_id)
    with disk_errors(place.media), locked(place.lock):
        if path := place.stored():
            return path
        place.partial.mkdir(parents=True, exist_ok=True)
        for attempt in range(_WRONG_ANSWERS):
            try:
                return _Download(place, track_id, settings, context, check).run(url)
            except Unavailable as error:
                if error.reason not in ("wrong_type", "undecodable") or attempt + 1 == _WRONG_ANSWERS:
                    raise
                sleep(backoff(attempt + 1, {**DEFAULTS, **context.fetch}["backoff_s"]))
        raise AssertionError("unreachable")


def forget(track_id: str, cache: Path) -> None:
    """Remove the audio of a track, not its record: a changed file would be noticed later on."""
    place = _Place(cache, track_id)
    with locked(place.lock):
        if record := place.known():
            (place.folder / record["file"]).unlink(missing_ok=True)
        place.clear_partial()


class _Download:
    def __init__(
        self, place: _Place, track_id: str, settings: Mapping[str, Any], context: Context, check: Check
    ) -> None:
        self._place, self._track_id, self._settings, self._context = place, track_id, settings, context
        self._check, self._max_bytes = check, (settings.get("max_megabytes") or MAX_MEGABYTES) << 20

    def run(self, url: str) -> Path:
        with Session(
            self._settings,
            self._context,
            outtmpl=str(self._place.media).replace("%", "%%"),
            overwrites=False,
            continuedl=True,
            nopart=False,
            updatetime=False,
            match_filter=self._gate,
            progress_hooks=[self._bound],
        ) as session:
            limit = self._settings.get("max_tracks") or MAX_TRACKS
            found = _find(session, url, self._track_id, limit)
            try:
                info = session.process(found, download=True)
            except Unavailable as error:
                if error.reason in ("too_large", "changed"):
                    self._place.clear_partial()
                raise
            if not self._place.media.is_file():
                raise Unavailable(f"{quoted(url)}: yt-dlp gave no file: {session.log.last}")
        return self._take(url, info)

    def _gate(self, info: Mapping[str, Any], *, incomplete: Any) -> None:
        """yt-dlp asks this whether to download: the last moment to say no."""
        if incomplete:
            return
        self._check(info)
        if (info.get("filesize") or 0) > self._max_bytes:
            raise self._too_large(info["filesize"])
        plan = {k: info.get(k) for k in ("format_id", "ext", "protocol", "filesize", "duration")}
        if _read_json(self._place.plan) != plan:  # what is there belongs to another format or version
            self._place.clear_partial()
            write_json(self._place.plan, plan)

    def _bound(self, status: Mapping[str, Any]) -> None:
        size = max(status.get("total_bytes") or 0, status.get("downloaded_bytes") or 0)
        if size > self._max_bytes:
            raise self._too_large(size)
        speed, seconds = status.get("speed"), status.get("elapsed") or 0.0
        if speed and speed < SLOWEST and seconds > self._context.fetch["timeout_s"]:
            raise Unavailable(f"comes at {speed:.0f} bytes per second only; what came is kept")

    def _too_large(self, size: int) -> Unavailable:
        bound = self._max_bytes >> 20
        return Unavailable(f"{size} bytes or more, and data.sources.ytdlp.max_megabytes is {bound}", "too_large")

    def _take(self, url: str, info: Mapping[str, Any]) -> Path:
        """Verify what was downloaded, then move and record it; what fails is removed."""
        place = self._place
        try:
            _verify(place.media, info.get("duration"))
            sha256 = sha256_file(place.media)
            before = place.known()
            if before and before["format_id"] == info.get("format_id") and before["sha256"] != sha256:
                raise Unavailable(
                    f"{quoted(url)}: not the file that was fetched before; remove {place.record} to accept it",
                    "changed",
                )
        except Unavailable:
            place.clear_partial()
            raise
        place.folder.mkdir(parents=True, exist_ok=True)
        extension = info.get("ext") if re.fullmatch(r"[a-z0-9]{2,5}", str(info.get("ext"))) else "audio"
        path = place.folder / f"{place.stem}.{extension}"
        size = place.media.stat().st_size
        with open(place.media, "rb+") as file:
            os.fsync(file.fileno())
        place.media.replace(path)
        record = {"track_id": self._track_id, "url": url, "file": path.name, "size": size, "sha256": sha256}
        write_json(place.record, {**record, "format_id": info.get("format_id")})
        place.clear_partial()
        with open(place.archive, "a", encoding="utf-8") as archive:
            archive.write(f"{str(info.get('extractor_key')).lower()} {clean(str(info.get('id')), 200)}\n")
        return path


def _find(session: Session, url: str, track_id: str, limit: int) -> Found:
    """The video `track_id` among those that `url` leads to: one, or those of its playlist."""
    error = None
    for found in session.videos(url, limit, skip=lambda known: known != track_id):
        error = error or found.error
        if found.track_id == track_id and found.result is not None:
            return found
    raise error or Unavailable(f"{quoted(url)}: does not lead to {track_id} any more")


def _verify(path: Path, duration_s: float | None) -> None:
    """Raise Unavailable unless the file is audio as long as the site says that it is."""
    with open(path, "rb") as file:
        wrong = wrong_type("audio", file.read(HEAD), None)
    if wrong:
        raise Unavailable(f"the answer was {wrong}, no audio", "wrong_type")
    try:
        found = probe(path)
    except Undecodable as error:
        raise Unavailable(str(error), "undecodable") from error
    if duration_s and found.duration_s < duration_s - max(3.0, 0.05 * duration_s):
        raise Unavailable(f"{found.duration_s:.1f} s of {duration_s:.1f} s: cut short, or a preview only")


def _read_json(path: Path) -> dict[str, Any]:
    """What was written there; nothing if it is missing or damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
