"""Does a text say that somebody sings? A rule of our own, by words and negations: `singing.tsv` has the words."""

import csv
import re
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_suffix(".tsv")
"""Patterns by kind: words for a `voice`, things that only sound so (`no voice`), and what an `instrument` is there."""

_NEGATED = re.compile(
    r"(?:\b(?:no|nor|neither|without|lack(?:s|ing)?|(?:de)?void of|free of|absence of|instead of)"
    r"|(?:\bnot|n['’]t)\s+(?:have|contain|feature|include|hear|any))"
    r"\s+(?:any\s+)?(?:(?!(?:but|only|just|with|yet)\b)\w+\s+){0,2}?"
    r"(?:vocals?|voices?|sing(?:er|ers|ing)|lyrics?|rap\w*|choirs?)"
    r"(?:(?:\s*,\s*|\s+(?:or|and|nor)\s+)(?:vocals?|voices?|sing(?:er|ers|ing)|lyrics?))*\b"
    r"|\bnon-?vocal\b|\b(?:nobody|no[\s-]one)\s+(?:is\s+)?sing(?:s|ing)\b",
    re.IGNORECASE,
)


def mentions_voice(text: str) -> bool:
    """True if a word for a voice that sings, raps, hums or the like is left in `text`.

    Negations ("no voices", "without any vocal") and things that only sound so ("singing bowls", "tenor sax", "opera
    hall", "guitar duet") are taken away first. Plain speech is not counted as a voice.
    """
    return bool(_words("voice").search(_NEGATED.sub(" ", _words("no voice").sub(" ", text))))


@cache
def _words(kind: str) -> re.Pattern[str]:
    return re.compile(rf"\b{_any_of(kind)}\b", re.IGNORECASE)


@cache
def _any_of(kind: str) -> str:
    with open(_TABLE, encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    patterns = "|".join(row["pattern"] for row in rows if row["kind"] == kind)
    return f"(?:{patterns.replace('<instrument>', _any_of('instrument')) if kind != 'instrument' else patterns})"
