"""What words speak of: the music, the work as a whole, the package that it is part of, or something else.

The subject of a phrase is its head: in "the music of this game" the music, in "the game's music player" a player.
Words of many languages are compared as `fold` leaves them; those of scripts without spaces are first replaced by
English ones.
"""

import re
from functools import cache
from typing import NamedTuple

from ssmttm.licenses.vocabulary import fold, read_groups, read_rows, words_of

MUSIC, SOUND, WORK, PACKAGE, OTHER, UNKNOWN = "music", "sound", "work", "package", "other", "unknown"
"""`sound` may be music or effects: it takes back what is said of it, and grants nothing."""

_TABLE = read_groups(__file__)
OTHER_NOUNS = words_of(_TABLE["other"] + _TABLE["other in statements"])
"""Folded words for things other than the track that a statement's license may be for."""

_BESIDE = words_of(_TABLE["beside"])
"""Words beside a head that don't change what it is."""

_COORDINATION = re.compile(
    r"\s*(?:,|&|\+|/|\b(?:and|or|und|et|y|e|ed|i|en|och|og|и|sowie|as well as)\b)\s*(?:\b(?:and|or|und|et|y|e|и)\b\s*)?"
)
_PREPOSITION = re.compile(
    r"\b(?:of|for|in|inside|within|from|by|to|on|at|with|that|which|von|vom|des|fur|im|aus|zu|mit|dans|de|du|d|pour|par"
    r"|sur|en|del|para|por|della|dello|dei|di|per|nel|nella|da|do|dos|das|na|no|w|z|dla|przez|van|voor|uit|для|из|от|в"
    r"|к)\b"
)


class Phrase(NamedTuple):
    """What one phrase speaks of, with the words that say so."""

    subject: str
    words: str


@cache
def _subjects() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Folded word -> subject, and the same for endings."""
    exact: dict[str, str] = {}
    endings: list[tuple[str, str]] = []
    for group in (MUSIC, SOUND, WORK, PACKAGE, OTHER, "other in documents"):
        for word in map(fold, " ".join(_TABLE[group]).split()):
            subject = OTHER if group.startswith(OTHER) else group
            if word.startswith("*"):
                endings.append((word[1:], subject))
            else:
                exact.setdefault(word, subject)
    return exact, endings


def subject_of_word(word: str) -> str | None:
    """The subject that a folded word names; None for any other word.

    >>> subject_of_word("soundtrack"), subject_of_word("fonts"), subject_of_word("blue")
    ('music', 'other', None)
    """
    exact, endings = _subjects()
    return exact.get(word) or next((subject for ending, subject in endings if word.endswith(ending)), None)


def _phrases(kind: str) -> dict[str, str]:
    """Folded phrase -> the word that it stands for, in the order of the table."""
    rows = ((group.removeprefix(f"{kind} "), entry) for group, entry in read_rows(__file__) if group.startswith(kind))
    return {fold(phrase): word for word, entry in rows for phrase in entry.split("|")}


@cache
def _compounds() -> tuple[re.Pattern[str], dict[str, str]]:
    words = _phrases("compound")
    options = "|".join(re.escape(k).replace("\\ ", r"[\s-]+") for k in sorted(words, key=len, reverse=True))
    return re.compile(rf"\b(?:{options})\b"), words


@cache
def _spaceless() -> list[tuple[str, str]]:
    return [(k, f" {v} " if v.isascii() and v[:1].isalpha() else v) for k, v in _phrases("spaceless").items()]


def normal(text: str) -> str:
    """A text folded, with compounds as one word and words of scripts without spaces in English."""
    folded = fold(text)
    if not folded.isascii() and any(c > "\u2fff" or "\u1100" <= c <= "\u11ff" for c in folded):
        for phrase, english in _spaceless():
            folded = folded.replace(phrase, english)
    pattern, words = _compounds()
    return pattern.sub(lambda match: words[re.sub(r"[\s-]+", " ", match[0])], folded)


_TOKEN = re.compile(r"[*\w]+(?:[.'-][\w]+)*")
_FILE_NAME = re.compile(r"(?=.*[a-z])[\w*]*(?:_[\w*]+)+|[a-z]+\d+[\w*]*")
"""A name such as `track3_enhanced`: of a file, and those of other files are cut before."""


def phrases(text: str) -> list[Phrase]:
    """The phrases of a normal text that "and" or commas join, each with its subject; those without words left out."""
    named = []
    for part in _COORDINATION.split(text):
        head = _PREPOSITION.split(part.strip(), maxsplit=1)[0] if _PREPOSITION.split(part.strip())[0] else part
        if phrase := _head(head) or _head(part):
            named.append(phrase)
    return named


def _head(text: str) -> Phrase | None:
    words = [w for w in _TOKEN.findall(text) if not w.isdigit()]
    known = [(i, s) for i, w in enumerate(words) for s in [subject_of_word(w.removesuffix("'s"))] if s]
    if not known:
        if any(_FILE_NAME.fullmatch(w) for w in words):
            return Phrase(MUSIC, " ".join(words))
        rest = [w for w in words if w not in _BESIDE]
        return Phrase(UNKNOWN, " ".join(words)) if rest else None
    heads = [(i, s) for i, s in known if not (s == WORK and any(k != WORK for _, k in known))] or known
    place, subject = heads[-1]
    beside = words if subject == WORK else words[place + 1 :]  # "Python files", "music player"
    if subject in (MUSIC, WORK, PACKAGE) and any(w not in _BESIDE and subject_of_word(w) is None for w in beside):
        return Phrase(UNKNOWN, " ".join(words))
    return Phrase(subject, " ".join(words))


def is_file_name(words: str) -> bool:
    """Whether words are names of single files, such as `track3_enhanced` or `blue.ogg`."""
    return all(_FILE_NAME.fullmatch(w) or re.fullmatch(r"[\w*-]+\.[a-z0-9]{2,4}", w) for w in words.split())


def mentioned(text: str) -> set[str]:
    """Every subject that a word of a normal text names, wherever it stands."""
    words = (w.removesuffix("'s") for w in _TOKEN.findall(text))
    return {s for w in words if (s := subject_of_word(w))}
