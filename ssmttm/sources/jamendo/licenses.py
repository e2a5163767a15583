"""MTG-Jamendo's audio_licenses.txt: which license each track was published under, and whom to credit.

Blocks of three lines, with a blank line (or `--`) between them:

    00/7400.mp3
    TITLE by ARTIST from Jamendo: http://www.jamendo.com/track/7400
    Available under a Creative Commons … license: http://creativecommons.org/licenses/…

A line that is a path starts a new block even without a blank line before it, so that no statement
slips to the next track. A title may have line breaks. A block without a license statement, such as
one that is cut off, or with two credits is a `problem` of its track. A line that belongs to no
block is a UserError. Several blocks of one path are all kept.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import NamedTuple

from ssmttm.errors import UserError
from ssmttm.sources.jamendo.metadata import full_quality
from ssmttm.tabular import Line, read_lines
from ssmttm.wording import quoted

_LINE_BYTES = 64 << 10
_PATH = re.compile(r"\S+\.mp3")
_CREDIT = re.compile(r"(.*) from Jamendo:\s*(\S*)", re.IGNORECASE | re.DOTALL)
_LICENSE = re.compile(r"available\s+under\b(?!.* from Jamendo:)", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


class Statement(NamedTuple):
    """One license statement as published, and the line where it starts."""

    text: str
    url: str | None
    line: int


@dataclass(slots=True)
class Stated:
    """What the file says of one path. `credit` is "TITLE by ARTIST"."""

    credit: str | None = None
    page: str | None = None
    licenses: list[Statement] = field(default_factory=list)
    problem: str | None = None


def read_licenses(path: Path, name: str) -> dict[str, Stated]:
    """What is stated, by the path of the full-quality file; `name` is the file's in problems. Raises UserError."""
    found: dict[str, Stated] = {}
    for first, lines in _blocks(path):
        stated = found.setdefault(full_quality(first.text), Stated())
        start = next((i for i, line in enumerate(lines) if _LICENSE.match(line.text)), len(lines))
        if (credit := _CREDIT.fullmatch(" ".join(line.text for line in lines[:start]))) and stated.credit is None:
            stated.credit, stated.page = credit[1].strip(), credit[2] if _URL.fullmatch(credit[2]) else None
        problem = None
        if start == len(lines):
            problem = "states no license"
        elif any(line.cut for line in lines[start:]):
            problem = f"has a line of more than {_LINE_BYTES} bytes"
        elif any(_CREDIT.fullmatch(line.text) for line in lines[start:]):
            problem = "mixes up two tracks"
        if problem:
            stated.problem = f"{name}, line {first.number}: the block of {first.text} {problem}"
        for statement in _statements(lines[start:]):
            if statement[:2] not in (known[:2] for known in stated.licenses):
                stated.licenses.append(statement)
    return found


def _blocks(path: Path) -> Iterator[tuple[Line, list[Line]]]:
    """(the line with the path, the lines below it) of each block."""
    first: Line | None = None
    lines: list[Line] = []
    for line in read_lines(path, _LINE_BYTES):
        text = line.text.strip()
        starts = _PATH.fullmatch(text) is not None
        if first is not None and (starts or text in ("", "--")):
            yield first, lines
            first, lines = None, []
        if starts:
            first = Line(line.number, text, line.cut)
        elif first is not None:
            lines.append(Line(line.number, text, line.cut))
        elif text not in ("", "--"):
            raise UserError(
                f"{path}, line {line.number}: {quoted(text)} belongs to no track; "
                "a block starts with a path such as 00/7400.mp3"
            )
    if first is not None:
        yield first, lines


def _statements(lines: list[Line]) -> Iterator[Statement]:
    """Each "Available under …" with the lines below it; one per address if it has several."""
    parts: list[list[Line]] = []
    for line in lines:
        if _LICENSE.match(line.text):
            parts.append([])
        parts[-1].append(line)
    for part in parts:
        text = intern("\n".join(line.text for line in part))
        urls: list[str | None] = [intern(url.rstrip(".,;)")) for url in _URL.findall(text)]
        for url in urls or [None]:
            yield Statement(text, url, part[0].number)


def split_credit(credit: str, artist: str | None = None) -> tuple[str, str | None]:
    """(title, artist) of "TITLE by ARTIST".

    " by " may occur in both. With the artist's name known, what stands before it is the title;
    else the artist is what follows the last " by ", which is the same for all tracks of an artist.
    """
    if artist and credit.endswith(f" by {artist}"):
        return credit.removesuffix(f" by {artist}").strip(), artist
    title, by, name = credit.rpartition(" by ")
    return (title.strip(), name.strip() or None) if by else (credit, None)
