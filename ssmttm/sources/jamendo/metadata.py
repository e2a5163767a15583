"""MTG-Jamendo's tab-separated tables: tracks with their tags, and their names.

Both are ragged: in the table of tracks each tag is a further field (column TAGS), and in
raw.meta.tsv a title may hold tabs (column TRACK_NAME). Quotation marks are plain characters.
Columns may stand in any order.

What is wrong with a whole file (no such column, not UTF-8) is a UserError, and so is a row
without a readable id, because nothing can be said about its track. Any other malformed row
becomes a `Track` with a `problem`, which names the file, the row and the column. Rows that say
the same twice count once; two that differ under one id are a UserError.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import NamedTuple

from ssmttm.errors import UserError
from ssmttm.fetch.paths import UnsafeName, safe_relative
from ssmttm.tabular import Line, read_lines
from ssmttm.wording import quoted

_LINE_BYTES = 64 << 10
_TRACK_COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
_NAME_COLUMNS = ("TRACK_ID", "ARTIST_ID", "TRACK_NAME", "ARTIST_NAME", "ALBUM_NAME", "URL")
_CATEGORIES = ("genre", "mood/theme", "instrument")
"""In the order in which captions want them."""


@dataclass(frozen=True, slots=True)
class Track:
    """One row of a table of tracks. `path` is the one of the full-quality file, such as `48/948.mp3`."""

    number: int
    artist_id: str | None
    path: str | None
    duration_s: float | None
    tags: tuple[str, ...]
    problem: str | None = None


class Name(NamedTuple):
    """What raw.meta.tsv says of one track; empty where it says nothing."""

    title: str
    artist: str
    album: str
    url: str


@dataclass(frozen=True)
class Names:
    """raw.meta.tsv: names by track number, and artists' names by artist id."""

    tracks: dict[int, Name]
    artists: dict[str, str]


def track_number(text: str) -> int | None:
    """The number in `948`, `track_0000948`, `jamendo:948`, `48/948.mp3`, `948.low.mp3` or a page's address, or None."""
    match = _TRACK.fullmatch(text.strip())
    return int(match[1]) if match else None


_TRACK = re.compile(
    r"(?:jamendo:|track_|(?:[\w-]+/)+|https?://(?:www\.)?jamendo\.com/(?:[a-z]{2}/)?track/)?"
    r"0*([0-9]{1,12})(?:(?:\.2min)?(?:\.low)?\.mp3)?",
    re.ASCII,
)


def full_quality(path: str) -> str:
    """`48/948.low.mp3` -> `48/948.mp3`, the form under which the tables meet."""
    return path.removeprefix("./").removesuffix(".low.mp3").removesuffix(".mp3") + ".mp3"


@dataclass(frozen=True)
class _Row:
    """One row: its line number, its text, its track, and its fields by column unless it is malformed."""

    line: int
    text: str
    number: int
    fields: dict[str, list[str]]
    problem: str | None


def _rows(path: Path, columns: Sequence[str], wide: str, least: int) -> Iterator[_Row]:
    """The rows of a ragged table, whose column `wide` takes `least` or more fields. Raises UserError."""
    lines = read_lines(path, _LINE_BYTES)
    first = next(lines, Line(0, "", False))
    names = [name.strip().upper() for name in first.text.split("\t")]
    missing = [name for name in columns if names.count(name) != 1]
    if missing:
        raise UserError(
            f"{path}, row 1: {', '.join(missing)} should be a column once; the row is {quoted(first.text, 200)}, "
            f"and of MTG-Jamendo's table {' '.join(columns)}"
        )
    places = {name: _place(names, name, wide) for name in columns}
    for line in lines:
        fields = [field.strip() for field in line.text.split("\t")]
        if not any(fields):
            continue
        problem = None
        if line.cut:
            problem = f"longer than {_LINE_BYTES} bytes"
        elif len(fields) < len(names) - 1 + least:
            problem = f"{len(fields)} fields, and {len(names)} columns"
        text = "".join(fields[names.index("TRACK_ID") :][:1] if problem else fields[places["TRACK_ID"]])
        number = track_number(text)
        if number is None:
            raise UserError(
                f"{path}, row {line.number}, column TRACK_ID: {quoted(text)} is no id such as track_0000948; "
                "correct or remove the row"
            )
        found = {} if problem else {name: fields[place] for name, place in places.items()}
        yield _Row(line.number, line.text, number, found, problem)


def _place(names: list[str], name: str, wide: str) -> slice:
    """Where a column's fields are, if the `wide` one may take any number of them."""
    at, middle, count = names.index(name), names.index(wide), len(names)
    start = at if at <= middle else at - count
    stop = at + 1 if at < middle else at + 1 - count
    return slice(start, stop or None)


def read_tracks(path: Path, name: str) -> list[Track]:
    """Every track of a table such as raw_30s_cleantags.tsv, in its order; `name` is the file's in problems."""
    tracks: list[Track] = []
    seen: dict[int, tuple[int, int]] = {}  # track -> line, hash of its text
    for row in _rows(path, _TRACK_COLUMNS, "TAGS", 0):
        line, digest = seen.setdefault(row.number, (row.line, hash(row.text)))
        if digest != hash(row.text):
            raise UserError(
                f"{path}: rows {line} and {row.line} both describe track {row.number}, differently; remove one of them"
            )
        if line == row.line:
            tracks.append(_track(row, f"{name}, row {line}"))
    if not tracks:
        raise UserError(f"{path}: no tracks below the first row")
    return tracks


def _track(row: _Row, where: str) -> Track:
    if row.problem:
        return Track(row.number, None, None, None, (), f"{where}: {row.problem}")
    written, seconds, artist = (row.fields[name][0] for name in ("PATH", "DURATION", "ARTIST_ID"))
    path, duration, problem = None, _seconds(seconds), None
    try:
        path = full_quality(str(safe_relative(written)))
    except UnsafeName as error:
        problem = f"{where}, column PATH: {quoted(written)} {error}"
    if path and not written.endswith(".mp3"):
        path, problem = None, f"{where}, column PATH: {quoted(written)} does not end in .mp3"
    if duration is None and problem is None:
        problem = f"{where}, column DURATION: {quoted(seconds)} is no number of seconds above 0"
    return Track(row.number, intern(artist) or None, path, duration, _tags(row.fields["TAGS"]), problem)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _tags(fields: Sequence[str]) -> tuple[str, ...]:
    """Plain words without their category: genres first, then moods, then instruments, then the rest."""
    found = [(tag.rpartition("---")[0].strip().lower(), tag.rpartition("---")[2].strip()) for tag in fields]
    order = {category: i for i, category in enumerate(_CATEGORIES)}
    found.sort(key=lambda tag: order.get(tag[0], len(order)))
    return tuple(dict.fromkeys(intern(word) for _, word in found if word))


def read_names(path: Path) -> Names:
    """raw.meta.tsv; raises UserError on any malformed row, because a wrong name would be a wrong credit."""
    tracks: dict[int, Name] = {}
    lines: dict[int, int] = {}
    artists: dict[str, str] = {}
    for row in _rows(path, _NAME_COLUMNS, "TRACK_NAME", 1):
        if row.problem:
            raise UserError(f"{path}, row {row.line}: {row.problem}; correct or remove the row")
        title = " ".join(filter(None, row.fields["TRACK_NAME"]))
        artist, album, url = (intern(row.fields[name][0]) for name in ("ARTIST_NAME", "ALBUM_NAME", "URL"))
        name = Name(title, artist, album, url)
        if tracks.setdefault(row.number, name) != name:
            raise UserError(
                f"{path}: rows {lines[row.number]} and {row.line} name track {row.number} differently; "
                "remove one of them"
            )
        lines.setdefault(row.number, row.line)
        if artist:
            artists.setdefault(row.fields["ARTIST_ID"][0], artist)
    return Names(tracks, artists)
