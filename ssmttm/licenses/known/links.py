"""Addresses of licenses: which license a link leads to, judged by its host and path, never by looks."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from ssmttm.licenses.known.creative_commons import ELEMENTS, creative_commons, in_order
from ssmttm.licenses.known.spdx_list import OAL, known

LONGEST = 2000


class Link(NamedTuple):
    """Where a link leads. At most one field is set; none for a page that says nothing about licenses."""

    license: str | None = None
    elements: str | None = None  # of a Creative Commons link without a version
    problem: str | None = None  # a key of PROBLEMS


PROBLEMS = {
    "nowhere": "a link to creativecommons.org where there is no license",
    "page": "a link to a page of creativecommons.org that is no license",
    "lookalike": "a link that only looks like one to creativecommons.org",
    "statement": "a rights statement, which is no license",
    "fiction": "a link to a version or port that Creative Commons never published",
}
HARMLESS = frozenset(["page", "statement"])
"""Problems that don't speak against a license named beside the link."""

_PUBLIC_DOMAIN = {
    ("publicdomain", "zero", "1.0"): "CC0-1.0",
    ("licenses", "zero", "1.0"): "CC0-1.0",
    ("licences", "zero", "1.0"): "CC0-1.0",
    ("publicdomain", "mark", "1.0"): "CC-PDM-1.0",
    ("publicdomain", "certification", "1.0", "us"): "CC-PDDC",
    ("licenses", "publicdomain"): "CC-PDDC",
    ("licences", "publicdomain"): "CC-PDDC",
    ("licenses", "devnations", "2.0"): "LicenseRef-CC-DevNations-2.0",
    ("licenses", "mit"): "MIT",
    ("licenses", "bsd"): "BSD-3-Clause",
    ("licenses", "gpl", "2.0"): "GPL-2.0-only",
    ("licenses", "lgpl", "2.1"): "LGPL-2.1-only",
}
_TAIL = re.compile(
    r"(?:deed|legalcode)(?:[.-][a-z]{2,4}(?:[_-][a-z]{2,8})?|\.txt|-plain)?|rdf|index\.html?|legalcode\.html?"
)


def _gnu(match: re.Match[str]) -> str | None:
    family = ("g" + match[2] if match[2] == "fdl" else (match[1] or "") + match[2]).upper()
    return known().get(f"{family}-{match[3]}-only".lower())


_BY_IDENTIFIER = (re.compile(r"/licenses?/([a-z0-9.+-]+?)(?:\.html)?/?"), lambda match: known().get(match[1]))
_LICENSES_AT: dict[str, tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]] = {
    "artlibre.org": (
        re.compile(r"/licen[cs]e/lal(?:/(?:en|de|es|pt|it|pl))?(/licence-art-libre-12)?/?"),
        lambda match: "LAL-1.2" if match[1] else "LAL-1.3",
    ),
    "gnu.org": (
        re.compile(
            r"/(?:licenses|copyleft)/(?:old-licenses/)?(a|l)?(gpl|fdl)-(\d\.\d)(?:\.[a-z]{2})?"
            r"(?:\.html|\.txt|-standalone\.html)?/?"
        ),
        _gnu,
    ),
    "opensource.org": _BY_IDENTIFIER,
    "spdx.org": _BY_IDENTIFIER,
    "opendatacommons.org": (
        re.compile(r"/licenses/(by|odbl|pddl)(?:/1[.-]0)?/?(?:summary/?)?"),
        lambda match: {"by": "ODC-By-1.0", "odbl": "ODbL-1.0", "pddl": "PDDL-1.0"}[match[1]],
    ),
    "eff.org": (re.compile(r".*open_licenses/eff_oal.*", re.DOTALL), lambda _: OAL),
    "unlicense.org": (re.compile("/?"), lambda _: "Unlicense"),
    "wtfpl.net": (re.compile(r"(?:/txt/copying|/about)?/?"), lambda _: "WTFPL"),
    "apache.org": (re.compile(r"/licenses/license-2\.0(?:\.html|\.txt)?/?"), lambda _: "Apache-2.0"),
}
"""Hosts where licenses lie, with the paths to them, and which license each path leads to."""

_STATEMENT_HOSTS = frozenset(["rightsstatements.org", "europeana.eu"])
HOSTS = _LICENSES_AT.keys() | _STATEMENT_HOSTS | {"web.archive.org"}
"""Hosts, beside Creative Commons', an address at which may say something about a license."""

TRAILING = ".,;:!?)]}>\"'*_`…’”»\\"


@lru_cache(maxsize=8192)
def read_link(address: str) -> Link:
    """Which license an address stands for; with or without http(s), in any case."""
    text = address[:LONGEST].rstrip(TRAILING).strip()
    lower = text.lower()
    if archived := re.match(r"(?:https?://)?web\.archive\.org/web/\d{4,14}[a-z_]*/(.+)", lower):
        lower = archived[1]
    if not re.match(r"[a-z][a-z0-9+.-]*:", lower):
        lower = "http:" + lower if lower.startswith("//") else f"http://{lower}"
    try:
        parts = urlsplit(lower)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return _outside(lower, "")
    if parts.scheme not in ("http", "https") or port not in (None, 80, 443) or "\\" in lower or "@" in parts.netloc:
        return _outside(lower, host)
    host = host.removesuffix(".").removeprefix("www.")
    path = parts.path
    if host == "creativecommons.org":
        return _creative_commons([p for p in path.split("/") if p])
    if host.endswith(".creativecommons.org"):
        return Link(problem="page")
    return _other_host(host, path) or _outside(lower, host)


def _outside(address: str, host: str) -> Link:
    """A link to none of the hosts that are known, which may look like one to Creative Commons."""
    looks = "creativecommons" in host or re.search(r"creativecommons\.(?:org|net|com)", address)
    return Link(problem="lookalike") if looks else Link()


def _creative_commons(path: list[str]) -> Link:
    if not path:
        return Link()
    while len(path) > 1 and _TAIL.fullmatch(path[-1]):
        path = path[:-1]
    if identifier := _PUBLIC_DOMAIN.get(tuple(path)):
        return Link(license=identifier)
    if path[0] == "publicdomain":
        return Link(problem="nowhere" if len(path) > 2 else "page")
    if path[0] not in ("licenses", "licences") or len(path) == 1:
        return Link(problem="page")
    if len(path) == 2:
        return _without_version(path[1])
    if len(path) > 4:
        return Link(problem="nowhere")
    # "by-sa" is an address and "sa-by" is none, but the old "by-nd-nc" and slips such as "by-sa-nc" are clear.
    elements = path[1].replace("%2b", "+")
    if not re.fullmatch(r"[a-z]+(?:-[a-z]+)*\+?", elements):
        return Link(problem="nowhere")
    identifier = creative_commons(elements, path[2], path[3] if len(path) == 4 else None)
    if identifier is None:
        return Link(problem="fiction")
    return Link(license=identifier) if elements.startswith("by") or "by" not in elements else Link(problem="nowhere")


def _without_version(elements: str) -> Link:
    given = set(elements.split("-"))
    if given <= set(ELEMENTS) and given:
        return Link(elements=in_order(given))
    return Link(problem="page" if elements in ("sampling+", "sampling", "nc-sampling+") else "nowhere")


def _other_host(host: str, path: str) -> Link | None:
    """Where a link to another host that is known leads; None for one without a license there."""
    if host in _STATEMENT_HOSTS and path.startswith(("/vocab/", "/page/", "/rights/")):
        return Link(problem="statement")
    if host not in _LICENSES_AT:
        return None
    pattern, license_of = _LICENSES_AT[host]
    identifier = license_of(match) if (match := pattern.fullmatch(path)) else None
    return Link(license=identifier) if identifier else None
