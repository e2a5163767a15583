"""The vocabulary of license statements, in many languages, reduced to a few canonical words.

`cc` Creative Commons · `attr` the word Attribution · `by nc nd sa` the elements as letters ·
`alike` the word ShareAlike · `pd` public domain · `license` · `unported` also generic,
international, universal · two capital letters a jurisdiction. `nc` and `nd` stand for their long
forms as well, which nothing else means.
"""

import re
import unicodedata
from functools import cache
from itertools import product

from ssmttm.licenses.elements import ELEMENT_WORDS
from ssmttm.licenses.known.creative_commons import JURISDICTIONS
from ssmttm.licenses.vocabulary import fold, latin, phrases_of, read_rows

_TABLE = read_rows(__file__)


def _listed(kind: str, name: str) -> frozenset[str]:
    return frozenset(phrases_of(entry for k, n, entry in _TABLE if (k, n) == (kind, name)))


def phrases(*kinds: str) -> list[tuple[str, str]]:
    """Every canonical word with a phrase for it: kinds `license`, `grammar`, `place`, `glued`."""
    return [(name, phrase) for kind, name, entry in _TABLE if kind in kinds for phrase in entry.split("|")]


DENIES_BEFORE = _listed("denial", "before")
"""Before a license's name, in its sentence: not granted, no more, not surely, not exactly, or for something else."""

DENIES_BEHIND = (DENIES_BEFORE - _listed("denial", "not behind")) | _listed("denial", "behind")
DENIES_IN_DOCUMENTS = _listed("denial", "in documents")
COMPOSITION = _listed("word", "composition")
FORBIDDING = _listed("restriction", "forbids")
RESTRICTING = FORBIDDING | _listed("restriction", "beside")
"""Each restriction has one of these words."""

PLAIN = _listed("word", "plain") | DENIES_BEFORE | DENIES_BEHIND | DENIES_IN_DOCUMENTS
"""Words that matter for whether a statement grants a license. All others, such as names, become `x`."""


def _tokens(phrase: str) -> list[str]:
    return fold(phrase).replace("-", " ").split()


@cache
def single_words() -> dict[str, str]:
    """Folded word -> canonical word (or several, separated by spaces)."""
    pairs = [(canonical, _tokens(phrase)) for canonical, phrase in phrases("license", "grammar", "place", "glued")]
    known = {word: word for word in PLAIN}
    known |= {token: token for _, tokens in pairs if len(tokens) > 1 for token in tokens}
    known |= {tokens[0]: canonical for canonical, tokens in pairs if len(tokens) == 1}
    return {code: code for code in JURISDICTIONS} | known


@cache
def _phrase_pattern() -> tuple[re.Pattern[str], dict[str, str]]:
    words = single_words()
    canonical_of: dict[str, str] = {}
    for canonical, phrase in phrases("license", "grammar", "place"):
        if len(tokens := _tokens(phrase)) > 1:
            canonical_of[" ".join(words[token] for token in tokens)] = canonical
    ordered = sorted(canonical_of, key=len, reverse=True)
    options = "|".join(re.escape(p).replace("\\ ", r"(?: --?)? ") for p in ordered)
    return re.compile(rf"(?<= )(?:{options})(?= )"), canonical_of


def join_phrases(skeleton: str) -> str:
    """Canonical words for phrases of several words: ` no - derivative works ` -> ` nd `."""
    pattern, canonical_of = _phrase_pattern()
    return pattern.sub(lambda match: canonical_of[match[0].replace(" --", "").replace(" -", "")], skeleton)


@cache
def significant_words() -> frozenset[str]:
    """Words of which every name of a license has one, and those that count wherever they stand."""
    words, common = single_words(), _listed("word", "common")
    significant = {*ELEMENT_WORDS, *COMPOSITION}
    for canonical, phrase in phrases("license"):
        significant |= {canonical, *({words[token] for token in _tokens(phrase)} - common)}
    for canonical, _ in phrases("glued"):
        significant |= {part for part in canonical.split() if part.isalpha()}
    others = {"cc", "nc", "nd", "gpl", "lgpl", "agpl", "pd", "oga", "bsd", "beerware", "c", "copyright"}
    return frozenset(significant | others) - {"by"}


def words_of_phrases() -> frozenset[str]:
    """Every word of a phrase, in plain Latin, and what words written as one consist of."""
    given = {word for _, phrase in phrases("license", "grammar", "place", "glued") for word in latin(phrase).split()}
    return frozenset(given | {part for canonical, _ in phrases("glued") for part in re.findall("[a-z]+", canonical)})


@cache
def spaceless_phrases() -> list[tuple[str, str]]:
    """Phrases of scripts without spaces, in compatibility form, with words in English; longest first.

    `{a|b}{c|d}` in the table stands for every combination; single characters say too little.
    """
    english: dict[str, str] = {}
    for kind, words, entry in _TABLE:
        if kind == "spaceless":
            parts = [part.split("|") for part in (re.findall(r"{(.*?)}", entry) or [entry])]
            english |= {phrase: words for phrase in map("".join, product(*parts)) if len(phrase) > 1}
    forms = ((unicodedata.normalize("NFKC", phrase), f" {words} ") for phrase, words in english.items())
    return sorted(forms, key=lambda form: -len(form[0]))
