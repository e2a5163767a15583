"""What a license file says about one of the files beside it.

A license file may list files ("a.ogg, b.ogg:" above a license), and make exceptions ("all tracks
except c:"). What it says of other files is no evidence, and neither is the text of a license that
follows the grant.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from ssmttm.licenses.documents.passages import without_legal_text
from ssmttm.licenses.statements import read_statement

_RULE = re.compile(r"^[ \t]*[-=_*~#]{3,}[ \t]*$", re.MULTILINE)
_EXCEPTION = re.compile(r"\b(?:except(?:ing|ions?)?|excluding|other than|apart from|but not)\b", re.IGNORECASE)
_NEGATION = re.compile(r"\bnot\b|n['’]t\b", re.IGNORECASE)
_FILE = re.compile(r"[^\s,;:()\"'`<>]+\.(?:ogg|oga|opus|mp3|flac|wav|m4a|mid|mod|png|jpe?g|svg|gif|ttf|otf|\*)\b")
_WORD = re.compile(r"[^\s,;:()\"'`<>]+")
_VERSIONED = re.compile(
    r"creativecommons\.org/[\w-]+/[\w-]+/\d"
    r"|\b(?:cc|creative commons|gpl|attribution|public licen[sc]e)\b[^\n]{0,40}?(?:\d\.\d|version \d|v\d|-\d)",
    re.IGNORECASE,
)
"""A license's name that says which version: such a text is the grant, understood or not."""
_COMMON = re.compile(
    r"audio|bass|cover|drums?|effects|files?|game|gpl|guitar|intro|keys|licen[sc]e|lead|menu|music|ost|outro|readme"
    r"|rhythm|songs?|sounds?|soundtrack|text|the|themes?|titles?|tracks?|vocals"
)
"""File names that are also words of a license file: they name a file only with their extension."""


@dataclass(frozen=True)
class _Part:
    """One paragraph with the files that it names, in lower case."""

    text: str
    words: frozenset[str]
    files: frozenset[str]
    exception: bool  # speaks of all but the files that it names
    negation: bool
    heading: bool  # ends with a colon: it speaks for what follows
    section: int


@lru_cache(maxsize=256)
def _parts(text: str) -> tuple[_Part, ...]:
    found = []
    for section, block in enumerate(_RULE.split(text)):
        for paragraph in re.split(r"\n[ \t]*\n", block):
            if not paragraph.strip():
                continue
            plain = re.sub(r"\b\w+://\S+", " ", paragraph)
            words = frozenset(_bare(w) for w in _WORD.findall(plain))
            files = frozenset(_bare(w) for w in _FILE.findall(plain))
            heading = paragraph.rstrip().endswith(":")
            exception, negation = (bool(pattern.search(paragraph)) for pattern in (_EXCEPTION, _NEGATION))
            found.append(_Part(paragraph, words, files, exception, negation, heading, section))
    return tuple(found)


def _bare(word: str) -> str:
    return word.strip("*_.!?[]{}").lower().rsplit("/", 1)[-1]


def part_about(text: str, path: str, others: Iterable[str]) -> str | None:
    """What of the license file `text` speaks about the file at `path`; None if nothing does.

    `others` are the names of the audio files that it may speak about as well. Paragraphs that name
    the file are all that counts if there are any; otherwise those that name no file at all.
    """
    mine = _names(path)
    foreign = frozenset().union(*map(_names, others)) - mine
    parts = _parts(text)
    general: list[str] = []
    own: list[str] = []
    excepted = False
    scope: tuple[int, str] | None = None  # section, and about whom a heading speaks
    for part in parts:
        named, elsewhere = _mentions(part, mine), bool((part.words & foreign) or (part.files - mine))
        if named:
            denied = part.exception or part.negation
            about = "others" if denied else "mine"
            excepted = excepted or denied
        elif elsewhere:
            about = "all" if part.exception else "others"
        elif scope is not None and scope[0] == part.section:
            about = scope[1]
        else:
            about = "all"
        if about != "others":
            (own if about == "mine" else general).append(part.text)
        if named or elsewhere:
            scope = (part.section, about) if part.heading else None
    if own:
        return grant("\n\n".join(own))
    return grant("\n\n".join(general)) if general and not excepted else None


def _mentions(part: _Part, names: frozenset[str]) -> bool:
    text = part.text.lower()
    return bool(part.words & names) or any(" " in n and n in text for n in names)


@lru_cache(maxsize=20_000)
def _names(path: str) -> frozenset[str]:
    """How a text may name the file: with its extension, and without if that is no common word."""
    name = PurePosixPath(path).name.lower()
    stem = name.rpartition(".")[0]
    return frozenset([name] if len(stem) < 3 or _COMMON.fullmatch(stem) else [name, stem])


def grant(text: str) -> str:
    """The text without the full text of a license, if what comes before that names a license by itself.

    What follows the license's text stays: it may take back what was granted.
    """
    before, _, after = without_legal_text(text)
    if _VERSIONED.search(before) or (before.strip() and read_statement(before.strip(), strict=False).license):
        return f"{before.strip()}\n\n{after.strip()}".strip()
    return text.strip()
