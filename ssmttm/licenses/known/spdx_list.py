"""The SPDX license list as sets of identifiers, and the LicenseRefs of this package."""

from functools import cache

from license_expression import Licensing, get_spdx_licensing

PUBLIC_DOMAIN = "LicenseRef-public-domain"
ALL_RIGHTS_RESERVED = "LicenseRef-all-rights-reserved"
OAL = "LicenseRef-EFF-OAL-1.0"
DSL = "LicenseRef-Design-Science-License"
OWN = (PUBLIC_DOMAIN, ALL_RIGHTS_RESERVED, OAL, DSL, "LicenseRef-OGA-BY-3.0", "LicenseRef-OGA-BY-4.0")
"""Licenses and notices of music that SPDX does not list."""

_DEPRECATED = {
    "bsd-2-clause-freebsd": "BSD-2-Clause-Views",
    "bsd-2-clause-netbsd": "BSD-2-Clause",
    "net-snmp": "LicenseRef-Net-SNMP",
}
"""Deprecated identifiers that the list gives no successor for."""


@cache
def licensing() -> Licensing:
    """The SPDX license list."""
    return get_spdx_licensing()


@cache
def known() -> dict[str, str]:
    """Lower case -> SPDX identifier: licenses with deprecated names and aliases, and `OWN`.

    Without exceptions, and without the list's own non-SPDX extensions.
    """
    identifiers = {name.lower(): name for name in OWN} | _DEPRECATED
    symbols = {k: s for k, s in licensing().known_symbols.items() if not k.startswith("LicenseRef-")}
    licenses = {k: s for k, s in symbols.items() if not s.is_exception}
    for key, symbol in licenses.items():
        identifiers |= {alias.lower(): key for alias in symbol.aliases if " " not in alias}
    return identifiers | {key.lower(): key for key in licenses}


@cache
def exceptions() -> dict[str, str]:
    """Lower case -> SPDX identifier of every license exception, for `LICENSE WITH EXCEPTION`."""
    symbols = licensing().known_symbols.items()
    return {k.lower(): k for k, s in symbols if s.is_exception and not k.startswith("LicenseRef-")}
