"""Titles and artists from files beside the music: album.json (Warzone 2100) and song.ini (Frets on Fire)."""

import configparser
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ssmttm.sources.texts import Unreadable, decode
from ssmttm.wording import one_line

_LONGEST = 300


@dataclass(frozen=True)
class Credit:
    """What a sidecar states about one track; None where it says nothing."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None


class Malformed(Exception):
    """A sidecar that can't be read; the message says why."""


def read_album(data: bytes) -> dict[str, Credit]:
    """Credits by file name out of an album.json: `title`, `author` and `tracks`, a list of the same with `filename`.

    Raises Malformed. Single entries and values of other types are left out.
    """
    try:
        album = json.loads(decode(data))
    except (Unreadable, ValueError, RecursionError) as error:  # ValueError: not JSON, a number of 5,000 digits
        raise Malformed(f"not valid JSON: {error}") from error
    tracks = album.get("tracks") if isinstance(album, dict) else None
    if not isinstance(tracks, list):
        raise Malformed("has no list of tracks")
    author = _text(album, "author", "artist")
    credits: dict[str, Credit] = {}
    for track in tracks:
        if not isinstance(track, dict):
            continue
        name = _text(track, "filename", "file")
        if name and PurePosixPath(name).name == name and name not in credits:
            artist = _text(track, "author", "artist") or author
            credits[name] = Credit(_text(track, "title"), artist, _text(album, "title", "album"))
    return credits


def _text(values: dict[str, Any], *keys: str) -> str | None:
    found = (values.get(key) for key in keys)
    return next((v.strip() for v in found if isinstance(v, str) and 0 < len(v.strip()) <= _LONGEST), None)


def read_song(data: bytes) -> Credit:
    """The credit in the `[song]` section of a song.ini. Raises Malformed."""
    try:
        text = decode(data)
    except Unreadable as error:
        raise Malformed(f"not readable: {error}") from error
    comments = (";", "#", "//")
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",), comment_prefixes=comments)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Malformed(f"not readable: {one_line(str(error), 200)}") from error
    section = next((dict(parser[name]) for name in parser.sections() if name.casefold() == "song"), None)
    if section is None:
        raise Malformed("has no [song] section")
    return Credit(_text(section, "name"), _text(section, "artist"), _text(section, "album"))
