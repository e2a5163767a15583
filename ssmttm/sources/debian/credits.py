"""Titles and artists as they may be printed in a credit: what tags and file names say, without their faults.

A wrong title is worse than a plain one. So a tag that holds several titles, that holds a place
("Track 03"), or that other files share gives way to the file's own name.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import PurePosixPath

from ssmttm.wording import one_line

_PLACEHOLDER = re.compile(
    r"\W*(?:\d+\W+)?(?:(?:audio\W*)?(?:track|titel|titre|piste|pista|traccia|song|file)\W*\d*|unknown(?: \w+)?|untitled"
    r"|no title|artist|various(?: artists)?|anonymous|none?|null|n\W?a|other|no[ -]?copyright|public[ -]domain)\W*",
    re.IGNORECASE,
)
_LINKS = re.compile(r"\(?\s*(?:<[^>]*[@/][^>]*>|\S+@\S+|(?:https?://|www\.)\S+|[\w.-]+\.(?:com|org|net)\b\S*)\s*\)?")
_YEARS = re.compile(r"\b(?:19|20)\d\d\b(?:\s*[-–,/]\s*(?:(?:19|20)\d\d|\d\d|present|now)\b)*")
_RIGHTS = re.compile(r"\(c\)|©|\bcopy(?:right|left)\b|\ball rights reserved\b", re.IGNORECASE)
_MADE_BY = re.compile(r"^\s*(?:(?:arranged|composed|made|music|performed|produced|written)\b[\w\s,&]*?\s)?by\s+", re.I)
_NUMBER = re.compile(r"^(?:0\d+|\d{1,3}(?=[\s_]*[-.)–][\s_]))[\s_.)–-]+(?=.*[^\W\d_])")
_ARTIST_TAGS = ("artist", "album_artist", "composer", "performer")
_EDGES = " ,;:-–*/|"
_SHORTEST_WORD, _LONGEST = 3, 1000


def clean(text: str | None) -> str:
    """Foreign text on one line, composed (NFC), with UTF-8 that was read as Latin-1 put right."""
    line = (text or "")[:_LONGEST]
    with suppress(UnicodeError):  # most tags were not misread
        line = b"".join(c.encode("latin-1" if ord(c) < 256 else "cp1252") for c in line).decode("utf-8")
    return unicodedata.normalize("NFC", one_line(line))


def person(text: str | None) -> str:
    """A name without addresses, years, "copyright" and "composed by"; empty if no name is left.

    >>> person("Copyright (C) 2009 Ada Tune <ada@example.org> (www.example.org)")
    'Ada Tune'
    """
    line = clean(text)
    if not _is_name(line):
        return ""
    line = _YEARS.sub(" ", _RIGHTS.sub(" ", _LINKS.sub(" ", line)))
    line = re.sub(r"\(\s*\)|\s+", " ", line).strip(_EDGES)
    line = re.sub(r"(?<=\w\w)\.$", "", _MADE_BY.sub("", line).lstrip(_EDGES + "."))
    return line if _is_name(line) else ""


def _is_name(text: str) -> bool:
    return any(c.isalpha() for c in text) and "\ufffd" not in text and not _PLACEHOLDER.fullmatch(text)


def genres(text: str | None) -> list[str]:
    """The entries of a genre tag."""
    parts = (clean(part) for part in re.split(r"[;/,\0]", (text or "")[:_LONGEST]))
    return list(dict.fromkeys(part for part in parts if _is_name(part)))


def album(text: str | None) -> str | None:
    """The album's title, None if the tag only holds its place."""
    line = clean(text)
    return line if _is_name(line) or line.isdigit() else None


def artist(tags: Mapping[str, str]) -> str | None:
    """Who a file's tags say made it; several names are separated by commas."""
    for key in _ARTIST_TAGS:
        names = dict.fromkeys(filter(None, map(person, _values(tags.get(key)))))
        if names:
            return ", ".join(names)
    return None


def _values(tag: str | None) -> list[str]:
    """A tag's values: FFmpeg joins repeated fields by a semicolon without a space."""
    return [v for v in re.split(r";(?!\s)|\0", (tag or "")[:_LONGEST]) if v.strip()]


def title(tag: str | None, path: str) -> str:
    """A track's title: the tag's if it holds exactly one that fits, else the file's name.

    >>> title("Living Caves;Crossroads", "music/hr3-crossroads.ogg")
    'Crossroads'
    """
    values = [v for v in map(_plain_title, _values(tag)) if v]
    if len(values) == 1:
        return values[0]
    ranked = sorted(((_agreement(value, path), value) for value in dict.fromkeys(values)), reverse=True)
    if ranked and ranked[0][0] > (ranked[1][0] if len(ranked) > 1 else 0):
        return ranked[0][1]
    return name_title(path)


def _plain_title(value: str) -> str:
    line = clean(value)
    if " " not in line:
        line = line.replace("_", " ").strip()
    return line if 0 < len(line) <= _LONGEST // 4 and "\ufffd" not in line and not _PLACEHOLDER.fullmatch(line) else ""


def name_title(path: str) -> str:
    """A file's name as a title: no extension, no underscores, no track number.

    >>> name_title("music/01_-_Blue_Sky.ogg")
    'Blue Sky'
    """
    stem = clean(PurePosixPath(path).stem)
    return _NUMBER.sub("", stem).replace("_", " ").strip(" -") or stem


def _agreement(value: str, path: str) -> int:
    """How many letters the longest word of the file's name has that occurs in a title."""
    squeezed = _squeezed(value)
    return max((len(w) for w in words(PurePosixPath(path).stem) if w in squeezed), default=0)


def _squeezed(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if c.isalnum())


def words(text: str) -> list[str]:
    """The words of a name in lower case, split at case changes, digits and punctuation; short ones left out."""
    spaced = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[a-z])(?=[A-Z])", " ", text)
    found = [_squeezed(w) for w in re.split(r"[\W_]+", spaced)]
    return [w for w in found if len(w) >= _SHORTEST_WORD and not w.isdigit()]


def distinct_titles(tracks: Iterable[tuple[str, str, str | None]]) -> list[str]:
    """The titles of a package's tracks, given (path, title, artist) of each.

    Of several files by one artist with the same title, those keep it whose name agrees with it;
    the others get their file's name. So a tag that was copied to many files goes nowhere.
    """
    listed = list(tracks)
    sharing: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path, name, maker in listed:
        sharing[_squeezed(name), maker or ""].add(name_title(path))
    titles = []
    for path, name, maker in listed:
        shared = len(sharing[_squeezed(name), maker or ""]) > 1
        own = name_title(path)
        titles.append(own if shared and words(own) and not _agreement(name, path) else name)
    return titles


def named_in(path: str, names: Iterable[str]) -> str | None:
    """The one of several names that the file's own name mentions, as "van_theme" does 'Manuel "Vanethian" Marino'.

    A word of the file's name must be a word of the person's, or its first word the beginning of
    one. None if that fits no name or several.
    """
    mentioned = words(PurePosixPath(path).stem)
    if not mentioned:
        return None
    found = []
    for name in dict.fromkeys(names):
        parts = words(name)
        whole = "".join(parts)
        if any(w in parts or w == whole for w in mentioned) or any(p.startswith(mentioned[0]) for p in parts):
            found.append(name)
    return found[0] if len(found) == 1 else None
