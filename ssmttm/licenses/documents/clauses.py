"""What the clauses of a document speak of, the license that each names, and what it holds back.

"The code and the fonts are under CC0 1.0, the music is not" has two clauses with two subjects. A clause
without a subject of its own ("Licensed under CC BY 4.0") goes with what was spoken of before it in its paragraph,
else with the heading that it stands under.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ssmttm.licenses.documents.passages import Passage, labeled
from ssmttm.licenses.documents.restraints import exception, reserves, restraint
from ssmttm.licenses.known.names import find_mentions
from ssmttm.licenses.known.spdx_list import ALL_RIGHTS_RESERVED
from ssmttm.licenses.skeleton import skeleton
from ssmttm.licenses.subjects import (
    MUSIC,
    OTHER,
    PACKAGE,
    SOUND,
    UNKNOWN,
    WORK,
    Phrase,
    is_file_name,
    mentioned,
    normal,
    phrases,
    subject_of_word,
)
from ssmttm.licenses.vocabulary import fold, words_of
from ssmttm.licenses.words import DENIES_BEFORE

NONE = "none"
"""Said of nothing by name: "Licensed under CC BY 4.0"."""

_BEGINS = re.compile(
    r"(?:\b(?:is|are|was|were|has been|have been|ist|sind|wird|werden|wurde|wurden|steht|stehen|unterliegt|est|sont|es"
    r"|son|sono|sao|sa|jest|sind|zijn|является|являются|распространяется|распространяются"
    r"|e(?= (?:rilasciat|distribuit|licenziat)\w*))\b"
    r"|\b(?:may|can) be\b|\bmit(?= *(?:license|[(,.;]|$))|\b(?:bsd|apache|expat|zlib|isc|wtfpl|ofl)\b"
    r"|\b(?:under|unter|sous|bajo|sotto|sob|onder|na licencji|под|на условиях|licen[sc]ed|released|available"
    r"|in the public domain|into the public domain|as public domain|to the public domain)\b"
    r"|\b(?:cc0|cc\b|creative commons|creativecommons|gpl|gnu|public domain|gemeinfrei|domaine public|dominio publico"
    r"|licen[sc]e|lizenz|licencia|licenza|licenca|licence|https?:)"
    r"|[:(–—]| - )"
)
"""Where a passage stops saying of what it speaks, and goes on to say what is true of it."""

_BE = re.compile(r"(?:is|are|was|were|has been|have been)\b")
_CREDIT = re.compile(
    r"(?:\(c\)|©|℗|\bcopyright\b|\bcopyleft\b|\b(?:composed|written|created|made|produced|performed|recorded"
    r"|arranged) by\b|\bby\b|\bvon\b|\bpar\b|\bpor\b|\bautor\w*\b|\bauthors?\b|\bartist\w*\b).*"
)
_FURTHER = re.compile(
    r"^\W*(?:it|they|these|this|that|he|she|es|sie|dieses?|il|elle|ils|elles|ello|ellos|esto|essi|esso|ele|eles|оно"
    r"|они)\b(?!\s+\w+\s+(?:is|are)\b)"
)
_POINTER = re.compile(
    r"\W*(?:to (?:view|see|read|obtain|get)|see|visit|read|view|verify|for (?:more|further|details|the full|full"
    r"|a copy)|a copy|the (?:full|complete|entire) (?:text|license|terms)|full (?:text|license|terms)"
    r"|you should have received|details)\b"
)
"""It shows where the license is found that was named before."""

_ALTERNATIVELY = re.compile(r"\W*(?:or )?alternatively\b", re.IGNORECASE)
_SOFTWARE = re.compile(r"\b(?:MIT|Expat|BSD|Apache|ISC|zlib|OFL|WTFPL)\b")
_LABELS = re.compile(
    r"\b(?:for|applies to|apply to|covers?|covering|on|fur|gilt fur|pour|para|per|dla|voor|для)\b([^.;:()]{2,60})$"
    r"|\(([^()]{2,60})\)|: ([^.;:()]{2,60})$"
)
_NOTICE = re.compile(
    r"^(?:is|are)\s+(?:\(c\)|©|copyright(?:ed)?)[^;.:]*?(?:,|\band\b)\s+(?=(?:(?:is|are)\s+)?(?:licen[sc]ed|released|distributed"
    r"|available|published))",
    re.IGNORECASE,
)
"""A copyright notice between the subject and its license: "is copyright 2015 by Ada and licensed under …"."""

_TITLE = re.compile(
    r"""^\s*(?:alternatively,? |the |[Tt]he album |also,? )*["'“„«](?P<title>[^"'”“»]{1,80})["'”“»]""", re.IGNORECASE
)
_CLAUSE = re.compile(
    r"(\s*[,;/|•]\s+|\s+/\s*|\s+(?:and|but|while|whereas|und|aber|et|mais|y|pero|ma|mas|en|maar|a|i|и|а)\s+)",
    re.IGNORECASE,
)
_DENIES_BEHIND = re.compile(r"\b(?:no|not|only|some|that|which|who|nur|solo|seulement)\b")
_DENYING = DENIES_BEFORE - words_of(
    [
        "used use uses using contains containing contain contained includes including include",
        "from was were text other otherwise else but",
    ]
)


class Clause(NamedTuple):
    """One clause: of what it speaks, the text that a reader of statements understands, what holds it back."""

    subject: str
    named: str  # the words for the subject
    text: str  # "" if it names no license
    against: str | None


def read_clauses(passages: Iterable[Passage]) -> list[Clause]:
    """Every clause in order; one that speaks of nothing by name goes with what its paragraph spoke of last."""
    clauses: list[Clause] = []
    last: tuple[str, str] | None = None
    paragraph = 0
    for passage in passages:
        if passage.paragraph != paragraph:
            paragraph, last = passage.paragraph, None
        scope = speaks_of(passage.scope)
        for text in _split(passage.text):
            label, rest = labeled(text)
            clause = _read_clause(rest, speaks_of(label) if label else None)
            if clause.subject == NONE and (inherited := last or scope):
                clause = clause._replace(subject=inherited[0], named=inherited[1])
            elif clause.subject in (WORK, PACKAGE) and scope and _FURTHER.match(normal(text)):
                clause = clause._replace(subject=scope[0], named=scope[1])
            if clause.subject != NONE:
                last = clause.subject, clause.named
            clauses.append(clause)
    return clauses


def speaks_of(title: str | None) -> tuple[str, str] | None:
    """The subject of a heading or label, with its words; None if it names nothing.

    An unknown one counts: what stands below it isn't said of the music then.
    """
    if title is None:
        return None
    if parts := exception(normal(title)):
        before, after = parts
        if not _harmless_exception(after):
            return UNKNOWN, title
        title = before or title
    named = phrases(normal(re.sub(r"\(.*?\)", " ", title)))
    return (_together(named), " ".join(title.split())) if named else None


def _harmless_exception(words: str) -> bool:
    """Whether only what isn't music is excepted, or files by their names: those have been looked at before."""
    excepted = phrases(_portion(words)[0])
    return bool(excepted) and all(p.subject == OTHER or is_file_name(p.words) for p in excepted)


def _together(named: Iterable[Phrase]) -> str:
    """Of phrases joined by "and": what is said of one of them is said of all."""
    return _strongest({phrase.subject for phrase in named})


def _strongest(subjects: set[str]) -> str:
    return next((s for s in (MUSIC, WORK, PACKAGE, SOUND, UNKNOWN, OTHER) if s in subjects), NONE)


def _split(text: str) -> list[str]:
    """A sentence split where it says one thing of one subject and goes on to another."""
    parts = _CLAUSE.split(text)
    if len(parts) == 1:
        return [text]
    clauses = [parts[0]]
    for separator, part in zip(parts[1::2], parts[2::2]):
        if _complete(clauses[-1]) and _complete(part):
            clauses.append(part)
        else:
            clauses[-1] += separator + part
    return clauses


def _complete(text: str) -> bool:
    """Whether a clause has a subject, and says something of it."""
    words = normal(text)
    if not (any(p.subject != UNKNOWN for p in phrases(_portion(words)[0])) or mentioned(words) - {WORK, UNKNOWN}):
        return False
    return _licenses(text) or _SOFTWARE.search(text) is not None or bool(restraint(words) or exception(words))


def _licenses(text: str) -> bool:
    """Whether a text names a license."""
    return any(m.license != ALL_RIGHTS_RESERVED for m in find_mentions(skeleton(text)))


def _portion(words: str) -> tuple[str, str]:
    """A normal clause in two: what it speaks of, and what it says of that."""
    match = _BEGINS.search(words)
    return (words[: match.start()], words[match.start() :]) if match else (words, "")


def _read_clause(text: str, label: tuple[str, str] | None) -> Clause:
    words = normal(text)
    licenses = _licenses(text)
    against = restraint(words)
    if parts := exception(words):
        before, after = parts
        if licenses and _harmless_exception(after) and not _licenses(after):
            against = restraint(before)
            text = _before(text, after) or before
            words = normal(text)
        elif label is None or label[0] != OTHER:
            against = "except"
    if not licenses and reserves(words) and _copyright_only(words):
        against = None  # "Copyright 2010, all rights reserved" above a license is a habit
        if label is None and not mentioned(words) & {MUSIC, SOUND, WORK, PACKAGE}:
            return Clause(NONE, "", text, None)
    if label is not None:
        return Clause(*label, f"License: {text}" if licenses else "", against)
    if not _TITLE.match(text) and _POINTER.match(words):
        return Clause(NONE, "", text if licenses else "", against)
    subject, named = _subject(text, words)
    if not licenses:
        return _without_license(subject, named, words, against)
    portion, rest = _portion(words)
    if subject == NONE and _FURTHER.match(words):
        return Clause(NONE, "", _statement(text), against)
    if behind := _behind(rest.rstrip(" .")):
        if subject == NONE:
            subject, named = behind
            text = _without_labels(text)
        elif behind[0] != subject and behind[0] in (MUSIC, OTHER, UNKNOWN):
            against = against or f"… {behind[1]}"
        if denial := _DENIES_BEHIND.search(behind[1]):
            against = against or denial[0]
    if subject in (MUSIC, WORK, PACKAGE):
        denials = (w for w in re.findall(r"[\w']+", portion) if w in _DENYING and subject_of_word(w) is None)
        against = against or next(denials, None)
        text = _statement(text) if portion.strip() else text
    return Clause(subject, named[:60], text, against)


def _subject(text: str, words: str) -> tuple[str, str]:
    """The subject of a clause by the words before its verb, and those words."""
    portion, rest = _portion(words)
    if title := _TITLE.match(text):
        return (MUSIC if MUSIC in mentioned(normal(title["title"])) else WORK), title["title"]
    subject = _together(phrases(_CREDIT.sub(" ", portion)))
    if subject == UNKNOWN and _is_title(text, portion, rest):
        subject = WORK
    return subject, " ".join(portion.split()) or subject


def _without_license(subject: str, named: str, words: str, against: str | None) -> Clause:
    """A clause that names no license: whatever it mentions may be what it holds back."""
    everything = mentioned(words)
    if subject in (NONE, UNKNOWN) and everything & {MUSIC, SOUND}:
        named = named if subject != NONE else " ".join(words.split()[:8])
        subject = MUSIC if MUSIC in everything else SOUND
    elif subject in (NONE, UNKNOWN) and everything:
        subject = _strongest(everything)
    if subject == UNKNOWN and not against:
        subject = NONE
    return Clause(subject, named[:60], "", against)


def _before(text: str, after: str) -> str:
    """A clause up to the word of exception that stands before the words `after`; empty where those aren't found."""
    cut = text.lower().find(after.strip()[:12])
    return re.sub(r"\W*\w+\W*$", "", text[:cut]) if cut > 0 else ""


def _copyright_only(words: str) -> bool:
    return re.search(r"\(c\)|©|copyright|\b(?:19|20)\d\d\b", words) is not None


def _is_title(text: str, portion: str, rest: str) -> bool:
    """ "Night Drive by Ada Tune is licensed under …": capitals, a maker, and one thing."""
    begin = text[: len(portion)]
    return re.match(r"^(?:[A-Z0-9][\w'’&-]*\s+){1,8}by\s+[A-Z]", begin) is not None and rest.startswith(("is ", "("))


def _behind(rest: str) -> tuple[str, str] | None:
    """A subject named behind the license: "CC BY 4.0 for the music", "CC0 (code)"."""
    for match in _LABELS.finditer(rest):
        inside = next(filter(None, match.groups())).strip(" .,")
        if known := [p for p in phrases(inside) if p.subject != UNKNOWN]:
            return _together(known), inside
    return None


def _without_labels(text: str) -> str:
    return _LABELS.sub(lambda m: m[0] if _licenses(m[0]) else " ", text.rstrip(" ."))


def _statement(text: str) -> str:
    """The clause with "This music" for the words of its subject, so that a reader of statements knows it."""
    match = _BEGINS.search(_aligned(text))
    rest = _NOTICE.sub("", text[match.start() :]) if match else text
    if match and _ALTERNATIVELY.match(text) and (under := re.search(r"\bunder\b", rest)):
        return f"Alternatively, it may be used {rest[under.start() :]}"
    if match and _BE.match(normal(rest)):
        return f"This music {rest}"
    if rest[:1] in ":(–—-" or rest.startswith(" - "):
        return f"License: {rest.strip(':(–—- ').rstrip(')')}" if rest[:1] == "(" else f"License: {rest.strip(':–—- ')}"
    return (
        f"This music is licensed {rest}"
        if re.match(r"\w", rest) and not _licenses(rest.split()[0])
        else f"License: {rest}"
    )


def _aligned(text: str) -> str:
    """The text folded, if its letters keep their places, so that a position in one is one in the other."""
    return folded if len(folded := fold(text)) == len(text) else text.lower()
