"""Whether a statement's license is for the whole track, now, free, and not subject to somebody else's rights.

A statement can name a license properly and yet not license the track: because it says that others hold
rights ("contains samples from …"), that the license is for the artwork or the stems, that it is not
decided, not for free or not in force yet, or because it says more than is understood. Titles and
credits are no statement: what stands in quotation marks or behind "Title:" may have any words.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ssmttm.licenses.known.names import find_mentions
from ssmttm.licenses.reading.text import plain, skeleton
from ssmttm.licenses.reading.words import latin
from ssmttm.licenses.scope import conditions, subjects, third_parties
from ssmttm.licenses.scope.prose import MANY, not_understood, unknown_words


class Limit(NamedTuple):
    """Why a statement licenses the track not at all or not as a whole. `reason` is a key of `tables.REASONS`."""

    reason: str
    why: str


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
_QUOTED = re.compile(r'"[^"\n]{1,150}"')
_LEGAL = re.compile(r"\bcc\b|licen|creative|public domain|attribution", re.IGNORECASE)
_ELIDED = re.compile(r"\b(d|l|n|qu|s|un|dell|dall|nell|sull|all)'(?=\w)")
_ADDRESS = re.compile(r"\S*(?:https?:|www\.|@|\w/\w)\S*")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def without_titles(text: str) -> str:
    """A readable text (see `text.plain`) in which titles in quotation marks and title fields are only `X`."""
    if text.count('"') > 1:
        stripped = text.strip()
        if not (stripped[0] == stripped[-1] == '"' and stripped.count('"') == 2):
            text = _QUOTED.sub(lambda found: found[0] if _LEGAL.search(found[0]) else '"X"', text)
    return _without_fields(text, _VALUE) if ":" in text else text


def _without_fields(text: str, ends: re.Pattern[str]) -> str:
    kept, start, colon = "", 0, text.find(":")
    while colon >= 0:
        name = text[max(colon - 20, start) : colon].rstrip().rpartition(" ")[2].lower()
        if name.lstrip("(-[") in _FIELD_NAMES and (value := ends.match(text, colon + 1)):
            kept += f"{text[start:colon]}: X"
            start = value.end()
        colon = text.find(":", max(colon + 1, start))
    return kept + text[start:]


_ENDED = re.compile(r" ?[^\n|;,]*?(?= /|[\n|;])")


def without_fields(text: str) -> str:
    """A text in which the values of title fields that end with a separator are only `X`."""
    return _without_fields(text, _ENDED) if ":" in text else text


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'-])(?:{'|'.join(patterns)})(?![\w-])")


_THIRD_PARTIES = _any_of(third_parties.PATTERNS)
_CONDITIONS = {what: _any_of(patterns) for what, patterns in conditions.CONDITIONS.items()}
_HARMLESS = _any_of(conditions.HARMLESS)
_ELSEWHERE = _any_of(subjects.ELSEWHERE)


def _pieces() -> frozenset[str]:
    patterns = [*third_parties.PATTERNS, *conditions.HARMLESS, *subjects.ELSEWHERE]
    patterns += [p for group in conditions.CONDITIONS.values() for p in group]
    bare = re.sub(r"\\[a-zA-Z]|\(\?<?[:=!]", " ", "\n".join(patterns))
    bare += "\n" + bare.replace(" ?", "")  # "re ?work" is "rework" too
    return frozenset(_WORD.findall(bare)) | {word[:-1] for word in re.findall(r"[^\W\d_]{2,}(?=\?)", bare)}


_PIECES = _pieces()
_LONGEST_PIECE = max(map(len, _PIECES))


def _is_telling(word: str) -> bool:
    """Whether a pattern may need this folded word; a name is only `x`."""
    return word in _PIECES or any(word[:n] in _PIECES for n in range(3, min(len(word), _LONGEST_PIECE) + 1))


class _Run(NamedTuple):
    """What stands between two spaces."""

    told: str  # folded, with the words that no pattern needs as `x`
    noun: bool  # whether it has the word for a thing other than a track
    unknown: int  # words in small letters that are not known
    capitals: bool


class _Runs(dict[str, _Run]):
    def __missing__(self, run: str) -> _Run:
        if _ADDRESS.fullmatch(run):
            found = _Run("<url>", False, 0, False)
        else:
            folded = _ELIDED.sub(r"\1' ", latin(run))
            words = _WORD.findall(folded)
            told = _WORD.sub(lambda word: word[0] if _is_telling(word[0]) else "x", folded)
            found = _Run(told, not subjects.NOUNS.isdisjoint(words), len(unknown_words(run)), run.isupper())
        if len(self) < 200_000 and len(run) < 60:
            self[run] = found
        return found


_runs = _Runs()
_UNTOLD = re.compile(r"\bx(?:[ ,&-]+x\b)+")
_SHOUTED = 4
_LONGEST = 2000
"""Characters of a statement; longer texts are documents, in which a name's place decides nothing."""


def limits(text: str) -> Limit | None:
    """Why the license that a statement (raw text) names is not the track's, or not wholly; None if nothing says so."""
    if len(text) > _LONGEST:
        return Limit("license_unknown", f"it stands in a text of {len(text):,} characters, too long for a statement")
    readable = without_titles(plain(text))
    if "\n" in readable:
        readable = readable.replace("\n", " \n . ")
    runs = [_runs[run] for run in readable.split()]
    told = _UNTOLD.sub("x", " ".join([run.told for run in runs]))
    if limit := _limits(told):
        return limit
    if not readable.isascii() and any(c > "\u2fff" for c in readable) and (limit := _run_together(readable)):
        return limit
    if any(run.noun for run in runs) and (noun := _other_subject(readable)):
        return Limit("license_of_another_subject", f'"{noun}": the license may be for something else than the track')
    shouted = sum(run.capitals for run in runs) >= _SHOUTED
    if (shouted or sum(run.unknown for run in runs) >= MANY) and (words := not_understood(readable)):
        return Limit("license_unknown", f"it says more that is not understood ({words})")
    return None


@lru_cache(maxsize=16_384)
def _limits(told: str) -> Limit | None:
    if found := _THIRD_PARTIES.search(told):
        return Limit("third_party_rights", f'"{found[0].strip()}": others may hold rights in it')
    rest = _HARMLESS.sub(" ", told)
    for what, pattern in _CONDITIONS.items():
        if found := pattern.search(rest):
            return Limit("license_not_final", f'"{found[0].strip()}": it {what}')
    if found := _ELSEWHERE.search(rest):
        return Limit("license_of_another_subject", f'"{found[0].strip()}": the track itself is under something else')
    return None


def _run_together(text: str) -> Limit | None:
    if found := next((w for w in third_parties.RUN_TOGETHER if w in text), None):
        return Limit("third_party_rights", f'"{found}": others may hold rights in it')
    for what, words in conditions.RUN_TOGETHER.items():
        if found := next((w for w in words if w in text), None):
            return Limit("license_not_final", f'"{found}": it {what}')
    if found := next((w for w in subjects.RUN_TOGETHER if w in text), None):
        return Limit("license_of_another_subject", f'"{found}": the license may be for something else than the track')
    return None


_CLAUSE = re.compile(r"(?<=[.!?;|])\s+|\n| -- ")
_MUSIC = (
    r"(?:music|songs?|tracks?|audio|sounds?|soundtracks?|theme|recordings?|tune|album"
    r"|musik|musique|musica|muziek|muzyka)"
)
_OF_MUSIC = re.compile(rf"\b{_MUSIC}\b[^,;:]* (?:for|from|in|of|fur|aus|pour|de|para|per|voor|do)(?: \w+){{0,2}} $")
_ABOUT_LICENSE = re.compile(r"(?:licen[sc]e|lizenz|legal|licencia|free) $")
_ABOUT_MUSIC = re.compile(rf" (?:game )?{_MUSIC}\b| licen[sc]e| libre| foundation")
_CREDIT = re.compile(
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
        words = [m for m in _WORD.finditer(clause) if latin(m[0]) in subjects.NOUNS]
        for found in words:
            before, after = latin(clause[: found.start()]), latin(clause[found.end() :])
            titled = found[0][0].isupper() and re.search(r"[^\W_] $", before) and not _BEFORE_A_NOUN.search(before)
            if titled or _ABOUT_LICENSE.search(before) or _ABOUT_MUSIC.match(after):
                continue
            mentions = find_mentions(skeleton(clause))
            if not mentions:
                break
            if _OF_MUSIC.search(before) and find_mentions(skeleton(clause[found.end() :])):
                continue
            if _CREDIT.match(after) and not find_mentions(skeleton(clause[found.end() :])):
                continue
            return found[0]
    return None
