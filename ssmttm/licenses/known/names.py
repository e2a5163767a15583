"""Licenses named in a skeleton (see `skeleton`): where each is named, and which one it is."""

import re
from collections.abc import Callable, Iterator

from ssmttm.licenses.known.cc_names import creative_commons_names, public_domain_names, sampling_names
from ssmttm.licenses.known.links import HARMLESS, PROBLEMS
from ssmttm.licenses.known.mentions import FILLER, LATER, Mention, full_version, stands_alone
from ssmttm.licenses.known.spdx_list import ALL_RIGHTS_RESERVED, DSL, OAL, known

_LINK = re.compile(r" <(?P<what>[^> ]+)>")
_GPL = re.compile(
    r"(?: gnu)?(?: (?P<kind>lesser|library|affero))?(?: gnu)? (?P<name>l?gpl|agpl|general license)(?= )"
    r"(?:(?:(?: (?!gpl|lgpl|agpl|general|cc|\.|<)[^ ]+){0,25}? version|(?: v| -| ver| license|,| \(| \.){0,4})?(?: \.)?"
    rf" (?P<version>[1-3](?:\.\d)?)(?= )(?:{LATER}|(?P<only> - only))?)?"
)
_GFDL = re.compile(
    rf"(?: gnu)? gfdl(?= )(?:(?:{FILLER}){{0,5}}? (?P<version>1(?:\.[0-9])?)(?= )(?:{LATER}|(?P<only> - only))?)?"
)
_VERSIONED: tuple[tuple[re.Pattern[str], str, Callable[[str | None], str | None]], ...] = (
    (
        re.compile(rf" lal(?= )(?:(?:{FILLER}){{0,5}}? (?P<version>\d\.\d)(?= ))?(?: \( lal \))?"),
        "Free Art License",
        lambda version: f"LAL-{version}" if version in ("1.2", "1.3") else None,
    ),
    (
        re.compile(rf" oal(?= )(?:(?:{FILLER}){{0,4}}? (?P<version>\d(?:\.\d)*)(?= ))?"),
        "Open Audio License",
        lambda version: OAL if version is None or version.startswith("1") else None,
    ),
    (
        re.compile(r" oga(?: -)? by(?= )(?:(?: -| v| version| license){0,3} (?P<version>\d\.\d)(?= ))?"),
        "OGA-BY",
        lambda version: f"LicenseRef-OGA-BY-{version}" if version in ("3.0", "4.0") else None,
    ),
)
"""How a license of music is named, its name, and its identifier by version; None for one that does not exist."""

_FIXED = {
    re.compile(r" arr(?= )"): ALL_RIGHTS_RESERVED,
    re.compile(r" dsl(?= )"): DSL,
    re.compile(r" wtfpl(?= )(?:(?: v| version| -){0,2} 2(?:\.0)?(?= ))?"): "WTFPL",
    re.compile(r" unlicense(?= )"): "Unlicense",
    re.compile(r" mitlicense(?= )"): "MIT",
    re.compile(r" isclicense(?= )"): "ISC",
}
_SOFTWARE = {
    "apachelicense": ("Apache", ("1.1", "2.0"), None),
    "zliblicense": ("Zlib", (), "Zlib"),
    "artisticlicense": ("Artistic", ("1.0", "2.0"), None),
    "mpl": ("MPL", ("1.0", "1.1", "2.0"), None),
    "epl": ("EPL", ("1.0", "2.0"), None),
    "eupl": ("EUPL", ("1.0", "1.1", "1.2"), None),
    "bsl": ("BSL", ("1.0",), "BSL-1.0"),
    "ofl": ("OFL", ("1.0", "1.1"), None),
    "odbl": ("ODbL", ("1.0",), "ODbL-1.0"),
    "odcby": ("ODC-By", ("1.0",), "ODC-By-1.0"),
    "pddl": ("PDDL", ("1.0",), "PDDL-1.0"),
    "ogl": ("OGL-UK", ("1.0", "2.0", "3.0"), None),
}
"""Licenses that are not music's: canonical word -> SPDX name, versions, identifier without a version."""

_SOFTWARE_NAME = re.compile(
    rf" (?P<name>{'|'.join(_SOFTWARE)})(?= )(?:(?:{FILLER}){{0,4}}? (?P<version>\d(?:\.\d)?)(?= ))?"
)
_BSD = re.compile(r" bsd(?:(?: -)? (?P<clauses>[234])(?: -)? clauses?)(?= )| bsdlicense(?= )")
_OTHER = re.compile(r" beerware(?= )")


def find_mentions(skeleton: str) -> list[Mention]:
    """Every license that a skeleton names, in its order, without overlaps; the longer name wins."""
    mentions = [mention for names in _NAMES for mention in names(skeleton)]
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return kept


def _links(skeleton: str) -> Iterator[Mention]:
    for match in _LINK.finditer(skeleton):
        what = match["what"]
        if what == "url" or what[1:] in HARMLESS:
            continue
        if what[0] == "!":
            yield Mention(*match.span(), problem=PROBLEMS[what[1:]], link=True)
        elif what[0] == "~":
            yield Mention(*match.span(), vague=what[1:], link=True)
        else:
            yield Mention(*match.span(), license=what, link=True)


def _gnu_names(skeleton: str) -> Iterator[Mention]:
    """GPL, LGPL, AGPL and GFDL."""
    for match in _GPL.finditer(skeleton):
        family = {"l": "LGPL", "a": "AGPL"}.get((match["kind"] or match["name"])[0], "GPL")
        if version := match["version"]:
            problem = f"names version {version} of the {family}, which does not exist"
            yield _gnu(match, family, version, problem)
        # "MIT/GPL" names more than is understood here: without a version, only the full name counts.
        elif family == "GPL" and (match["name"] == "general license" or stands_alone(skeleton, *match.span())):
            yield Mention(*match.span(), license="GPL-1.0-or-later")
        else:
            yield Mention(*match.span(), vague=f"the {family}")
    for match in _GFDL.finditer(skeleton):
        if version := match["version"]:
            yield _gnu(match, "GFDL", version, "names a version of the GFDL that does not exist")
        else:
            yield Mention(*match.span(), license="GFDL-1.1-or-later")


def _gnu(match: re.Match[str], family: str, version: str, problem: str) -> Mention:
    identifier = known().get(f"{family}-{full_version(version)}-{'or-later' if match['later'] else 'only'}".lower())
    return Mention(*match.span(), identifier, problem=None if identifier else problem)


def _versioned_names(skeleton: str) -> Iterator[Mention]:
    """Licenses of music that have versions of their own."""
    for pattern, name, license_of in _VERSIONED:
        for match in pattern.finditer(skeleton):
            if identifier := license_of(match["version"]):
                yield Mention(*match.span(), license=identifier)
            elif match["version"]:
                yield Mention(*match.span(), problem=f"names a version of the {name} that does not exist")
            else:
                yield Mention(*match.span(), vague=f"the {name}")


def _fixed_names(skeleton: str) -> Iterator[Mention]:
    """Reserved rights, and licenses with few or no versions."""
    for pattern, identifier in _FIXED.items():
        for match in pattern.finditer(skeleton):
            yield Mention(*match.span(), license=identifier)
    for match in _SOFTWARE_NAME.finditer(skeleton):
        name, versions, plain = _SOFTWARE[match["name"]]
        version = full_version(match["version"]) if match["version"] else None
        if version in versions:
            yield Mention(*match.span(), license=f"{name}-{version}")
        elif plain and version is None:
            yield Mention(*match.span(), license=plain)
        else:
            yield Mention(*match.span(), vague=f"the {name}")
    for match in _BSD.finditer(skeleton):
        clauses = match["clauses"]
        yield Mention(
            *match.span(),
            license=f"BSD-{clauses}-Clause" if clauses else None,
            vague=None if clauses else "another license",
        )
    for match in _OTHER.finditer(skeleton):
        yield Mention(*match.span(), vague="another license")


_NAMES: tuple[Callable[[str], Iterator[Mention]], ...] = (
    _links,
    creative_commons_names,
    public_domain_names,
    sampling_names,
    _gnu_names,
    _versioned_names,
    _fixed_names,
)
