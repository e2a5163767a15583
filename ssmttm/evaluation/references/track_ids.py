"""Track ids as people write them, brought into the form that the same recording has in a data set."""

import re

from ssmttm import plugins
from ssmttm.sources.jamendo.metadata import track_number
from ssmttm.sources.ytdlp.text import safe_id, track_id

SOURCES = ("debian", "jamendo", "local", "ytdlp")
"""Whose ids a data set holds, as `SOURCE:key`."""

_YOUTUBE = re.compile(r"[A-Za-z0-9_-]{11}")
_JAMENDO = re.compile(r"[0-9]+|track_[0-9]+|https?://.*", re.ASCII)


class BadTrack(ValueError):
    """An id that names a source but is none of its ids; the message says what it should look like."""


def normal_track(text: str) -> str | None:
    """`948`, `track_0000948` and `jamendo:0948` as `jamendo:948`; a YouTube id as `ytdlp:youtube:ID`.

    None for what is no id of any of SOURCES, nor of a source of another package; raises BadTrack for `jamendo:` or
    `ytdlp:` and something else.
    """
    source, colon, key = text.strip().partition(":")
    source = source.casefold()
    if colon and source in SOURCES:
        return _of_source(source, key.strip())
    if colon and source == "youtube":
        return _of_source("ytdlp", f"youtube:{key.strip()}")
    if colon and plugins.find("sources", source):
        return _of_source(source, key.strip())
    number = track_number(text) if _JAMENDO.fullmatch(text.strip()) else None
    if number is not None:
        return f"jamendo:{number}"
    return track_id("youtube", text.strip()) if _YOUTUBE.fullmatch(text.strip()) else None


def _of_source(source: str, key: str) -> str:
    if source == "jamendo":
        number = track_number(key)
        if number is None:
            raise BadTrack("no number of an MTG-Jamendo track, such as jamendo:948")
        return f"jamendo:{number}"
    if source == "ytdlp":
        extractor, colon, video = key.partition(":")
        if not (extractor and colon and video):
            raise BadTrack("not of the form ytdlp:EXTRACTOR:ID, such as ytdlp:youtube:-0Gj8-vB1q4")
        return f"ytdlp:{safe_id(extractor.lower())}:{video if '%' in video else safe_id(video)}"
    if not key:
        raise BadTrack(f"nothing behind {source}:")
    return f"{source}:{key}"
