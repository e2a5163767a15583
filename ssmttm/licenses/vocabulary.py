"""Tables of words that lie beside the modules that use them, and the form in which words are compared."""

import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def read_rows(module: str) -> list[list[str]]:
    """The columns of each row of the table beside a module (its `__file__`), without comments."""
    lines = Path(module).with_suffix(".tsv").read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def read_groups(module: str) -> dict[str, list[str]]:
    """The table with two columns beside a module: first column -> the entries of its rows, in their order."""
    groups: dict[str, list[str]] = {}
    for group, entry in read_rows(module):
        groups.setdefault(group, []).append(entry)
    return groups


def words_of(entries: Iterable[str]) -> frozenset[str]:
    """The words of entries that spaces separate."""
    return frozenset(" ".join(entries).split())


def phrases_of(entries: Iterable[str]) -> list[str]:
    """The phrases of entries that `|` separates."""
    return "|".join(entries).split("|")


def any_of(words: str) -> str:
    """A pattern for one of several words."""
    return "(?:" + "|".join(words.split()) + ")"


def fold(text: str) -> str:
    """Lower-case Latin without accents, other scripts normalized; the form in which words are compared."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", kept).casefold()


_LIGATURES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})


def latin(text: str) -> str:
    """Folded text in which letters that have no accent to drop are plain Latin as well."""
    folded = fold(text)
    return folded if folded.isascii() else folded.translate(_LIGATURES)


def has_spaceless_script(text: str) -> bool:
    """Whether a text has letters of a script that puts no spaces between words, such as Chinese and Japanese."""
    return not text.isascii() and any(c > "\u2fff" for c in text)


class Remembered(dict[str, T]):
    """The values of a function of short strings, remembered up to a bound: faster than `lru_cache` for single words."""

    def __init__(self, make: Callable[[str], T]):
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> T:
        value = self._make(key)
        if len(self) < 200_000 and len(key) < 60:
            self[key] = value
        return value
