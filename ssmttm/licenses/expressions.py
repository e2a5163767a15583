"""SPDX expressions and the short names of Debian's copyright format, as SPDX expressions."""

import re
from functools import lru_cache

from boolean import ParseError
from license_expression import ExpressionError

from ssmttm.licenses.known.names import find_mentions
from ssmttm.licenses.known.spdx_list import exceptions, known, licensing
from ssmttm.licenses.skeleton import skeleton
from ssmttm.licenses.vocabulary import read_rows

_LONGEST = 300
_ALIASES = dict(read_rows(__file__))
"""Short names that SPDX doesn't list, and deprecated identifiers that are an expression now."""

_REFERENCE = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+", re.IGNORECASE)
_SHORT = re.compile(r"(?:licenseref|documentref)-.+|[a-z][a-z0-9.]*-(?:[a-z0-9.]+-)*v?\d[a-z0-9.]*(?:-[a-z0-9.]+)*\+?")
"""What has the form of an identifier or short name: `gpl-2+`, `foo-1.0`."""

_LATER = re.compile(
    r",?\s*\(?\bor\s*,?\s*\(?(?:at your option\)?\s*)?,?\s*(?:any\s+)?(?:later|newer|above|higher)(?:\s+versions?)?\)?",
    re.I,
)
_OPERATORS = frozenset(["or", "and", "with"])


def looks_like_expression(text: str) -> bool:
    """Whether every word of a short text is an identifier or an operator, so that it is worth parsing."""
    if len(text) > _LONGEST or not (text and _is_symbol(text[:80].lower().split(None, 1)[0].strip("(),"))):
        return False
    words = re.sub(r"[(),]", " ", text).lower().split()
    return all(w in _OPERATORS or _is_symbol(w) for w in words)


def _is_symbol(word: str) -> bool:
    return word in known() or word in _ALIASES or word in exceptions() or _SHORT.fullmatch(word) is not None


def _symbol(text: str) -> str | None:
    """One license by its short name, such as `GPL-2+`, `CC-BY-SA-3.0` or `Expat`; may be an `A WITH B`."""
    text = text.strip().strip("\"'`.").strip()
    key = re.sub(r"\s+", " ", text.lower())
    if identifier := _ALIASES.get(key) or known().get(key):
        return identifier
    if _REFERENCE.fullmatch(text):
        return text if text[0] in "LD" else "LicenseRef-" + text[11:]
    if key.endswith("+") and key[:-1] in known():
        # Where a license says "or later", its own version is one of those offered.
        return known()[key[:-1]]
    if key.replace(" ", "-") in known():
        return known()[key.replace(" ", "-")]
    return _by_name(text)


@lru_cache(maxsize=16_384)
def _by_name(text: str) -> str | None:
    """The license that a text is the name of, and nothing else."""
    whole = skeleton(text)
    mentions = find_mentions(whole)
    if len(mentions) != 1 or mentions[0].link:
        return None
    around = whole[: mentions[0].start] + whole[mentions[0].end :]
    return mentions[0].license if re.fullmatch(r"(?: the| license)* ", around) else None


@lru_cache(maxsize=16_384)
def parse_expression(text: str) -> str | None:
    """The SPDX expression of a short statement such as `GPL-3 or CC-BY-3.0`, else None.

    Understands SPDX and the short names of Debian's copyright format: a comma before `or`/`and`
    groups what stands before it. Identifiers and operators in any case.
    """
    text = _LATER.sub("+", re.sub(r"\s+", " ", text[: _LONGEST + 1].strip()))
    if not text or len(text) > _LONGEST:
        return None
    if whole := _symbol(text):
        return whole
    while match := re.search(r",\s*(or|and)\b", text, re.I):
        text = f"({text[: match.start()]}) {match[1]} {text[match.end() :]}"
    pieces = re.split(r"([()]|\s(?:or|and|with)\s|^(?:or|and)\s|(?<=\))(?:or|and)\s)", text, flags=re.I)
    words: list[str] = []
    for piece in filter(None, (p.strip() for p in pieces)):
        if piece in "()" or piece.lower() in _OPERATORS:
            words.append(piece.upper())
        elif words and words[-1] == "WITH":
            if piece.lower() not in exceptions():
                return None
            words.append(exceptions()[piece.lower()])
        elif symbol := _symbol(piece):
            words.append(f"({symbol})" if " OR " in symbol else symbol)
        else:
            return None
    try:
        return str(licensing().parse(" ".join(words)).render())
    except (ExpressionError, ParseError, AttributeError, IndexError, TypeError):  # how the parser fails on "A ()"
        return None


def join(expressions: list[str], word: str) -> str:
    """Expressions joined by OR or AND."""
    return str(licensing().parse(f" {word} ".join(f"({e})" for e in expressions)).render())
