"""Addresses, playlists and searches that yt-dlp understands, where the site states a license for each video.

Contract: `ssmttm.sources.contract`. A track's key is `extractor:id`; its `url` leads to it through
yt-dlp, alone or as one of a playlist. What has no license evidence (`ssmttm.sources.ytdlp.evidence`)
is rejected here, before any download. Without cookies: what needs an account is unavailable.
"""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.licenses.policy import evidence_of
from ssmttm.sources.contract import Context, IndexRow, web_page
from ssmttm.sources.exclusions import read_excluded
from ssmttm.sources.limits import length_problem
from ssmttm.sources.ytdlp import download
from ssmttm.sources.ytdlp.evidence import license_evidence, same_statement
from ssmttm.sources.ytdlp.session import Found, Session
from ssmttm.sources.ytdlp.text import clean, safe_id, track_id
from ssmttm.tabular import read_lines
from ssmttm.wording import quoted

_TITLE_CHARACTERS = 300
_TAG_CHARACTERS = 50
_TAGS = 20
_LIST_BYTES = 64 << 20
_HIDDEN = frozenset(["private", "premium_only", "subscriber_only", "needs_auth"])


def list_tracks(settings: Mapping[str, Any], context: Context) -> Iterator[IndexRow]:
    """Every video of the configured addresses as an `index` row; see the contract."""
    addresses = [*(settings.get("urls") or ()), *_listed(settings, context)]
    for address in settings.get("urls") or ():
        _check_address(address, "data.sources.ytdlp.urls")
    if not addresses:
        raise UserError("data.sources.ytdlp: name addresses or searches in `urls`, or files of such in `lists`")
    excluded = read_excluded(settings.get("exclude"), context, _evaluation_key)
    limit = settings.get("max_tracks") or download.MAX_TRACKS
    seen: set[str] = set()
    with Session(settings, context, ignore_no_formats_error=True) as session:
        for number, address in enumerate(addresses):
            context.progress(number, len(addresses), f"{len(seen)} tracks, {clean(address, 80)}")
            for found in islice(session.videos(address, limit, skip=lambda i: i in seen or i in excluded), limit):
                row = _row(session, found, excluded, settings, context)
                if row.track_id not in seen:  # of two addresses that lead to one video the first counts
                    seen.add(row.track_id)
                    yield row
                    context.progress(number, len(addresses), f"{len(seen)} tracks, {clean(address, 80)}")
    context.progress(len(addresses), len(addresses), f"{len(seen)} tracks")


def fetch(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> Path:
    """The best audio of one indexed video, if its license is still stated as it was; see the contract."""

    def check(info: Mapping[str, Any]) -> None:
        now = license_evidence(info)
        if not same_statement(evidence_of(track["license_evidence"]), now):
            states = "; ".join(str(e.text) for e in now) or "nothing"
            raise Unavailable(f"the site now states {quoted(states)} as its license; index again", "changed")
        if problem := _hidden(info):
            raise Unavailable(problem)

    return download.download(track["url"], track["track_id"], settings, context, check)


def forget(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> None:
    """Remove the stored audio of one track."""
    download.forget(track["track_id"], context.cache)


def _listed(settings: Mapping[str, Any], context: Context) -> Iterator[str]:
    """The addresses of `lists`, one a line; empty lines and those that start with # are left out."""
    from ssmttm.fetch.download import local_copy

    for name in settings.get("lists") or ():
        folder = context.cache / "ytdlp" / "lists"
        path = local_copy(name, folder, fetching=context.fetch, max_bytes=_LIST_BYTES, kind="text")
        for line in read_lines(path):
            if (address := line.text.strip()) and not address.startswith("#"):
                _check_address(address, f"{path}, line {line.number}")
                yield address


def _check_address(address: str, where: str) -> None:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):.", address)
    if scheme is None or scheme[1].lower() in ("file", "data") or len(address) > 2000:
        raise UserError(f"{where}: {quoted(address)} is neither an address (https://…) nor a search (ytsearch20:WORDS)")
    if re.match(r"[a-z]+://[^/?#]*@", address, re.IGNORECASE):
        raise UserError(f"{where}: an address holds a user name or password; none is ever sent, so remove it")


def _evaluation_key(text: str) -> str | None:
    """A held-out id as a track id: YouTube's eleven characters (MusicCaps' `ytid`), or `extractor:id`."""
    if re.fullmatch(r"[A-Za-z0-9_-]{11}", text):
        return track_id("youtube", text)
    extractor, colon, video = text.removeprefix("ytdlp:").partition(":")
    return track_id(extractor, video) if colon and extractor and video else None


def _row(
    session: Session, found: Found, excluded: Mapping[str, str], settings: Mapping[str, Any], context: Context
) -> IndexRow:
    key = found.track_id or f"ytdlp:address:{safe_id(found.url)}"
    if key in excluded:
        return _index_row(key, found.url, {}, "excluded", excluded[key])
    if found.error is not None or found.result is None:
        reason, why = (found.error.reason, str(found.error)) if found.error else ("unavailable", "was not read")
        return _index_row(key, found.url, {}, reason, why)
    try:
        info = session.process(found)
    except Unavailable as error:
        return _index_row(key, found.url, found.result, error.reason, str(error))
    problem, detail = _problem(info, settings, context)
    return _index_row(key, found.url, info, problem, detail)


def _index_row(key: str, url: str, info: Mapping[str, Any], problem: str | None, detail: str | None) -> IndexRow:
    artist = next(filter(None, (clean(info.get(k), _TITLE_CHARACTERS) for k in _ARTIST)), None)
    return IndexRow(
        track_id=key,
        source="ytdlp",
        url=url,
        homepage=web_page(clean(info.get("webpage_url"), 2000)),
        title=clean(info.get("track"), _TITLE_CHARACTERS) or clean(info.get("title"), _TITLE_CHARACTERS) or None,
        artist=artist,
        album=clean(info.get("album"), _TITLE_CHARACTERS) or None,
        duration_s=_duration(info),
        tags=_tags(info),
        license_evidence=license_evidence(info),
        problem=problem,
        problem_detail=detail,
    )


_ARTIST = ("artist", "creator", "uploader", "channel")
"""Best first; yt-dlp fills the first two from its lists."""


def _duration(info: Mapping[str, Any]) -> float | None:
    value = info.get("duration")
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None


def _tags(info: Mapping[str, Any]) -> list[str]:
    """Genres and tags as the site states them, without repetitions, bounded in number and length."""
    values: list[Any] = [info.get("genre")]
    for name in ("genres", "tags"):
        listed = info.get(name)
        values += listed[: 5 * _TAGS] if isinstance(listed, list) else []
    return list(dict.fromkeys(filter(None, (clean(v, _TAG_CHARACTERS) for v in values))))[:_TAGS]


def _hidden(info: Mapping[str, Any]) -> str | None:
    """Why nobody may have this without an account or before it ends; None if nothing speaks against it."""
    if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        return "a live stream that has not ended"
    if info.get("availability") in _HIDDEN:
        return f"not public: {info['availability']}"
    return None


def _problem(info: Mapping[str, Any], settings: Mapping[str, Any], context: Context) -> tuple[str | None, str | None]:
    """What is found against a video while indexing: (reason, detail)."""
    if hidden := _hidden(info):
        return "unavailable", hidden
    if not any(e.kind == "catalog" for e in license_evidence(info)):
        return "no_license_evidence", f"{clean(info.get('extractor_key'), 60)} states no license for it"
    if info.get("_has_drm") is True:
        return "unavailable", "encrypted (DRM)"
    if not info.get("formats") and not info.get("url"):
        return "unavailable", "yt-dlp finds no format that it can download"
    if (duration := _duration(info)) is not None and (found := length_problem(duration, context.clips))[0]:
        return found
    size, bound = info.get("filesize") or 0, settings.get("max_megabytes") or download.MAX_MEGABYTES
    if size > bound << 20:
        return "too_large", f"{size} bytes, and data.sources.ytdlp.max_megabytes is {bound}"
    return None, None
