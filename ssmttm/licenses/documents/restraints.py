"""What holds back in a document: reservations, prohibitions, exceptions, conditions, other people's rights.

Patterns run over a passage as `subjects.normal` leaves it. In many languages, because a word that isn't known here
would count as nothing said. The table beside this module has the phrases.
"""

import re
from functools import cache

from ssmttm.licenses.vocabulary import fold, phrases_of, read_groups

_HARMLESS = re.compile(
    r"\b(?:as long as|if|provided(?: that)?|so long as|solange|wenn|falls|si|tant que|siempre que|desde que|purche"
    r"|mits)\b[^.;]*?\b(?:credit\w*|attribut\w*|name|nenn\w*|mention\w*|citer?|link\w*|menciona\w*|credito"
    r"|citi\w*|namn\w*)\b[^.;]*"
    r"|\b(?:credit|attribution)\b[^.;]*\b(?:not required|not necessary|isn't required|optional|not needed)\b"
    r"|\b(?:does not|doesn't|do not) (?:affect|imply|mean)\b[^.;]*"
    r"|\b(?:without|no|keine|ohne) (?:any )?(?:warranty|warranties|gewahr\w*|garantie\w*)\b[^.;]*"
    r"|\b(?:do not|don't|please|not) (?:hesitate|forget|be shy|worry)\b[^.;]*"
    r"|\bno (?:copyright|known copyright|rights reserved|attribution|credit"
    r"|permission (?:is )?(?:needed|required|necessary))\b[^.;]*"
    r"|\bwithout (?:asking|permission|asking for permission|having to ask)\b"
    r"|\bif (?:you (?:like|enjoy|want|wish|use|have|make|find|share)|not|possible|in doubt)\b[^.;,]*[,.]?"
    r"|\b(?:permissions beyond|to the extent possible|unless required by)\b[^.;]*"
    r"|\b(?:at your (?:option|discretion)|any later version|or (?:any )?later)\b"
    r"|\b(?:can|may) (?:also )?be (?:downloaded|found|obtained|bought)\b[^.;]*"
    r"|\b(?:free to|may|can|allowed to) (?:[\w,/]+ ){1,12}?(?:even |also )?commercial\w*"
)
"""Turns of phrase that hold nothing back although one of their words looks so."""


def _any_of(entries: list[str]) -> re.Pattern[str]:
    options = []
    for phrase in sorted(phrases_of(entries), key=len, reverse=True):
        words = re.escape(fold(phrase)).replace(r"\*", r"\w*").replace("\\ ", r"\s+")
        options.append(words if any(c > "\u1100" for c in words) else rf"(?<![\w'-]){words}(?![\w'])")
    return re.compile("|".join(options))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: _any_of(entries) for kind, entries in read_groups(__file__).items()}


def restraint(normal: str) -> str | None:
    """The words of a normal passage that hold something back other than by an exception; None without any."""
    rest = _HARMLESS.sub(" ", normal)
    matches = (pattern.search(rest) for kind, pattern in _patterns().items() if kind != "exception")
    return next((match[0] for match in matches if match), None)


def reserves(normal: str) -> bool:
    """Whether it says nothing worse than "all rights reserved", a habit above many a license."""
    rest = _patterns()["reserved"].sub(" ", normal)
    return rest != normal and restraint(rest) is None and exception(rest) is None


def exception(normal: str) -> tuple[str, str] | None:
    """What stands before and behind words such as "except" in a normal passage; None without such words."""
    text = _HARMLESS.sub(" ", normal)
    match = _patterns()["exception"].search(text)
    if match is None:
        return None
    before, after = text[: match.start()], text[match.end() :]
    if not before.strip(" ,.(*"):  # "Except for the code, everything is …"
        after, _, before = after.partition(",")
    return before, after
