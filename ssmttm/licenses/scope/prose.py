"""Whether a statement says more than is understood: prose of unknown words, in any language.

Names have capitals, so only words in small letters count. Titles and credits are no prose.
"""

import re

from ssmttm.licenses.reading.phrases import GLUED, GRAMMAR, JURISDICTION_NAMES, LICENSES, SOFTWARE
from ssmttm.licenses.reading.words import latin
from ssmttm.licenses.scope.friendly import FRIENDLY

_NAMES = {**LICENSES, **SOFTWARE, **GRAMMAR, **JURISDICTION_NAMES}
_KNOWN = (
    FRIENDLY
    | {word for phrases in _NAMES.values() for word in re.split(r"[|\s]+", latin(phrases))}
    | {part for word in (*GLUED, *GLUED.values()) for part in re.findall(r"[a-z]+", word)}
)
MANY = 2
"""So many unknown words are prose: one may be a name in small letters."""

_LONG = 4
"""A longer run without spaces, in a script that has none, is more than one word."""

_CLAUSE = re.compile(r"(?<=[.!?;|])\s+|\n| -- ")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_NO_WORDS = re.compile(r"\S*(?:https?:|www\.|@|\w/\w|\.\w{2,4}\b|_|#|\{\{|\}\})\S*|<[^>]*>|\b[A-Z]{2,3}:")
_NOBODY = (
    r"(?:my|a|an|the|our|some|another|someone|somebody|others?|various|his|her|their|mein\w*|ein\w*|un|une|una|uno"
    r"|andere\w*|me|us|mir|i|and|or)\b"
)
_NAME = r"[^\s,;:]+"
_BEHIND = (
    r"is|are|was|ist|sind|est|es|licen\w+|under|released|unter|sous|bajo|cc|attribution|creative|from|feat|via|on|\d"
)
_END = rf"(?=\s*$|\s*[,.(:;|\[\"-]|\s+(?:{_BEHIND})\b)"
_BY = r"(?<!cc )(?:by|von|par|por|di|de|door|av|af)"
_CREDITS = (
    re.compile(
        rf"^\W*(?:\w{{1,12}}: ?)?(?:{_NAME}\s+){{1,6}}?{_BY} (?!{_NOBODY}){_NAME}(?: {_NAME}){{0,3}}?{_END}",
        re.IGNORECASE,
    ),
    re.compile(rf"^\W*{_NAME}(?:\s{_NAME}){{0,5}} [-|] {_NAME}(?: {_NAME}){{0,5}}?{_END}", re.IGNORECASE),
    re.compile(r"[^\W\d_a-zA-Z]{1,8} ?: ?[^,、;|:。.]{1,24}(?=[,、;|]|$)"),
    re.compile(r"(?:\(c\)|copyright|℗|℠)\s*(?:\d{4}[-, ]*)*[^\s,;:.]+(?: [^\s,;:.]+){0,2}", re.IGNORECASE),
)
"""Credits: "title by artist", "artist - title", a label of another script with a name, a copyright notice."""


class _Unknown(dict[str, bool]):
    """Word in small letters -> whether it is not known; remembered up to a bound."""

    def __missing__(self, word: str) -> bool:
        parts = latin(word)
        found = parts not in _KNOWN and not all(p in _KNOWN for p in re.split(r"['-]", parts))
        if len(self) < 200_000:
            self[word] = found
        return found


_unknown = _Unknown()


def not_understood(text: str) -> str | None:
    """The unknown words of the first clause of a readable text (see `text.plain`) that is prose; None without one."""
    for clause in _CLAUSE.split(text):
        if len(found := unknown_words(clause)) >= MANY:
            for credit in _CREDITS:
                clause = credit.sub(" ", clause, count=1)
            if len(found := unknown_words(clause)) >= MANY:
                return ", ".join(found[:5])
    return None


def unknown_words(clause: str) -> list[str]:
    """The words in small letters (or shouted) that are not known.

    A long one of a script that has no capitals counts twice.
    """
    words = _WORD.findall(_NO_WORDS.sub(" ", clause))
    shouted = len(words) > 3 and sum(w.isupper() for w in words) > 0.7 * len(words)
    found = []
    for word in words:
        first = word[0]
        if first.isupper() and not (shouted and word.isupper()):
            continue
        if _unknown[word.lower() if shouted else word]:
            caseless = first.lower() == first.upper()
            found += [word] * (2 if caseless and len(word) > _LONG else 1)
    return found
