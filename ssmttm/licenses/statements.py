"""What a statement says about a license: the SPDX expression with the reason, or none with the reason.

Nothing is guessed. A statement is understood if every license that it names exists, all names
agree, and the words around them neither take the license back nor stay unclear.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ssmttm.licenses.elements import duties
from ssmttm.licenses.expressions import join, looks_like_expression, parse_expression
from ssmttm.licenses.known.creative_commons import unported
from ssmttm.licenses.known.mentions import Mention
from ssmttm.licenses.known.names import find_mentions
from ssmttm.licenses.known.spdx_list import ALL_RIGHTS_RESERVED, PUBLIC_DOMAIN
from ssmttm.licenses.polarity import judge, reserved_before, restriction
from ssmttm.licenses.scope import Limit, limits, without_fields
from ssmttm.licenses.skeleton import LONGEST, skeleton, stated


class Reading(NamedTuple):
    """What a statement says.

    `denied`: it names a license and takes it back; `conflict`: it names two that disagree. Of
    documents neither is said: they may speak of many things.
    """

    license: str | None  # SPDX expression
    note: str  # by which rule, or why not
    denied: bool = False
    conflict: bool = False
    reason: str | None = None  # a key of `tables.REASONS` where there is one of its own
    silent: bool = False  # a document that speaks of something else than the music: no evidence


_SHORT = 1000
"""Up to how many characters quotation marks around a text are dropped."""

_LABEL = re.compile(
    r"(?:(?:spdx-)?licen[sc]e(?:-identifier|[ -]type)?|lizenz|rights|usage) *[:=-]+ *|licen[sc]ed +under +(?:the +)?",
    re.IGNORECASE,
)
_QUOTES = " \t\r\n\"'`.,;[]{}“”"
_MANY = 100
_NOTICE = 300
"""Up to this many characters, a document that reserves all rights says nothing else."""

_NOTHING = Reading(None, "names no license")
_YOUTUBE = re.compile(r" (?:license (?:: )?)?cc attr license \( reuse allowed \) (?:\. )?")


def read_statement(text: str | None, strict: bool = True) -> Reading:
    """The reading of one statement in any form: expression, name, link, prose, HTML.

    `strict` is for statements about one track; without it the text is a document, where names
    stand amid other words. Only the first 20,000 characters are read; a longer statement is not understood.
    """
    if not text or text.isspace():
        return Reading(None, "the text is empty")
    if strict and not (text := stated(text)):
        return Reading(None, "it is struck out, or its box is not ticked", denied=True, reason="license_not_final")
    bare = text.strip(_QUOTES) if len(text) < _SHORT else text
    if label := _LABEL.match(bare):
        bare = bare[label.end() :].strip(_QUOTES)
    if looks_like_expression(bare):
        if expression := parse_expression(bare):
            kind = "an SPDX expression" if " " in expression else "an SPDX identifier or short name"
            return Reading(expression, kind)
        if len(bare.split()) > 1:
            return Reading(None, "an expression with a part that is not understood")
    relevant = _without_noise(text[:LONGEST])
    reading = _read(skeleton(without_fields(relevant) if strict else relevant, statement=strict), strict)
    if not strict:
        reading = reading._replace(denied=False, conflict=False)
    elif reading.license != ALL_RIGHTS_RESERVED and (limit := limits(text)):
        reading = _limited(reading, limit)
    if len(text) <= LONGEST:
        return reading
    part = f"in the first {LONGEST:,} of {len(text):,} characters"
    if reading.license and strict:  # the rest may say otherwise
        return Reading(None, f"names {reading.license} {part}, which is too long for a statement")
    return reading._replace(note=f"{reading.note} {part}")


def _limited(reading: Reading, limit: Limit) -> Reading:
    """What is left of a reading whose statement licenses the track not at all, or not as a whole."""
    if reading.license:
        understood = limit.reason != "license_unknown"
        return Reading(None, f"names {reading.license}, but {limit.why}", denied=understood, reason=limit.reason)
    if limit.reason == "third_party_rights":  # heard without a license's name too
        return Reading(None, limit.why, denied=True, conflict=reading.conflict, reason=limit.reason)
    return reading


_PACKAGING = re.compile(r"\b(?:debian\s+)?packaging\b.{0,80}\blicen[sc]|^files:\s*debian/", re.IGNORECASE | re.DOTALL)
_EXAMPLE = re.compile(r"\(e\.g\.,?[^()]*(?:\([^()]*\)[^()]*)*\)")


def _without_noise(text: str) -> str:
    """Drop what names licenses without licensing the work: packaging notes, examples, system paths."""
    if "ackag" in text or "iles:" in text:
        paragraphs = re.split(r"\n\s*\n", text)
        text = "\n\n".join(p for p in paragraphs if not _PACKAGING.search(p))
    if "(e.g." in text:
        text = _EXAMPLE.sub(" ", text)
    if "common-licenses/" in text:
        text = re.sub(r"[^\s/]*/usr/share/common-licenses/\S+", " ", text)
    return text


@lru_cache(maxsize=16_384)
def _read(skeleton: str, strict: bool) -> Reading:
    if _YOUTUBE.fullmatch(skeleton):
        return Reading("CC-BY-3.0", "YouTube's label, by its terms Creative Commons Attribution 3.0")
    mentions = find_mentions(skeleton)
    if len(mentions) > _MANY:
        return Reading(None, f"names licenses {len(mentions)} times, more than a statement does")
    if not strict:
        mentions = _of_document(mentions)
    if problem := next((m.problem for m in mentions if m.problem), None):
        return Reading(None, problem, conflict=len(mentions) > 1)
    licenses = [m for m in mentions if m.license]
    if not licenses:
        return _vague_only(skeleton, mentions)
    if any(m.license == ALL_RIGHTS_RESERVED for m in licenses) and len({m.license for m in licenses}) > 1:
        if not reserved_before(skeleton, mentions):
            return Reading(None, "reserves all rights and names a license", conflict=True)
        licenses = [m for m in licenses if m.license != ALL_RIGHTS_RESERVED]
    if not strict and licenses[0].license == ALL_RIGHTS_RESERVED and len(skeleton) > _NOTICE:
        return Reading(None, "reserves all rights above a text that is not understood")
    combined = _combine(skeleton, licenses)
    if combined.license is None:
        return combined
    if vague := _disagreeing(mentions, combined.license):
        return Reading(None, f"names {_name_of(vague)} and {combined.license}, which disagree", conflict=True)
    polarities = [judge(skeleton, m, mentions, strict) for m in mentions if m.license != ALL_RIGHTS_RESERVED]
    if why := next((p.why for p in polarities if p.kind == "denied"), None):
        return Reading(None, f"names {combined.license}, but {why}", denied=True)
    if polarities and not any(p.kind == "granted" for p in polarities):
        why = next((p.why for p in polarities if p.why), "where it stands is not understood")
        return Reading(None, f"names {combined.license}, but {why}")
    if not strict or combined.license == ALL_RIGHTS_RESERVED:
        return combined
    if why := restriction(skeleton, mentions, combined.license):
        return Reading(None, f"names {combined.license}, but {why}", denied=True)
    return combined


def _of_document(mentions: list[Mention]) -> list[Mention]:
    """Without what documents mention in passing: a family of licenses, and the notice above a license."""
    others = any(m.license and m.license != ALL_RIGHTS_RESERVED for m in mentions)
    return [
        m
        for m in mentions
        if not (m.vague and m.vague.startswith("the ")) and not (others and m.license == ALL_RIGHTS_RESERVED)
    ]


def _vague_only(skeleton: str, mentions: list[Mention]) -> Reading:
    vague = next((m.vague for m in mentions if m.vague), None)
    if vague == "another license":
        return Reading(None, "names a license that is not understood")
    if vague:
        return Reading(None, f"names {_name_of(vague)} without a version, so which license it is can't be proved")
    for token, note in _HINTS.items():
        if f" {token} " in skeleton:
            return Reading(None, note)
    return _NOTHING


_HINTS = {
    "<!page>": "a link to a page of creativecommons.org that is no license",
    "<!statement>": "a rights statement, which is no license",
    "cc": "names Creative Commons without saying which license",
    "somerights": "reserves some rights without saying which",
    "<url>": "a link to a page that is not known as a license",
}


def _name_of(vague: str) -> str:
    return vague if " " in vague else f"Creative Commons {vague.upper()}"


def _disagreeing(mentions: list[Mention], expression: str) -> str | None:
    """A name without version that fits none of the licenses named with one."""
    offered = [duties(unported(k)) for k in re.findall(r"[\w.-]+", expression) if k not in ("OR", "AND", "WITH")]
    families = " ".join(re.findall(r"[A-Z]+", expression))
    for mention in mentions:
        if mention.vague is None:
            continue
        if mention.vague.startswith("the "):
            short = {"the Free Art License": "LAL", "the Open Audio License": "OAL"}.get(
                mention.vague, mention.vague[4:]
            )
            if short not in families:
                return mention.vague
        elif mention.vague == "another license" or frozenset(mention.vague.split("-")) not in offered:
            return mention.vague
    return None


def _combine(skeleton: str, licenses: list[Mention]) -> Reading:
    """One expression for all licenses named: one, or several that "or" or "and" join."""
    names = list(dict.fromkeys(str(m.license) for m in licenses))
    ported = {unported(n) for n in names if unported(n) != n}
    dedications = {"CC0-1.0", "CC-PDDC", "CC-PDM-1.0"} & set(names)
    versioned = any(re.fullmatch(r"GPL-[23]\.0-\S+", n) for n in names)
    kept = [
        n
        for n in names
        if n not in ported  # a port says more than its unported license,
        and not (n == PUBLIC_DOMAIN and dedications)  # a dedication more than "public domain",
        and not (n == "GPL-1.0-or-later" and versioned)  # and a version more than none
    ]
    for version in ("2.0", "3.0"):
        if f"GPL-{version}-or-later" in kept and f"GPL-{version}-only" in kept:
            # "version 2 or later … the text of version 2 is in …": the first is the grant.
            kept.remove(f"GPL-{version}-only")
    if len(kept) == 1:
        return Reading(kept[0], "a link to the license" if any(m.link for m in licenses) else "the license's name")
    words = _joining([m for m in licenses if m.license in kept], skeleton)
    if words is None:
        return Reading(None, f"names several licenses: {', '.join(kept)}", conflict=True)
    return Reading(join(kept, words), f"licenses joined by {words.lower()!r}")


_OFFERED = re.compile(
    r" (?:dual|multi|triple|multiple)(?: -)? licensed?(?= )"
    r"|^(?: \()* (?:self|multi(?: -)? license|licensed?)(?: \|| x)* \|"
)
"""What offers several licenses as a choice: "dual licensed", Wikimedia's `{{self|…|…}}`."""

_BETWEEN_OFFERED = re.compile(r"(?: \)| \(| \"| license| unported| ,| the| /| \|| and| or| &| version| v)* ")

_BETWEEN = re.compile(
    r"(?: \)| \(| \"| license| licensed| unported| ,| a| the| under| §| <url>| either| version| v| x?)*"
    r"(?: (?P<word>or|and|&|and / or)(?= ))?"
    r"(?: \(| \"| license| licensed| a| the| under| at your option| also| either| of| terms| gnu| ,)* "
)


_ALTERNATIVELY = re.compile(
    r"(?:(?: \( or(?: ,)?(?: at your (?:option|discretion|x) ,)? any later version)? \))?(?: \.| ¶)*"
    r" (?P<word>(?:or )?alternatively)(?: (?:,|\"|x|it|they|may|can|be|is|are|used|distributed|licensed|available|&|and"
    r"|under|soundtrack|music|the|terms|of|also))* "
)
"""A second grant of the same work in a sentence of its own: "Alternatively, it may be used under …"."""


def _joining(licenses: list[Mention], skeleton: str) -> str | None:
    """OR or AND, if that is what stands between all licenses named; commas take the last word."""
    if _OFFERED.search(skeleton):
        gaps = (skeleton[before.end : after.start] + " " for before, after in pairwise(licenses))
        return "OR" if all(_BETWEEN_OFFERED.fullmatch(gap) for gap in gaps) else None
    operators: list[str | None] = []
    for before, after in pairwise(licenses):
        if before.license == after.license:
            continue
        between = skeleton[before.end : after.start] + " "
        match = _BETWEEN.fullmatch(between) or _ALTERNATIVELY.fullmatch(between)
        if match is None:
            return None
        word = match["word"]
        operators.append(word and ("OR" if re.search("or|alternatively", word) else "AND"))
    return operators[-1] if operators and len({*operators} - {None}) == 1 else None
