"""Names of other licenses in a skeleton: the GNU ones, the Free Art License, and those of software."""

import re
from collections.abc import Callable, Iterator

from ssmttm.licenses.known.mentions import FILLER, LATER, Mention, full_version, stands_alone
from ssmttm.licenses.known.spdx_list import ALL_RIGHTS_RESERVED, DSL, OAL, known

_GPL = re.compile(
    r"(?: gnu)?(?: (?P<kind>lesser|library|affero))?(?: gnu)? (?P<name>l?gpl|agpl|general license)(?= )"
    r"(?:(?:(?: (?!gpl|lgpl|agpl|general|cc|\.|<)[^ ]+){0,25}? version|(?: v| -| ver| license|,| \(| \.){0,4})?(?: \.)?"
    rf" (?P<version>[1-3](?:\.\d)?)(?= )(?:{LATER}|(?P<only> - only))?)?"
)
_GFDL = re.compile(
    rf"(?: gnu)? gfdl(?= )(?:(?:{FILLER}){{0,5}}? (?P<version>1(?:\.[0-9])?)(?= )(?:{LATER}|(?P<only> - only))?)?"
)
_LAL = re.compile(rf" lal(?= )(?:(?:{FILLER}){{0,5}}? (?P<version>\d\.\d)(?= ))?(?: \( lal \))?")
_OAL = re.compile(rf" oal(?= )(?:(?:{FILLER}){{0,4}}? (?P<version>\d(?:\.\d)*)(?= ))?")
_OGA = re.compile(r" oga(?: -)? by(?= )(?:(?: -| v| version| license){0,3} (?P<version>\d\.\d)(?= ))?")
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


def gnu_names(skeleton: str) -> Iterator[Mention]:
    """GPL, LGPL, AGPL and GFDL."""
    for match in _GPL.finditer(skeleton):
        family = {"l": "LGPL", "a": "AGPL"}.get((match["kind"] or match["name"])[0], "GPL")
        version, end = match["version"], match.end()
        if not version:
            # "MIT/GPL" names more than is understood here: without a version, only the full name counts.
            if family == "GPL" and (match["name"] == "general license" or stands_alone(skeleton, *match.span())):
                yield Mention(*match.span(), license="GPL-1.0-or-later")
            else:
                yield Mention(*match.span(), vague=f"the {family}")
            continue
        found = known().get(f"{family}-{full_version(version)}-{'or-later' if match['later'] else 'only'}".lower())
        problem = None if found else f"names version {version} of the {family}, which does not exist"
        yield Mention(match.start(), end, found, problem=problem)
    for match in _GFDL.finditer(skeleton):
        version = match["version"]
        name = (
            f"GFDL-{full_version(version)}-{'or-later' if match['later'] else 'only'}"
            if version
            else "GFDL-1.1-or-later"
        )
        found = known().get(name.lower())
        yield Mention(
            *match.span(), found, problem=None if found else "names a version of the GFDL that does not exist"
        )


def _versioned(
    pattern: re.Pattern[str], name: str, license_of: Callable[[str | None], str | None]
) -> Callable[[str], Iterator[Mention]]:
    """A maker of mentions of one license; `license_of` gives None for a version that does not exist."""

    def make(skeleton: str) -> Iterator[Mention]:
        for match in pattern.finditer(skeleton):
            found = license_of(match["version"])
            if found:
                yield Mention(*match.span(), license=found)
            elif match["version"]:
                yield Mention(*match.span(), problem=f"names a version of the {name} that does not exist")
            else:
                yield Mention(*match.span(), vague=f"the {name}")

    return make


def fixed_names(skeleton: str) -> Iterator[Mention]:
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
        if match["clauses"]:
            yield Mention(*match.span(), license=f"BSD-{match['clauses']}-Clause")
        else:
            yield Mention(*match.span(), vague="another license")
    for match in _OTHER.finditer(skeleton):
        yield Mention(*match.span(), vague="another license")


free_art_names = _versioned(_LAL, "Free Art License", lambda v: {"1.2": "LAL-1.2", "1.3": "LAL-1.3"}.get(v or ""))
open_audio_names = _versioned(_OAL, "Open Audio License", lambda v: OAL if (v or "1").startswith("1") else None)
open_game_art_names = _versioned(_OGA, "OGA-BY", lambda v: f"LicenseRef-OGA-BY-{v}" if v in ("3.0", "4.0") else None)
