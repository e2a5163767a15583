"""The Creative Commons licenses that exist: elements, versions, ports, identifiers, names and addresses.

Source: the list of legal tools that Creative Commons publishes (creativecommons/quantifying,
`legal-tool-paths.txt`). A combination that is not on it is no license.
"""

import re
from functools import lru_cache

from ssmttm.licenses.known.spdx_list import known

_PORTS = {
    "1.0": "fi il nl",
    "2.0": "at au be br ca cl de es fr hr it jp kr nl pl tw uk za",
    "2.1": "au ca es jp",
    "2.5": "ar au bg br ca ch cn co dk es hr hu il in it mk mt mx my nl pe pl pt scotland se si tw za",
    "3.0": "am at au az br ca ch cl cn cr cz de ec ee eg es fr ge gr gt hk hr ie igo it lu nl no nz ph pl pr pt ro "
    "rs sg th tw ug us ve vn za",
    "4.0": "",
}
PORTS = {version: frozenset(ports.split()) for version, ports in _PORTS.items()}
"""Versions, each with its ports to a jurisdiction. 2.1 exists as ports only."""

JURISDICTIONS = frozenset().union(*PORTS.values())
VERSIONS = frozenset(PORTS)
FULL = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
"""Those that ask for credit, as all do since version 2.0 but for Japan's."""
_WITHOUT_BY = {
    elements: {"1.0": frozenset(["", "fi", "nl"]), "2.0": frozenset(["", "jp"])}
    for elements in ("nc", "nd", "sa", "nc-sa", "nc-nd")
}
"""Licenses that ask for no credit: elements -> version -> ports; the empty port is the unported license."""

_SAMPLING = {
    "sampling": ("Sampling", {"", "br", "tw"}),
    "sampling+": ("Sampling-Plus", {"", "br", "de", "tw"}),
    "nc-sampling+": ("NC-Sampling-Plus", {"", "tw"}),
}
ELEMENTS = ("by", "nc", "nd", "sa")
"""In the order of identifiers; `ssmttm.licenses.elements` says what they ask for."""
_WORDS = {"by": "Attribution", "nc": "NonCommercial", "nd": "NoDerivatives", "sa": "ShareAlike"}
_IDENTIFIER = re.compile(
    r"(?:LicenseRef-)?CC-((?:BY|NC|ND|SA)(?:-(?:NC|ND|SA))*)-(\d\.\d)(?:-([A-Z]+))?", re.IGNORECASE
)
_NAMED = {
    "CC0-1.0": ("Creative Commons Zero 1.0 Universal", "publicdomain/zero/1.0/"),
    "CC-PDM-1.0": ("Creative Commons Public Domain Mark 1.0", "publicdomain/mark/1.0/"),
    "CC-PDDC": ("Creative Commons Public Domain Dedication and Certification", "licenses/publicdomain/"),
    "LicenseRef-CC-DevNations-2.0": ("Creative Commons Developing Nations 2.0", "licenses/devnations/2.0/"),
}


def in_order(elements: set[str] | frozenset[str]) -> str:
    """Elements as Creative Commons writes them: {"sa", "by"} -> "by-sa"."""
    return "-".join(e for e in ELEMENTS if e in elements)


def creative_commons(elements: str, version: str, port: str | None = None) -> str | None:
    """The identifier of the license with these elements ("by-nc-sa", in any order), or None if there is none.

    What SPDX doesn't list gets a LicenseRef: `LicenseRef-CC-BY-SA-2.0-DE`.
    """
    elements, port = elements.lower(), (port or "").lower()
    if elements in _SAMPLING:
        name, ports = _SAMPLING[elements]
        exists = version == "1.0" and port in ports
    else:
        given = set(re.split(r"[^a-z]+", elements)) - {""}
        if not given <= set(ELEMENTS):
            return None
        key = in_order(given)
        name = key.upper()
        if key in FULL:
            exists = version in PORTS and (port in PORTS[version] if port else version != "2.1")
        else:
            exists = port in _WITHOUT_BY.get(key, {}).get(version, ())
    if not exists:
        return None
    identifier = f"CC-{name}-{version}" + (f"-{port.upper()}" if port else "")
    return known().get(identifier.lower(), f"LicenseRef-{identifier}")


@lru_cache(maxsize=4096)
def _parts(identifier: str) -> tuple[str, str, str] | None:
    """(elements, version, port) of a Creative Commons license with elements; None for anything else."""
    match = _IDENTIFIER.fullmatch(identifier)
    if match is None:
        return None
    elements, version, port = match[1].lower(), match[2], (match[3] or "").lower()
    return (elements, version, port) if creative_commons(elements, version, port) else None


@lru_cache(maxsize=4096)
def unported(identifier: str) -> str:
    """A ported Creative Commons license's unported one; anything else unchanged.

    >>> unported("LicenseRef-CC-BY-SA-2.0-DE")
    'CC-BY-SA-2.0'
    """
    parts = _parts(identifier)
    return f"CC-{parts[0].upper()}-{parts[1]}" if parts and parts[2] else identifier


def elements_of_license(identifier: str) -> str | None:
    """Elements ("by-nc-sa") of a Creative Commons license that exists; None for any other."""
    parts = _parts(identifier)
    return parts[0] if parts else None


@lru_cache(maxsize=4096)
def license_url(identifier: str) -> str | None:
    """Where one license's text stands; None for a LicenseRef without a page."""
    if identifier in _NAMED:
        return f"https://creativecommons.org/{_NAMED[identifier][1]}"
    if parts := _parts(identifier):
        elements, version, port = parts
        old_order = {"nc-nd": "nd-nc", "by-nc-nd": "by-nd-nc"} if version == "1.0" else {}
        address = f"https://creativecommons.org/licenses/{old_order.get(elements, elements)}/{version}/"
        return address + (f"{port}/" if port else "")
    for key, (name, _) in _SAMPLING.items():
        if match := re.fullmatch(rf"LicenseRef-CC-{name}-1\.0(?:-([A-Z]+))?", identifier):
            return f"https://creativecommons.org/licenses/{key}/1.0/" + (f"{match[1].lower()}/" if match[1] else "")
    return None if identifier.startswith("LicenseRef-") else f"https://spdx.org/licenses/{identifier}.html"


@lru_cache(maxsize=4096)
def license_name(identifier: str) -> str:
    """A name for people: `CC-BY-3.0-DE` -> `Creative Commons Attribution 3.0 DE`; others as they are."""
    if identifier in _NAMED:
        return _NAMED[identifier][0]
    parts = _parts(identifier)
    if parts is None:
        return identifier.removeprefix("LicenseRef-").replace("-", " ") if "LicenseRef-" in identifier else identifier
    elements, version, port = parts
    words = "-".join(_WORDS[e] for e in elements.split("-"))
    return f"Creative Commons {words} {version}" + (f" {port.upper()}" if port else "")
