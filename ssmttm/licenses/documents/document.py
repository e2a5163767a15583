"""What a document says about the license of the music beside it: a license file, a readme, a package's free text.

A document may speak of many things. A license that it names counts only where it is said of the music, or of
the work or package as a whole with nothing set apart that could be the music. What is said of the code or the
graphics is no evidence, and what isn't understood to be about anything is none either.
"""

import re
from functools import lru_cache

from ssmttm.licenses.documents.clauses import NONE, Clause, read_clauses, speaks_of
from ssmttm.licenses.documents.passages import read_passages
from ssmttm.licenses.expressions import parse_expression
from ssmttm.licenses.skeleton import LONGEST
from ssmttm.licenses.statements import Reading, read_statement
from ssmttm.licenses.subjects import MUSIC, OTHER, PACKAGE, SOUND, UNKNOWN, WORK

_MOST = 400
"""Passages that are read; a longer document is not understood."""

_OR_ANY_GPL = re.compile(
    r",?\s+or\s+(?:under\s+)?(?:the\s+)?(?:terms of the\s+)?(?:GNU\s+)?"
    r"(?:GPL|General Public License)(?![\w-])(?!,?\s*(?:v|version|\d))",
    re.IGNORECASE,
)
"""A second license to choose, without a version: it takes nothing from the first."""

_WHICH_IS_AT = re.compile(
    r",?\s+(?:which|that)\s+(?:can|may)\s+be\s+(?:viewed|found|read|seen|obtained)\s+(?:at|on|from|here):?\s+(?=<?https?:)",
    re.IGNORECASE,
)
_OR_IN_A_FILE = re.compile(
    r"\s+or\s+in\s+the\s+(?:(?:included|attached|enclosed|accompanying)\s+)?(?:license|copying)[\w.]*(?:\s+file)?\b",
    re.IGNORECASE,
)
_LATER = re.compile(r"\(or,? at your (?:discretion|option),? any later version\)", re.IGNORECASE)
_DEBIAN = re.compile(r"\bon debian\b|common-licenses|\bdebiani[sz]ed\b|\bdebian packag|\bpackaging\b", re.IGNORECASE)
_PROVENANCE = re.compile(r"\b(?:from|via|courtesy|source|https?|www|\.com|\.org|\.net|\d{4})\b|:")


def read_document(text: str | None) -> Reading:
    """The reading of one document. `silent` where it speaks of other things only, so that it is no evidence.

    >>> read_document("The code is MIT. The music is CC BY 4.0.").license
    'CC-BY-4.0'
    >>> read_document("The code is CC0. The music is copyright 2010 by Ada, all rights reserved.").license is None
    True
    """
    if not text or text.isspace():
        return Reading(None, "the text is empty", silent=True)
    return _read(text)


@lru_cache(maxsize=4096)
def _read(text: str) -> Reading:
    for pattern, instead in ((_LATER, ""), (_OR_ANY_GPL, ""), (_WHICH_IS_AT, ": "), (_OR_IN_A_FILE, "")):
        text = pattern.sub(instead, text)
    document = read_passages(text)
    if not document.whole:
        return Reading(None, f"is longer than {LONGEST:,} characters besides the text of a license")
    if len(document.passages) > _MOST:
        return Reading(None, f"has {len(document.passages)} sentences, more than a license file that is understood")
    clauses = read_clauses([p for p in document.passages if not _DEBIAN.search(p.text)])
    if not document.legal or any(clause.text for clause in clauses):
        return _judge(clauses)
    if held := next((c for c in clauses if c.against and c.subject != OTHER), None):
        return Reading(None, f"{_held_back(held)} beside a license's text")
    scope = speaks_of(document.legal.scope)
    about = ([scope] if scope else []) + [(c.subject, c.named) for c in clauses if c.subject != NONE]
    if about and all(subject in (OTHER, UNKNOWN) for subject, _ in about):
        return Reading(None, f'holds a license\'s text, and speaks of "{about[0][1]}"', silent=True)
    return read_statement(document.legal.text, strict=False)


def _held_back(clause: Clause, default: str = "the work") -> str:
    return f'"{clause.against}" is said of {clause.named or default}'


def _judge(clauses: list[Clause]) -> Reading:
    """The reading of clauses: what is said of the music counts, else what is said of the whole."""
    music = [c for c in clauses if c.subject in (MUSIC, SOUND)]
    if held := next((c for c in music if c.against), None):
        return Reading(None, _held_back(held, "the music"), denied=True)
    grants = [c for c in music if c.subject == MUSIC and c.text]
    if not grants:
        whole = _grants_of_whole(clauses, music)
        if isinstance(whole, Reading):
            return whole
        grants = whole
    reading = read_statement("\n".join(dict.fromkeys(c.text for c in grants)))
    if reading.license is None:
        return reading
    of = "the music" if grants[0].subject == MUSIC else "the whole"
    return reading._replace(note=f"{reading.note}, said of {grants[0].named or of}")


def _grants_of_whole(clauses: list[Clause], music: list[Clause]) -> list[Clause] | Reading:
    """The clauses that grant a license for the work or package as a whole, or why it isn't one for the music."""
    others = [c for c in clauses if c.subject in (OTHER, UNKNOWN) and c.text]
    general = [c for c in clauses if c.subject in (WORK, PACKAGE, NONE)]
    grants = [c for c in general if c.text]
    if not grants:
        return _no_grant(clauses, others)
    if held := next((c for c in general if c.against), None):
        return Reading(None, _held_back(held))
    if held := next((c for c in clauses if c.subject == UNKNOWN and c.against), None):
        return Reading(None, f'"{held.against}" is said of {held.named}, which may be the music')
    whole = [c for c in grants if c.subject != NONE]
    if others and not whole:
        why = f"names a license for {_listed(others)}, and one that isn't said of anything"
        return Reading(None, why, silent=True)
    grants = whole or grants
    if music and any(c.subject == PACKAGE for c in grants):
        return Reading(None, f"speaks of {music[0].named} apart from the license of the whole", silent=True)
    if origin := next((c for c in music if _PROVENANCE.search(c.named)), None):
        return Reading(None, f"says of {origin.named} where it comes from, apart from the license", silent=True)
    return grants


def _no_grant(clauses: list[Clause], others: list[Clause]) -> Reading:
    if others:
        return Reading(None, f"speaks of {_listed(others)}, not of the music", silent=True)
    if held := next((c for c in clauses if c.against and c.subject != OTHER), None):
        return Reading(None, f"{_held_back(held)}, and no license is named")
    return Reading(None, "names no license", silent=True)


def _listed(clauses: list[Clause]) -> str:
    return " and ".join(dict.fromkeys(f'"{clause.named}"' for clause in clauses[:3]))


_REMEMBERED = 1000
"""Shorter texts are remembered: catalogs repeat themselves."""


def understand(kind: str, text: str | None, url: str | None = None) -> Reading:
    """The reading of one piece of evidence, document or statement.

    A license file and a package's free text are documents. In Debian's copyright format (`dep5_files`, `catch_all`)
    the first line is the license's name by definition: an unknown one is looked up in the text below it only, which
    is a document about the files that the format says, and an expression with an unknown part stays unknown. Of
    anything else, text and address are one statement, and have to agree.
    """
    if kind in ("license_file", "package_text"):
        return read_document(text)
    return (_understand if len(text or "") < _REMEMBERED else _understand.__wrapped__)(kind, text, url)


@lru_cache(maxsize=16_384)
def _understand(kind: str, text: str | None, url: str | None) -> Reading:
    if kind not in ("dep5_files", "catch_all"):
        if url and not (text and url in text):
            text = f"{text or ''}\n{url[:_REMEMBERED]}"
        return read_statement(text)
    reading = _read_debian((text or "").strip())
    first, _, body = (text or "").partition("\n")
    if reading.license and not parse_expression(first):
        document = read_document(body)
        return document if document.denied or document.silent else reading
    return reading


def _read_debian(text: str) -> Reading:
    first, _, body = text.partition("\n")
    if expression := parse_expression(first):
        return Reading(expression, "its short name")
    if re.search(r"[\s-](or|and|with)[\s-]|,", first):
        return Reading(None, "an expression with a part that is not understood")
    return read_statement(body, strict=False)
