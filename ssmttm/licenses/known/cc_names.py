"""Names of Creative Commons licenses and of the public domain in a skeleton.

A name that no license has ("CC BY 9.0", "BY-SA-ND") is a mention too, one with a problem, so that
it can't hide behind another mention.
"""

import re
from collections.abc import Iterator

from ssmttm.licenses.known.creative_commons import JURISDICTIONS, VERSIONS, creative_commons, in_order
from ssmttm.licenses.known.mentions import (
    ELEMENT,
    ELEMENTS,
    FILLER,
    LATER,
    NUMBER,
    SEPARATOR,
    Mention,
    full_version,
    glued_on,
    stands_alone,
)
from ssmttm.licenses.known.spdx_list import PUBLIC_DOMAIN

_TAIL = re.compile(
    rf"(?P<middle>(?:{FILLER}| {ELEMENT}){{0,16}}?) (?P<version>{NUMBER})(?= )"
    rf"(?P<more>(?: (?:,|/|and|or|&) {NUMBER}(?= )){{0,6}})"
    rf"{LATER}?(?P<unported>(?:(?: -| ,| \()? unported(?: \))?)?)"
    r"(?:(?:(?: -| /| \()? (?P<port>[A-Z]{2}|IGO|SCOTLAND)(?: :? (?P<part>UK|SCOTLAND))?|(?: -| /) (?P<glued>[a-z]{2})|"
    r" (?P<last>[a-z]{2})(?= $))(?= )(?: \))?)?"
    r"(?P<migrated>(?: - (?:migrated|with|disclaimers))*)"
)
"""What follows the elements: ` license , version 3.0 unported `, ` 2.5 UK : SCOTLAND `, ` - 3.0 , 2.5 , 2.0 `."""

_BETWEEN = rf"(?:{SEPARATOR}| and| &| \+| a| the){{0,4}}"
_HEADS = (
    re.compile(rf" cc(?:{SEPARATOR}| license| cc| the| of){{0,8}}(?P<elements>{ELEMENTS})(?= )"),
    re.compile(
        rf" cc(?:{SEPARATOR}| license| v| version){{0,4}} (?P<first>\d\.\d)"
        rf"(?:{SEPARATOR}| license){{0,3}}(?P<elements>{ELEMENTS})(?= )"
    ),
    re.compile(rf" license / (?P<elements>{ELEMENT}(?: - {ELEMENT}){{0,4}})(?= /)"),
)
_BARE = (
    re.compile(rf"(?P<elements> attr(?:{_BETWEEN} {ELEMENT}(?= )){{0,8}})(?= )"),
    re.compile(rf"(?P<elements> by(?: --?)? (?:nc|nd|sa|alike)(?:(?: --?)? {ELEMENT}(?= )){{0,4}})(?= )"),
    re.compile(r"(?P<elements> (?:nc|nd|alike)(?: -)? (?:nc|nd|alike)| (?:nc|nd|alike))(?= 1\.0 unported )"),
)
"""Names that don't say Creative Commons: they count with a version only."""

_ZERO = re.compile(
    rf" cc(?:{SEPARATOR}| license| cc| the){{0,4}} (?:0|zero)(?= )"
    rf"(?:(?:{FILLER}| pd){{0,6}}? (?P<version>1|\d+(?:\.\d+)+)(?= ))?(?: -)?(?: unported)?"
)
_PATH = re.compile(r"(?: license /)? pd / (?P<which>zero|mark)(?: / 1\.0(?: /)?)?(?= )")
_MARK = re.compile(
    rf"(?: cc)? pd mark(?= )(?:(?:{SEPARATOR}| v| version| license){{0,4}}? (?P<version>1|\d+(?:\.\d+)+)(?= ))?"
)
_CERTIFIED = re.compile(r"(?: cc)? (?:pddedication|pd dedication|pd) certified(?= )")
_TEMPLATE = re.compile(r" pd -(?P<suffix>(?: (?!-)[^ ]+)(?: - [^ ]+){0,5})(?= )")
_WORLDWIDE = frozenset(["old", "self", "author", "user", "release", "usgov", "ineligible", "gutenberg"])
"""Templates of Wikimedia Commons that claim the public domain for no single country: `PD-self`."""

_PUBLIC_DOMAIN = re.compile(r"(?: cc)? (?:pd|pddedication|nrr)(?= )(?: dedication(?= ))?")
_SAMPLING = re.compile(
    rf"(?P<cc> cc(?:{SEPARATOR}| license| the){{0,4}})?(?P<nc> nc(?: -)?)? sampling(?P<plus>(?: -)? plus| \+)?"
    rf"(?:(?:{SEPARATOR}| license| v| version| unported){{0,4}}? (?P<version>\d\.\d)(?= ))?"
)


def elements_of(words: str) -> str:
    """Element words as Creative Commons writes them: ` attr - nc ` -> `by-nc`."""
    given = set(re.findall(ELEMENT, words))
    return in_order({{"attr": "by", "alike": "sa"}.get(e, e) for e in given})


def creative_commons_names(skeleton: str) -> Iterator[Mention]:
    """Licenses by their elements, with and without a version."""
    for head in _HEADS:
        for match in head.finditer(skeleton):
            yield from _named(skeleton, match, bare=False)
    for head in _BARE:
        for match in head.finditer(skeleton):
            yield from _named(skeleton, match, bare=True)


def _named(skeleton: str, head: re.Match[str], bare: bool) -> Iterator[Mention]:
    start, end = head.span()
    elements = elements_of(head["elements"])
    first = head.groupdict().get("first")
    tail = _TAIL.match(skeleton, end)
    if tail and bare and ("." not in tail["version"] or "¶" in tail["middle"]):
        tail = None  # "attribution: 3 people"
    if tail and "." not in tail["version"] and not _is_short_version(skeleton, tail):
        tail = None
    if first:
        problem = None
        if tail and tail["version"] != first and "." in tail["version"]:
            problem = f"names two versions, {first} and {tail['version']}"
        yield _license(start, end, elements, first, None, problem)
    elif tail is None:
        if not bare:
            yield from _without_version(skeleton, start, end, head["elements"])
        elif elements != "by" or stands_alone(skeleton, start, end):
            yield Mention(start, end, vague=elements)
    else:
        yield _with_tail(skeleton, start, elements, tail)


def _without_version(skeleton: str, start: int, end: int, words: str) -> Iterator[Mention]:
    """ "Creative Commons by Some Body" names no element; "CC BY by Some Body" does."""
    if words == " by" and skeleton[start:end] == " cc by" and skeleton.startswith(" x", end):
        return
    yield Mention(start, end, vague=elements_of(words))


def _is_short_version(skeleton: str, tail: re.Match[str]) -> bool:
    """Whether a whole number is a version ("CC BY-SA 3") and no count ("CC BY - 3 tracks")."""
    separated = re.search(r" (?:--|,|:|¶|/|\.|\"|=)(?= |$)", re.sub(r" v \.", " v", tail["middle"]))
    follows = skeleton[tail.end("version") :]
    return not separated and not follows.startswith((" x", " track", " song", " file", " minutes"))


def _with_tail(skeleton: str, start: int, elements: str, tail: re.Match[str]) -> Mention:
    end = tail.end()
    inner = re.findall(rf" ({ELEMENT})(?= )", tail["middle"] + " ")
    if inner and elements_of(" ".join(inner)) != elements:
        return Mention(start, end, problem="names two different licenses at once")
    versions = [full_version(v) for v in re.findall(NUMBER, tail["version"] + tail["more"])]
    port = tail["port"] or tail["glued"] or tail["last"]
    if tail["part"] == "SCOTLAND":
        port = "SCOTLAND"
    if port and port.lower() not in JURISDICTIONS:
        if tail["glued"]:
            return Mention(start, end, problem=f"the version is followed by {port!r}, which is not understood")
        end, port = tail.start("last") - 1, None
    mentions = [_license(start, end, elements, v, port) for v in versions]
    problem = next((m for m in mentions if m.problem), None)
    if problem:
        return problem
    if loose := glued_on(skeleton, end):
        return Mention(start, loose, problem="what is written against the version is not understood")
    word = " AND " if re.search(r" (?:and|&) ", tail["more"]) else " OR "
    expression = word.join(str(m.license) for m in mentions)
    return Mention(start, end, license=expression)


def _license(
    start: int, end: int, elements: str, version: str, port: str | None, problem: str | None = None
) -> Mention:
    identifier = None if problem else creative_commons(elements, version, port)
    if identifier or problem:
        return Mention(start, end, identifier, problem=problem)
    name = elements.upper()
    if {"nd", "sa"} <= set(elements.split("-")):
        problem = f"names Creative Commons {name}, but ND and SA exclude each other"
    elif version not in VERSIONS:
        problem = f"names version {version} of Creative Commons {name}, which does not exist"
    elif port:
        problem = f"names Creative Commons {name} {version} for {port.upper()}, which does not exist"
    else:
        problem = f"names Creative Commons {name} {version}, which does not exist"
    return Mention(start, end, problem=problem)


def public_domain_names(skeleton: str) -> Iterator[Mention]:
    """CC0, the Public Domain Mark, the old dedication, and the public domain as such."""
    for pattern, identifier in ((_ZERO, "CC0-1.0"), (_MARK, "CC-PDM-1.0")):
        for match in pattern.finditer(skeleton):
            version = match["version"]
            if version not in (None, "1", "1.0"):
                yield Mention(
                    *match.span(), problem=f"names version {version} of {identifier[:-4]}, which does not exist"
                )
            elif loose := glued_on(skeleton, match.end()):
                yield Mention(match.start(), loose, problem="what is written against the name is not understood")
            else:
                yield Mention(*match.span(), license=identifier)
    for match in _PATH.finditer(skeleton):
        yield Mention(*match.span(), license={"zero": "CC0-1.0", "mark": "CC-PDM-1.0"}[match["which"]])
    for match in _CERTIFIED.finditer(skeleton):
        yield Mention(*match.span(), license="CC-PDDC")
    for match in _TEMPLATE.finditer(skeleton):
        kind = match["suffix"].split()[0]
        if kind in _WORLDWIDE:
            yield Mention(*match.span(), license=PUBLIC_DOMAIN)
        elif kind not in ("license", "dedication", "pd"):
            yield Mention(*match.span(), problem="names a public domain of one kind or country")
    for match in _PUBLIC_DOMAIN.finditer(skeleton):
        yield Mention(*match.span(), license=PUBLIC_DOMAIN)


def sampling_names(skeleton: str) -> Iterator[Mention]:
    """The retired Sampling licenses."""
    for match in _SAMPLING.finditer(skeleton):
        if not (match["cc"] or match["plus"]):
            continue  # sampling, as in sampled
        elements = ("nc-" if match["nc"] else "") + "sampling" + ("+" if match["plus"] else "")
        identifier = creative_commons(elements, match["version"] or "1.0")
        problem = None if identifier else "names a Sampling license that does not exist"
        yield Mention(*match.span(), identifier, problem=problem)
