"""The vocabulary of license statements, in many languages, reduced to a few canonical words.

`cc` Creative Commons · `attr` the word Attribution · `by nc nd sa` the elements as letters ·
`alike` the word ShareAlike · `pd` public domain · `license` · `unported` also generic,
international, universal · two capital letters a jurisdiction. `nc` and `nd` stand for their long
forms as well, which nothing else means.
"""

import re
import unicodedata
from functools import cache

from ssmttm.licenses.known.creative_commons import JURISDICTIONS
from ssmttm.licenses.reading.denials import (
    COMPOSITION,
    DENIES_AFTER,
    DENIES_BEFORE,
    DENIES_IN_DOCUMENTS,
    LOOSE_ELEMENTS,
)
from ssmttm.licenses.reading.east_asian import RUN_TOGETHER
from ssmttm.licenses.reading.phrases import GLUED, GRAMMAR, JURISDICTION_NAMES, LICENSES, SOFTWARE

_PHRASES = {**LICENSES, **SOFTWARE, **GRAMMAR, **JURISDICTION_NAMES}
_PLAIN = """
    a above academic additional affect affero affiliated agpl ai aka album allowed also alter alternatively an and
    any applicable applies apply appropriate archive are arrangement artist artists as at attr author available b
    back banned be been beerware beyond both bsd buy by c can cc certified changes charity choice clause clauses
    commercial commercially composed composer composition compositions conditions contact content contributed
    copied copies copy copyright countries country courtesy covered created creator credit credits dedicated
    dedication demo derivative detail details disallowed disc disclaimers discretion discs disk disks distribute
    distributed do does domain donated dual due e edit edition editorial educational eff ei either embargo
    evaluation even everybody everyone extent extra feat few file files firm first following forbids found free
    freely full further general give given gnu gpl grant granted gutenberg has have her here higher his holder
    home identifier imply included ineligible information into is issued it item its kept known law legally lesser
    lgpl library license licensed limitation limitations link listed long longer made mark marked mean melody
    migrated modify more multi music must my name names nc nd necessary need needed needs newer nonprofit note
    notes nrr o obtain of offered oga ok okay on one open option or our own paid patreon patrons pay pd
    performance performances performed permission permissions permitted personal placed please plus possible prior
    private produced prohibits promotional proper provide provided public published purchase purpose purposes put
    read recorded recording recordings redistribution release released remember remix require required requires
    reserved reuse rights rule rules sa sale sales sampling schools scope see self sell send shall share shared
    sharing so sold song songs sound sounds soundtrack source special statement status students subscribers
    subscription such supporters tagged terms that the these they this through to track tracks trad traditional
    training translation trial triple tune type un under underlying up uploaded usage use user usgov usual v valid
    ver version versions via view visit waived warranties warranty web work works worldwide write written y you
    your zero
"""
PLAIN = frozenset(_PLAIN.split()) | DENIES_BEFORE | DENIES_AFTER | DENIES_IN_DOCUMENTS
"""Words that tell whether a statement grants a license. All others, such as names, become `x`."""


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


def _tokens(phrase: str) -> list[str]:
    return fold(phrase).replace("-", " ").split()


@cache
def single_words() -> dict[str, str]:
    """Folded word -> canonical word (or several, separated by spaces)."""
    found = {word: word for word in PLAIN}
    for phrases in _PHRASES.values():
        for phrase in phrases.split("|"):
            if len(tokens := _tokens(phrase)) > 1:
                found |= {t: t for t in tokens if t not in found}
    for canonical, phrases in _PHRASES.items():
        found |= {t[0]: canonical for p in phrases.split("|") if len(t := _tokens(p)) == 1}
    found |= {code: code for code in JURISDICTIONS if code not in found}
    return found | GLUED


@cache
def _phrase_pattern() -> tuple[re.Pattern[str], dict[str, str]]:
    words = single_words()
    canonical_of: dict[str, str] = {}
    for canonical, phrases in _PHRASES.items():
        for phrase in phrases.split("|"):
            tokens = _tokens(phrase)
            if len(tokens) > 1:
                canonical_of[" ".join(words[t] for t in tokens)] = canonical
    ordered = sorted(canonical_of, key=len, reverse=True)
    options = "|".join(re.escape(p).replace("\\ ", r"(?: --?)? ") for p in ordered)
    return re.compile(rf"(?<= )(?:{options})(?= )"), canonical_of


def join_phrases(skeleton: str) -> str:
    """Canonical words for phrases of several words: ` no - derivative works ` -> ` nd `."""
    pattern, canonical_of = _phrase_pattern()

    def canonical(match: re.Match[str]) -> str:
        return canonical_of[match[0].replace(" --", "").replace(" -", "")]

    return pattern.sub(canonical, skeleton)


_COMMON = """
    a all and by de do for free from in is it la le no not of on open or some that the this to under want what
    with you un share like use work works uso ist est es esta e di nel jest w en el em au dans al ao du tot het ar
    er der den в находится behoort appartient nalezy
"""


@cache
def telling_words() -> frozenset[str]:
    """Words of which every name of a license has one, and those that count wherever they stand."""
    words, found = single_words(), {*LOOSE_ELEMENTS, *COMPOSITION}
    for canonical, phrases in {**LICENSES, **SOFTWARE}.items():
        found.add(canonical)
        for phrase in phrases.split("|"):
            found |= {words[token] for token in _tokens(phrase)} - set(_COMMON.split())
    glued = {part for words in GLUED.values() for part in words.split() if part.isalpha()}
    return frozenset(
        found | glued | {"cc", "nc", "nd", "gpl", "lgpl", "agpl", "pd", "oga", "bsd", "beerware", "c", "copyright"}
    ) - {"by"}


@cache
def run_together() -> list[tuple[str, str]]:
    """Phrases of scripts without spaces, in compatibility form, with words in English; longest first."""
    return sorted(
        ((unicodedata.normalize("NFKC", k), f" {v} ") for k, v in RUN_TOGETHER.items()), key=lambda p: -len(p[0])
    )
