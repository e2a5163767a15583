"""SPDX expressions and the short names of Debian's copyright format, as SPDX expressions."""

import re
from functools import lru_cache

from boolean import ParseError
from license_expression import ExpressionError

from ssmttm.licenses.known.names import find_mentions
from ssmttm.licenses.known.spdx_list import PUBLIC_DOMAIN, exceptions, known, licensing
from ssmttm.licenses.reading.text import skeleton

_LONGEST = 300
_ALIASES = {
    "expat": "MIT",
    "zlib/libpng": "zlib-acknowledgement",
    "public-domain": PUBLIC_DOMAIN,
    "public domain": PUBLIC_DOMAIN,
    "publicdomain": PUBLIC_DOMAIN,
    "pd": PUBLIC_DOMAIN,
    "cc0": "CC0-1.0",
    "cc-0": "CC0-1.0",
    "cc-zero": "CC0-1.0",
    "artistic": "Artistic-1.0",
    "apache-2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "ofl": "OFL-1.1",
    "free-art-1.3": "LAL-1.3",
    "fal-1.3": "LAL-1.3",
    "fal-1.2": "LAL-1.2",
    "psf-2": "PSF-2.0",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "gfdl": "GFDL-1.1-or-later",
    "gpl": "GPL-1.0-or-later",
}
_WITH_EXCEPTION = {
    "gpl-2.0-with-autoconf-exception": "GPL-2.0-only WITH Autoconf-exception-2.0",
    "gpl-2.0-with-bison-exception": "GPL-2.0-only WITH Bison-exception-2.2",
    "gpl-2.0-with-classpath-exception": "GPL-2.0-only WITH Classpath-exception-2.0",
    "gpl-2.0-with-font-exception": "GPL-2.0-only WITH Font-exception-2.0",
    "gpl-2.0-with-gcc-exception": "GPL-2.0-only WITH GCC-exception-2.0",
    "gpl-3.0-with-autoconf-exception": "GPL-3.0-only WITH Autoconf-exception-3.0",
    "gpl-3.0-with-gcc-exception": "GPL-3.0-only WITH GCC-exception-3.1",
}
"""Deprecated identifiers that are an expression now."""

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
    for table in (_ALIASES, _WITH_EXCEPTION, known()):
        if key in table:
            return table[key]
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
