"""From what people write about licenses to SPDX expressions. What is not understood is None: no guess."""

import re
from functools import cache, lru_cache

from boolean import ParseError
from license_expression import ExpressionError, Licensing, get_spdx_licensing

_PORTS = (
    "germany:de france:fr poland:pl spain:es italy:it austria:at netherlands:nl belgium:be canada:ca australia:au "
    "brazil:br japan:jp sweden:se switzerland:ch portugal:pt denmark:dk finland:fi norway:no ireland:ie greece:gr "
    "hungary:hu croatia:hr slovenia:si romania:ro chile:cl mexico:mx colombia:co argentina:ar taiwan:tw china:cn"
)
_COUNTRIES = dict(pair.split(":") for pair in _PORTS.split()) | {
    "united states": "us", "us": "us", "usa": "us", "united kingdom": "uk", "england": "uk", "new zealand": "nz",
    "igo": "igo", "south korea": "kr", "south africa": "za", "czech republic": "cz",
}  # fmt: skip
_VERSION = r"(?P<version>[1-4]\.[0-5]|[1-4])(?![\w.]*\d)"

_URL = re.compile(
    r"creativecommons\.org/licen[sc]es/(?P<elements>[a-z+-]+)/(?P<version>\d\.\d)"
    r"(?:/(?!deed|legalcode|rdf)(?P<port>[a-z]{2}|igo|scotland)(?![a-z]))?",
    re.IGNORECASE,
)
_URL_FIXED = {
    re.compile(r"creativecommons\.org/publicdomain/zero/1\.0", re.I): "CC0-1.0",
    re.compile(r"creativecommons\.org/publicdomain/mark/1\.0", re.I): "CC-PDM-1.0",
    re.compile(r"creativecommons\.org/licen[sc]es/publicdomain(?![a-z])", re.I): "CC-PDDC",
    re.compile(r"artlibre\.org/licen[cs]e/lal(/en|/de|/es)?/?(?![\w/])", re.I): "LAL-1.3",
}
_ELEMENTS = (
    r"(?:[\s_,/-]*(?:and[\s-]+)?(?:nc|nd|sa|non[\s-]?commercial|"
    r"no[\s-]?deriv(?:ative|ate)?s?(?:[\s-]works?)?|share[\s-]?alike)\b)*"
)
_NAME = re.compile(
    r"(?:\b(?:creative[\s-]+commons|cc)[\s_:,()-]*(?:licen[sc]e[\s:,]*)?(?P<short>by|sampling\+?|sa\b|attribution)"
    r"|\b(?P<long>attribution)(?=[\s-]+(?:\d\.\d|non|no|share|licen|v|unported))"
    r"|\b(?P<bare>by)(?=-(?:sa|nc|nd)\b))"
    rf"(?P<elements>{_ELEMENTS})"
    r"[\s_,-]*(?:\(?cc[\s-]by[a-z-]*\)?)?[\s_,:-]*(?:(?:public\s+)?licen[sc]e)?[\s_,:(-]*(?:version|ver\.?|v\.?)?[\s_-]*"
    rf"{_VERSION}\+?"
    r"(?:[\s_,-]+(?!(?:and|or|with|plus|but|except|licen[sc]e)\b)(?P<port>[A-Za-z]+(?:\s(?:states|kingdom|zealand|korea|africa|republic)\b)?))?",
    re.IGNORECASE,
)
_NAMES_FIXED = {
    re.compile(
        r"\b(?:cc[\s-]?0|cc[\s-]zero|creative\s+commons\s+zero)\b(?:[\s-]*(?:v\.?\s*)?1(?:\.0)?\b)?", re.I
    ): "CC0-1.0",
    re.compile(
        r"\bfree\s*art\s*licen[sc]e[\s,-]*(?:version|v\.?)?\s*1\.3\b|\blal[\s-]1\.3\b|\bfree-?art-1\.3\b", re.I
    ): "LAL-1.3",
    re.compile(r"\ball\s+rights\s+reserved\b", re.I): "LicenseRef-all-rights-reserved",
    re.compile(
        r"\b(?<!not )(?:(?:is|are|in|into|to|as|under)\s+(?:released\s+|placed\s+|dedicated\s+)?"
        r"(?:in\s+|into\s+|to\s+)?(?:the\s+)?)public[\s-]domain\b(?!\s+(?:software|score))", re.I
    ): "LicenseRef-public-domain",
}  # fmt: skip
_GPL = re.compile(
    r"(?:\bgnu\s+)?\b(?P<kind>a|l|lesser\s+|library\s+|affero\s+)?(?:gpl\b|gpl(?=v?\d)|general\s+public\s+licen[sc]e)"
    r"(?:[^.]{0,120}?\bversion\s*|[\s_-]*v?\.?\s*)?(?P<version>[1-3](?:\.[0-9])?)?(?![\d.]*\d)"
    r"(?P<later>\+|[\s,(]*(?:of\s+the\s+licen[sc]e)?[\s,(]*or\s*,?\s*\(?(?:at\s+your\s+option)?\)?,?\s*(?:any\s+)?(?:later|newer|above|higher))?",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:mit|expat|bsd|apache|zlib|isc|artistic|mozilla\s+public|sil\s+open\s+font|free\s+documentation"
    r"|eclipse\s+public|boost\s+software)[\s-]+(?:style\s+)?licen[sc]e|^license:[ \t]*\S+",
    re.IGNORECASE | re.MULTILINE,
)
"""Licenses that are not music's: only that they are named matters, because then one license is not all."""

_ALIASES = {
    "expat": "MIT",
    "zlib/libpng": "zlib-acknowledgement",
    "public-domain": "LicenseRef-public-domain",
    "public domain": "LicenseRef-public-domain",
    "publicdomain": "LicenseRef-public-domain",
    "pd": "LicenseRef-public-domain",
    "cc0": "CC0-1.0",
    "cc-0": "CC0-1.0",
    "artistic": "Artistic-1.0",
    "apache-2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "ofl": "OFL-1.1",
    "fal-1.3": "LAL-1.3",
    "psf-2": "PSF-2.0",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
}


@cache
def licensing() -> Licensing:
    """The SPDX license list."""
    return get_spdx_licensing()


@cache
def _known() -> dict[str, str]:
    """Lower case -> SPDX identifier; without the list's own non-SPDX extensions."""
    return {k.lower(): k for k in licensing().known_symbols if not k.startswith("LicenseRef-")}


def creative_commons(elements: str, version: str, port: str | None = None) -> str | None:
    """The identifier of a Creative Commons license by its elements ("by-nc-sa"), or None if there is none.

    A port that SPDX doesn't list gets a LicenseRef: `LicenseRef-CC-BY-SA-2.0-DE`.
    """
    given = set(re.split(r"[^a-z+]+", elements.lower())) - {""}
    if not given <= {"by", "nc", "nd", "sa"} or {"nd", "sa"} <= given:
        return None
    name = "-".join(["CC", *(e.upper() for e in ("by", "nc", "nd", "sa") if e in given), version])
    if name.lower() not in _known() and not port:
        return None
    if not port:
        return _known()[name.lower()]
    ported = f"{name}-{port.upper()}"
    return _known().get(ported.lower(), f"LicenseRef-{ported}")


def unported(identifier: str) -> str:
    """A ported Creative Commons license's unported one; anything else unchanged.

    >>> unported("LicenseRef-CC-BY-SA-2.0-DE")
    'CC-BY-SA-2.0'
    """
    match = re.fullmatch(r"(?:LicenseRef-)?(CC-[A-Z-]+-\d\.\d)-[A-Z]+", identifier)
    return match[1] if match else identifier


def license_url(identifier: str) -> str | None:
    """Where one license's text stands; None for a LicenseRef without a page."""
    if identifier == "CC0-1.0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if identifier == "CC-PDM-1.0":
        return "https://creativecommons.org/publicdomain/mark/1.0/"
    match = re.fullmatch(r"(?:LicenseRef-)?CC-((?:BY|NC|ND|SA)(?:-(?:NC|ND|SA))*)-(\d\.\d)(?:-([A-Z]+))?", identifier)
    if match:
        port = f"{match[3].lower()}/" if match[3] else ""
        return f"https://creativecommons.org/licenses/{match[1].lower()}/{match[2]}/{port}"
    return None if identifier.startswith("LicenseRef-") else f"https://spdx.org/licenses/{identifier}.html"


def _from_url(match: re.Match[str]) -> str | None:
    return creative_commons(match["elements"], match["version"], match["port"])


def _from_name(match: re.Match[str]) -> str | None:
    first = (match["short"] or match["long"] or match["bare"]).lower()
    if first.startswith("sampling"):
        return None
    text = ("by " if first in ("by", "attribution") else "sa ") + match["elements"].lower()
    for pattern, element in (
        ("non[\\s-]?commercial", "nc"),
        (r"no[\s-]?deriv\w*([\s-]works?)?", "nd"),
        (r"share[\s-]?alike", "sa"),
    ):
        text = re.sub(pattern, element, text)
    version = match["version"] if "." in match["version"] else f"{match['version']}.0"
    port = (match["port"] or "").lower()
    code = _COUNTRIES.get(port) or (port if match["port"] and match["port"].isupper() and len(port) == 2 else None)
    return creative_commons(text.replace(" and ", " "), version, code)


def _from_gpl(match: re.Match[str]) -> str | None:
    """GPL, LGPL or AGPL; the license's own text makes one without a version mean any version."""
    family = {"a": "AGPL", "l": "LGPL"}.get((match["kind"] or "").lower()[:1], "GPL")
    version = match["version"]
    if not version:
        return f"{family}-1.0-or-later" if family == "GPL" else None
    version = version if "." in version else f"{version}.0"
    name = f"{family}-{version}-{'or-later' if match['later'] else 'only'}"
    return _known().get(name.lower())


def _symbol(text: str) -> str | None:
    """One license by its short name, such as `GPL-2+`, `CC-BY-SA-3.0` or `Expat`."""
    text = text.strip().strip("\"'`.").strip()
    key = re.sub(r"\s+", " ", text.lower())
    if key in _ALIASES:
        return _ALIASES[key]
    # Where a license says "or later", its own version is one of those offered.
    for candidate in (key, key.replace(" ", "-"), key.removesuffix("+") if key.startswith("cc") else key):
        if candidate in _known() and not re.fullmatch(r"(a|l)?gpl-[\d.]+\+?", candidate):
            return _known()[candidate]
    for pattern, convert in ((_GPL, _from_gpl), (_NAME, _from_name)):
        match = pattern.fullmatch(text)
        if match:
            return convert(match)
    for pattern, identifier in _NAMES_FIXED.items():
        if pattern.fullmatch(text):
            return identifier
    return None


_LATER = re.compile(
    r",?\s*\(?\bor\s*,?\s*\(?(?:at your option\)?\s*)?,?\s*(?:any\s+)?(?:later|newer|above|higher)(?:\s+versions?)?\)?",
    re.I,
)


@lru_cache(maxsize=50_000)
def parse_expression(text: str) -> str | None:
    """The SPDX expression of a short statement such as `GPL-3 or CC-BY-3.0`, else None.

    Understands SPDX and the short names of Debian's copyright format: a comma before `or`/`and`
    groups what stands before it.
    """
    text = _LATER.sub("+", re.sub(r"\s+", " ", text.strip()))
    if not text or len(text) > 300:
        return None
    if whole := _symbol(text):
        return whole
    while match := re.search(r",\s*(or|and)\b", text, re.I):
        text = f"({text[: match.start()]}) {match[1]} {text[match.end() :]}"
    pieces = re.split(r"([()]|\s(?:or|and)\s|^(?:or|and)\s|(?<=\))(?:or|and)\s)", text, flags=re.I)
    words = []
    for piece in filter(None, (p.strip() for p in pieces)):
        if piece in "()" or piece.lower() in ("or", "and"):
            words.append(piece.upper())
        elif symbol := _symbol(piece):
            words.append(symbol)
        else:
            return None
    try:
        return licensing().parse(" ".join(words)).render()
    except (ExpressionError, ParseError, AttributeError, IndexError, TypeError):  # how the parser fails on "A ()"
        return None


def _mentions(text: str) -> list[tuple[int, int, str]]:
    """(start, end, identifier) of every license that free text names, without overlaps."""
    found: list[tuple[int, int, str | None]] = [(*m.span(), _from_url(m)) for m in _URL.finditer(text)]
    for table in (_URL_FIXED, _NAMES_FIXED):
        for pattern, identifier in table.items():
            found += [(*m.span(), identifier) for m in pattern.finditer(text)]
    found += [(*m.span(), _from_name(m)) for m in _NAME.finditer(text)]
    # "MIT/GPL" names more than is understood here: in prose, GPL needs a version or its full name.
    found += [(*m.span(), _from_gpl(m)) for m in _GPL.finditer(text) if m["version"] or "eneral" in m[0]]
    kept: list[tuple[int, int, str]] = []
    for start, end, identifier in sorted(found, key=lambda f: (f[0], -f[1])):
        if identifier and not any(start < e and end > s for s, e, _ in kept):
            kept.append((start, end, identifier))
    return kept


def _without_noise(text: str) -> str:
    """Drop what names licenses without licensing the work: packaging notes, examples, system paths."""
    kept = [
        p
        for p in re.split(r"\n\s*\n", text)
        if not re.search(r"\b(debian\s+)?packaging\b.{0,80}\blicen[sc]|^files:\s*debian/", p, re.I | re.S)
    ]
    text = "\n\n".join(kept)
    text = re.sub(r"\(e\.g\.,?[^()]*(?:\([^()]*\)[^()]*)*\)", " ", text)
    return re.sub(r"\S*/usr/share/common-licenses/\S+", " ", text)


_RIDER = re.compile(
    r"[\s)]*(?:licen[sc]e)?\s*,?\s*(?:(?:and|with|plus|&|/|or)\s*[^.\n]{0,40}(?:licen[sc]e|restrict|exception|terms|-\d)|except\b|but\b)",
    re.IGNORECASE,
)
"""What follows a license's name when it is not the whole story."""

_JOINED = re.compile(r"\w-\d\S*\s+(?:and|&|\+)\s+(?:the\s+)?$", re.IGNORECASE)
"""The same before it: another license's short name and "and"."""


@lru_cache(maxsize=50_000)
def recognize(text: str) -> str | None:
    """The SPDX expression of free text, or None when it names no license, or several unrelatedly.

    Repeated mentions of one license count once; a port beats its unported license, and a version
    beats none. Two licenses joined by "or" or "and" become an expression.
    """
    text = _without_noise(text)
    mentions = _mentions(text)
    names = list(dict.fromkeys(m[2] for m in mentions))
    ported = {unported(n) for n in names if unported(n) != n}
    # "All rights reserved" above a license is a habit; the license is what is granted.
    granted = [n for n in names if n != "LicenseRef-all-rights-reserved"] or names
    versioned = any(re.fullmatch(r"GPL-[23]\.0-\S+", n) for n in granted)
    kept = [n for n in granted if n not in ported and not (versioned and n == "GPL-1.0-or-later")]
    for version in ("2.0", "3.0"):
        if f"GPL-{version}-or-later" in kept and f"GPL-{version}-only" in kept:
            # "version 2 or later … the text of version 2 is in …": the first is the grant.
            kept.remove(f"GPL-{version}-only")
    if len(kept) == 1 and not _OTHERS.search(text):
        rider = any(_RIDER.match(text, e) or _JOINED.search(text[max(0, s - 80) : s]) for s, e, _ in mentions)
        return None if rider else kept[0]
    if len(kept) == 2 and len(mentions) == 2:
        between = text[mentions[0][1] : mentions[1][0]]
        joined = re.fullmatch(
            r"[\s,;)(\"']*(?:(?:licen[sc]es?|unported|international)[\s,]*)*(or|and)\b[^.]{0,60}", between, re.I
        )
        if joined:
            return licensing().parse(f"{kept[0]} {joined[1].upper()} {kept[1]}").render()
    return None


@lru_cache(maxsize=50_000)
def identify(kind: str, text: str | None, url: str | None = None) -> str | None:
    """The SPDX expression that a piece of evidence states, or None.

    A license URL decides if there is one; then the text's first line as a short name or
    expression; then the text as a whole. In Debian's copyright format the first line is the
    license's name by definition: there, an unknown one is looked up in the text below it only,
    and an expression with an unknown part stays unknown.
    """
    if url and (found := recognize(url)):
        return found
    first, _, body = (text or "").strip().partition("\n")
    if found := parse_expression(first):
        return found
    if kind in ("dep5_files", "catch_all"):
        return None if re.search(r"[\s-](or|and|with)[\s-]|,", first) else recognize(body)
    return recognize(text or "")
