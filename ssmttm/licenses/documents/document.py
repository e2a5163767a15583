"""What a document says about the license of the music beside it: a license file, a readme, a package's free text.

A document may speak of many things. A license that it names counts only where it is said of the music, or of
the work or package as a whole with nothing set apart that could be the music. What is said of the code or the
graphics is no evidence, and what isn't understood to be about anything is none either.
"""

import re
from functools import lru_cache

from ssmttm.licenses.documents.clauses import NONE, Said, all_said, speaks_of
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
    said = all_said([p for p in document.passages if not _DEBIAN.search(p.text)])
    if document.legal and not any(s.text for s in said):
        if against := next((s for s in said if s.against and s.subject != OTHER), None):
            return Reading(
                None, f'"{against.against}" is said of {against.named or "the work"} beside a license\'s text'
            )
        scope = speaks_of(document.legal.scope) if document.legal.scope else None
        about = ([scope] if scope else []) + [(s.subject, s.named) for s in said if s.subject != NONE]
        if about and all(subject in (OTHER, UNKNOWN) for subject, _ in about):
            return Reading(None, f'holds a license\'s text, and speaks of "{about[0][1]}"', silent=True)
        return read_statement(document.legal.text, strict=False)
    return _judged(said)


def _judged(said: list[Said]) -> Reading:
    music = [s for s in said if s.subject in (MUSIC, SOUND)]
    grants = [s for s in music if s.subject == MUSIC and s.text]
    against = next((s for s in music if s.against), None)
    if against:
        return Reading(None, f'"{against.against}" is said of {against.named or "the music"}', denied=True)
    others = [s for s in said if s.subject in (OTHER, UNKNOWN) and s.text]
    if not grants:
        general = [s for s in said if s.subject in (WORK, PACKAGE, NONE)]
        grants = [s for s in general if s.text]
        if not grants:
            return _nothing(said, others)
        if against := next((s for s in general if s.against), None):
            return Reading(None, f'"{against.against}" is said of {against.named or "the work"}')
        if apart := next((s for s in said if s.subject == UNKNOWN and s.against), None):
            return Reading(None, f'"{apart.against}" is said of {apart.named}, which may be the music')
        whole = [s for s in grants if s.subject != NONE]
        if others and not whole:
            return Reading(
                None, f"names a license for {_listed(others)}, and one that isn't said of anything", silent=True
            )
        grants = whole or grants
        if any(s.subject == PACKAGE for s in grants) and (apart := next(iter(music), None)):
            return Reading(None, f"speaks of {apart.named} apart from the license of the whole", silent=True)
        if apart := next((s for s in music if _PROVENANCE.search(s.against or s.named)), None):
            return Reading(None, f"says of {apart.named} where it comes from, apart from the license", silent=True)
    reading = read_statement("\n".join(dict.fromkeys(s.text for s in grants)))
    if reading.license is None:
        return reading
    of = "the music" if grants[0].subject == MUSIC else "the whole"
    return reading._replace(note=f"{reading.note}, said of {grants[0].named or of}")


def _nothing(said: list[Said], others: list[Said]) -> Reading:
    if others:
        return Reading(None, f"speaks of {_listed(others)}, not of the music", silent=True)
    if against := next((s for s in said if s.against and s.subject != OTHER), None):
        return Reading(None, f'"{against.against}" is said of {against.named or "the work"}, and no license is named')
    return Reading(None, "names no license", silent=True)


def _listed(said: list[Said]) -> str:
    return " and ".join(dict.fromkeys(f'"{s.named}"' for s in said[:3]))


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
