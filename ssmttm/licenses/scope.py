"""Whether a statement's license is for the whole track, now, free, and not subject to somebody else's rights.

A statement can name a license properly and yet not license the track: because it says that others hold
rights ("contains samples from …"), that the license is for the artwork or the stems, that it is not
decided, not for free or not in force yet, or because it says more than is understood. Titles and
credits are no statement: what stands in quotation marks or behind "Title:" may have any words. The table beside
this module has the turns of phrase, and the words that a plain statement may have.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ssmttm.licenses.known.names import find_mentions
from ssmttm.licenses.skeleton import plain, skeleton
from ssmttm.licenses.subjects import OTHER_NOUNS
from ssmttm.licenses.vocabulary import Remembered, has_spaceless_script, latin, phrases_of, read_groups, words_of
from ssmttm.licenses.words import words_of_phrases


class Limit(NamedTuple):
    """Why a statement licenses the track not at all or not as a whole. `reason` is a key of `tables.REASONS`."""

    reason: str
    why: str


def _limit(kind: str, words: str) -> Limit:
    """The limit that a kind of phrase in the table sets, with the words that were met."""
    if kind == "others":
        return Limit("third_party_rights", f'"{words}": others may hold rights in it')
    if kind == "elsewhere":
        return Limit("license_of_another_subject", f'"{words}": the track itself is under something else')
    if kind == "another subject":
        return Limit("license_of_another_subject", f'"{words}": the license may be for something else than the track')
    return Limit("license_not_final", f'"{words}": it {kind}')


_TABLE = read_groups(__file__)
_YEAR = r"(?:\w+\.? ){0,3}?(?:\d{1,2}[./-]){0,2}(?:19|20)\d\d"
CONDITIONS = (
    "is not decided",
    "speaks of a preview",
    "asks for money",
    "starts or ends on some day",
    "is bound to a condition",
)
PATTERNS = {
    kind: [pattern.replace("YEAR", _YEAR) for pattern in _TABLE[kind]]
    for kind in ("others", "harmless", *CONDITIONS, "elsewhere")
}
"""Kind of phrase -> regular expressions."""

SPACELESS = {kind: phrases_of(_TABLE[f"{kind}, spaceless"]) for kind in ("others", *CONDITIONS, "another subject")}
"""The same in scripts without spaces: words that say it wherever they stand."""

_KNOWN = words_of(_TABLE["known"]) | words_of_phrases()


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'-])(?:{'|'.join(patterns)})(?![\w-])")


_PATTERNS = {kind: _any_of(patterns) for kind, patterns in PATTERNS.items()}

_FIELDS = """
    title name titles track tracks song songs artist artists album titel titre titolo titulo título interpret
    artiste artista author composer uploader user genre isrc
    曲名 タイトル アーティスト 제목 아티스트 标题 艺术家
"""
_FIELD_NAMES = frozenset(_FIELDS.split())
_VALUE = re.compile(
    r" ?(?!cc\b|creative|public|attrib|https?:)[^\n|;,]*?"
    r"(?= [-/]|[\n|;,]|\. |\.?$| \(|\W+licen[sc]e|\W+cc[ -]|\W+creative)",
    re.IGNORECASE,
)
_SEPARATED_VALUE = re.compile(r" ?[^\n|;,]*?(?= /|[\n|;])")
_QUOTED = re.compile(r'"[^"\n]{1,150}"')
_LEGAL = re.compile(r"\bcc\b|licen|creative|public domain|attribution", re.IGNORECASE)
_ELIDED = re.compile(r"\b(d|l|n|qu|s|un|dell|dall|nell|sull|all)'(?=\w)")
_ADDRESS = re.compile(r"\S*(?:https?:|www\.|@|\w/\w)\S*")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def without_fields(text: str, value: re.Pattern[str] = _SEPARATED_VALUE) -> str:
    """A text in which the values of title fields that end with a separator are only `X`."""
    kept, start, colon = "", 0, text.find(":")
    while colon >= 0:
        name = text[max(colon - 20, start) : colon].rstrip().rpartition(" ")[2].lower()
        if name.lstrip("(-[") in _FIELD_NAMES and (match := value.match(text, colon + 1)):
            kept += f"{text[start:colon]}: X"
            start = match.end()
        colon = text.find(":", max(colon + 1, start))
    return kept + text[start:]


def _without_titles(text: str) -> str:
    """A readable text (see `skeleton.plain`) in which titles in quotation marks and title fields are only `X`."""
    if text.count('"') > 1:
        stripped = text.strip()
        if not (stripped[0] == stripped[-1] == '"' and stripped.count('"') == 2):
            text = _QUOTED.sub(lambda quoted: quoted[0] if _LEGAL.search(quoted[0]) else '"X"', text)
    return without_fields(text, _VALUE)


def _pieces() -> frozenset[str]:
    patterns = "\n".join(pattern for group in PATTERNS.values() for pattern in group)
    bare = re.sub(r"\\[a-zA-Z]|\(\?<?[:=!]", " ", patterns)
    bare += "\n" + bare.replace(" ?", "")  # "re ?work" is "rework" too
    return frozenset(_WORD.findall(bare)) | {word[:-1] for word in re.findall(r"[^\W\d_]{2,}(?=\?)", bare)}


_PIECES = _pieces()
_LONGEST_PIECE = max(map(len, _PIECES))


def _is_significant(word: str) -> bool:
    """Whether a pattern may need this folded word; a name is only `x`."""
    return word in _PIECES or any(word[:n] in _PIECES for n in range(3, min(len(word), _LONGEST_PIECE) + 1))


class _Run(NamedTuple):
    """What stands between two spaces."""

    reduced: str  # folded, with the words that no pattern needs as `x`
    noun: bool  # whether it has the word for a thing other than a track
    unknown: int  # words in small letters that are not known
    capitals: bool


def _read_run(run: str) -> _Run:
    if _ADDRESS.fullmatch(run):
        return _Run("<url>", False, 0, False)
    folded = _ELIDED.sub(r"\1' ", latin(run))
    reduced = _WORD.sub(lambda word: word[0] if _is_significant(word[0]) else "x", folded)
    noun = not OTHER_NOUNS.isdisjoint(_WORD.findall(folded))
    return _Run(reduced, noun, len(_unknown_words(run)), run.isupper())


_runs = Remembered(_read_run)
_NAMES = re.compile(r"\bx(?:[ ,&-]+x\b)+")
_SHOUTED = 4
_LONGEST = 2000
"""Characters of a statement; longer texts are documents, in which a name's place decides nothing."""


def limits(text: str) -> Limit | None:
    """Why the license that a statement (raw text) names is not the track's, or not wholly; None if nothing says so."""
    if len(text) > _LONGEST:
        return Limit("license_unknown", f"it stands in a text of {len(text):,} characters, too long for a statement")
    readable = _without_titles(plain(text)).replace("\n", " \n . ")
    runs = [_runs[run] for run in readable.split()]
    if limit := _limit_of_phrases(_NAMES.sub("x", " ".join([run.reduced for run in runs]))):
        return limit
    if has_spaceless_script(readable):
        for kind, phrases in SPACELESS.items():
            if phrase := next((p for p in phrases if p in readable), None):
                return _limit(kind, phrase)
    if any(run.noun for run in runs) and (noun := _other_subject(readable)):
        return _limit("another subject", noun)
    shouted = sum(run.capitals for run in runs) >= _SHOUTED
    if (shouted or sum(run.unknown for run in runs) >= _MANY) and (words := _not_understood(readable)):
        return Limit("license_unknown", f"it says more that is not understood ({words})")
    return None


@lru_cache(maxsize=16_384)
def _limit_of_phrases(reduced: str) -> Limit | None:
    for kind, pattern in _PATTERNS.items():
        if kind == "harmless":
            reduced = pattern.sub(" ", reduced)
        elif match := pattern.search(reduced):
            return _limit(kind, match[0].strip())
    return None


_CLAUSE = re.compile(r"(?<=[.!?;|])\s+|\n| -- ")
_MUSIC = (
    r"(?:music|songs?|tracks?|audio|sounds?|soundtracks?|theme|recordings?|tune|album"
    r"|musik|musique|musica|muziek|muzyka)"
)
_OF_MUSIC = re.compile(rf"\b{_MUSIC}\b[^,;:]* (?:for|from|in|of|fur|aus|pour|de|para|per|voor|do)(?: \w+){{0,2}} $")
_ABOUT_LICENSE = re.compile(r"(?:licen[sc]e|lizenz|legal|licencia|free) $")
_ABOUT_MUSIC = re.compile(rf" (?:game )?{_MUSIC}\b| licen[sc]e| libre| foundation")
_MADE_BY = re.compile(
    r"(?: art| work| design| photo| image)?(?: is| was)?(?: (?:made|done|created|drawn|taken|designed|painted))?"
    r" ?(?:by|von|par|por|di|de|door|:) "
)
_BEFORE_A_NOUN = re.compile(
    r"(?:the|this|der|die|das|dies\w*|le|la|les|ce|cette|el|los|las|esta|este|il|lo|questa|questo|o|a|os|as|de|het|dit"
    r"|deze|ta|ten|to|e|and|und|:|\() $"
)


def _other_subject(readable: str) -> str | None:
    """The word for a thing other than the track in the license's own clause; None without one."""
    for clause in _CLAUSE.split(readable):
        for noun in (match for match in _WORD.finditer(clause) if latin(match[0]) in OTHER_NOUNS):
            before, after = latin(clause[: noun.start()]), latin(clause[noun.end() :])
            titled = noun[0][0].isupper() and re.search(r"[^\W_] $", before) and not _BEFORE_A_NOUN.search(before)
            if titled or _ABOUT_LICENSE.search(before) or _ABOUT_MUSIC.match(after):
                continue
            if not find_mentions(skeleton(clause)):
                break
            licensed_after = bool(find_mentions(skeleton(clause[noun.end() :])))
            if _OF_MUSIC.search(before) and licensed_after:
                continue
            if _MADE_BY.match(after) and not licensed_after:
                continue
            return noun[0]
    return None


_MANY = 2
"""So many unknown words are prose: one may be a name in small letters."""

_LONG = 4
"""A longer run without spaces, in a script that has none, is more than one word."""

_HYPHENATED = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
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


def _is_unknown(word: str) -> bool:
    parts = latin(word)
    return parts not in _KNOWN and not all(part in _KNOWN for part in re.split(r"['-]", parts))


_unknown = Remembered(_is_unknown)


def _not_understood(readable: str) -> str | None:
    """The unknown words of the first clause that is prose, in any language; None without one."""
    for clause in _CLAUSE.split(readable):
        if len(_unknown_words(clause)) >= _MANY:
            for credit in _CREDITS:
                clause = credit.sub(" ", clause, count=1)
            if len(unknown := _unknown_words(clause)) >= _MANY:
                return ", ".join(unknown[:5])
    return None


def _unknown_words(clause: str) -> list[str]:
    """The words in small letters (names have capitals) or shouted ones that are not known.

    A long one of a script that has no capitals counts twice.
    """
    words = _HYPHENATED.findall(_NO_WORDS.sub(" ", clause))
    shouted = len(words) > 3 and sum(w.isupper() for w in words) > 0.7 * len(words)
    unknown = []
    for word in words:
        first = word[0]
        if first.isupper() and not (shouted and word.isupper()):
            continue
        if _unknown[word.lower() if shouted else word]:
            caseless = first.lower() == first.upper()
            unknown += [word] * (2 if caseless and len(word) > _LONG else 1)
    return unknown
