"""Whether the words around a license's name grant it, take it back, or tell nothing.

"Licensed under CC BY 4.0" grants; "not CC BY 4.0", "was CC BY 4.0", "CC BY 4.0 except …" and
"lyrics: CC BY 4.0" do not, and neither does a name amid words that are not understood. All works
on skeletons (see `text`).
"""

import re
from typing import NamedTuple

from ssmttm.licenses.elements import all_duties
from ssmttm.licenses.known.mentions import Mention
from ssmttm.licenses.known.spdx_list import ALL_RIGHTS_RESERVED, PUBLIC_DOMAIN
from ssmttm.licenses.reading.denials import (
    ANOTHER,
    ASKS,
    COMPOSITION,
    DENIES_AFTER,
    DENIES_BEFORE,
    DENIES_IN_DOCUMENTS,
    ENDS_AFTER,
    EXCEPT,
    EXPLAINED,
    HARMLESS_AFTER,
    HARMLESS_ANYWHERE,
    HARMLESS_BEFORE,
    JOINED,
    LOOSE_ELEMENTS,
    RESTRICTS,
    SOME_TRACKS,
    SUBJECT,
    any_of,
)


class Verdict(NamedTuple):
    """`granted`, `follows`, or with the reason `denied` or `unclear`."""

    kind: str
    why: str = ""


GRANTED = Verdict("granted")
FOLLOWS = Verdict("follows")
"""Another name stands before it in its sentence, and that one's place decides."""

_BOUNDARY = re.compile(r" (?:[.!;¶?]|<url> (?=licensed |available |license |released |this |published ))(?= |$)")
_VERSION_DOT = re.compile(r" (v|ver|version|vs|feat|no) \.(?= )")
_CONNECTING = re.compile(
    r"(?: (?:the|a|an|terms|of|conditions|version|following|public|open|usual|full|free|all|its|this|&)"
    r"| and(?= conditions)|(?<= terms) and)+ $"
)
_LEADS = any_of(
    """under license licensed via through is are be been available released published distributed shared offered
    provided granted grant marked tagged usage copyright c rights status name track tracks music song songs
    audio sound sounds recording recordings work works file files album soundtrack content item visit see
    somerights credit kept # reuse use used § both either also creator free waived listed"""
)
_GIVEN = any_of(
    """licensed released available published marked tagged offered provided shared used distributed dedicated placed put
    given it this work"""
)
_FOUND = any_of("visit see copy obtain found page license read full text detail details information terms")
_LED = re.compile(
    rf"(?:^|[.,:;!?()\"/=|+¶]|--|>| {_LEADS}| \d+(?:\.\d+)*"
    rf"| {_GIVEN}(?: (?:it|this|back|freely|x))? (?:by|with|as|in|into|to|on|for|at|from)"
    rf"| {_FOUND} (?:at|on|in|of|from)"
    r"| §(?: [,()\"]| license| unported| version)* (?:and|or|&)) $"
)
_CHOICE = re.compile(r" §(?: [,()\"]| license| unported| version)* (?:or|,)(?: \(| the| a)* $")
_CREDITS = any_of("by from c copyright feat credit credits artist author artists composer cc")
_CREDIT = re.compile(rf" (?:{_CREDITS}|courtesy of|\))(?: (?:x|#|,|&|and|\(|\)|\"|--?|the|\d+))* $")
_NOTICE = re.compile(r" (?:\(? ?c \)? |copyright )*#")
"""A year at the start: "2009 Some Body http://…"."""

_WINDOW = 1500
"""Characters around a mention in which its sentence is looked for."""

_LEGAL_TEXT = 2500
"""Skeletons longer than this hold the text of a license or notes on many files, not a statement."""


def judge(skeleton: str, mention: Mention, mentions: list[Mention], strict: bool) -> Verdict:
    """What the sentence around one mention says about it. `strict`: words that are not understood count against it."""
    before, after, asks = _sentence(skeleton, mention, mentions)
    bare = HARMLESS_BEFORE.sub(" ", SUBJECT.sub(" x", before))
    against = DENIES_BEFORE if strict else DENIES_IN_DOCUMENTS
    if denied := next((w for w in bare.split() if w in against), None):
        return Verdict("denied", f'"{denied.lower()}" stands before the name')
    if JOINED.search(before):
        return Verdict("denied", "another license is joined to it")
    rest = HARMLESS_AFTER.sub(" ", _without_explained(after, mention.license))
    if ANOTHER.match(after):
        return Verdict("denied", "something else that is not understood is joined to it")
    if found := (ENDS_AFTER.search(rest) if strict else EXCEPT.match(rest)):
        return Verdict("denied", f'"{found[0].strip()}" follows the name')
    if strict and (some := SOME_TRACKS.search(before) or SOME_TRACKS.search(after)):
        return Verdict("denied", f'it speaks of "{some[0].strip()}" only')
    if strict and (denied := next((w for w in rest.split() if w in DENIES_AFTER), None)):
        return Verdict("denied", f'"{denied.lower()}" follows the name')
    if not strict:
        return GRANTED
    if asks or ASKS.match(before):
        return Verdict("denied", "it is a question")
    if "§" in before and not _CHOICE.search(before):
        return FOLLOWS
    if mention.link and _NOTICE.match(before):
        return GRANTED
    if after.startswith((" x", " #x")) and not mention.link:
        return Verdict("unclear", "the words after the name are not understood")
    if skeleton[: mention.start] == " !" or not (_leads(before, mention) or _CREDIT.search(before)):
        return Verdict("unclear", "the words before the name are not understood")
    return GRANTED


def _leads(before: str, mention: Mention) -> bool:
    """Whether the words before a name lead to it: "is licensed under the terms of the", a colon, or nothing."""
    if mention.license == PUBLIC_DOMAIN:
        before = re.sub(r"(?: in| into| to)(?: the)? $", " is ", before)
    return _LED.search(before) is not None or _LED.search(_CONNECTING.sub(" ", before)) is not None


def _sentence(skeleton: str, mention: Mention, mentions: list[Mention]) -> tuple[str, str, bool]:
    """The text before and after a mention within its sentence, other mentions as `§`; and whether it ends with `?`."""
    first, last = max(mention.start - _WINDOW, 0), mention.end + _WINDOW
    near = [m for m in mentions if m.start >= first and m.end <= last]
    before = _blanked(skeleton[first : mention.start], [m for m in near if m.end <= mention.start], first) + " "
    after = _blanked(skeleton[mention.end : last], [m for m in near if m.start >= mention.end], mention.end)
    before, after = _VERSION_DOT.sub(r" \1", before), _VERSION_DOT.sub(r" \1", after)
    ends = [m.end() for m in _BOUNDARY.finditer(before)]
    if ends:
        before = before[ends[-1] :]
    end = _BOUNDARY.search(after)
    asks = bool(end and "?" in end[0] and len(after[: end.start()]) < 40)
    return before, (after[: end.start()] if end else after) + " ", asks


def _blanked(text: str, mentions: list[Mention], offset: int) -> str:
    parts, position = [], 0
    for m in mentions:
        parts += [text[position : m.start - offset], " §"]
        position = m.end - offset
    return "".join(parts) + text[position:]


def restriction(skeleton: str, mentions: list[Mention], expression: str) -> str | None:
    """Why a short statement takes back in another sentence what it grants; None if it doesn't."""
    if len(skeleton) > _LEGAL_TEXT:
        return None
    rest = _without_explained(_blanked(skeleton, mentions, 0) + " ", expression)
    rest = HARMLESS_ANYWHERE.sub(" ", rest)
    if found := RESTRICTS.search(rest):
        return f'"{found[0].strip()}" restricts it'
    granted = all_duties(expression)
    for word in rest.split():
        if (element := LOOSE_ELEMENTS.get(word)) and element not in granted:
            return f"an element outside of the license's name ({element.upper()})"
    if PUBLIC_DOMAIN in expression and (named := next((w for w in rest.split() if w in COMPOSITION), None)):
        return f'"{named}": it may be the composition only, or one country only'
    return None


def _without_explained(text: str, expression: str | None) -> str:
    asked = all_duties(expression) if expression else frozenset()
    for element, pattern in EXPLAINED.items():
        if element in asked:
            text = pattern.sub(" ", text)
    return text


_GRANT = re.compile(r" (?:licensed|released|available|published|distributed|under|license)(?: [^ .;¶§]+){0,8} $")


def reserved_before(skeleton: str, mentions: list[Mention]) -> bool:
    """Whether "all rights reserved" is only the habit above a grant: it comes first, the grant is explicit."""
    position = max(m.start for m in mentions if m.license == ALL_RIGHTS_RESERVED)
    later = [m for m in mentions if m.license and m.license != ALL_RIGHTS_RESERVED]
    if not re.search(r" (?:c|copyright|#)(?= )", skeleton[:position]):
        return False
    if not later or any(m.start < position for m in later):
        return False
    return _GRANT.search(skeleton[: later[0].start] + " ") is not None
