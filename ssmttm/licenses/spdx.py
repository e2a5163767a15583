"""The door to `ssmttm.licenses`: what the rest of the package asks about licenses."""

from ssmttm.licenses.documents.document import read_document, understand
from ssmttm.licenses.known.creative_commons import creative_commons, license_name, license_url, unported
from ssmttm.licenses.known.spdx_list import licensing
from ssmttm.licenses.reading.expressions import parse_expression
from ssmttm.licenses.reading.statements import Reading, read_statement
from ssmttm.licenses.reading.text import license_address
from ssmttm.licenses.reservations import reservation, without_reservation

__all__ = [
    "Reading",
    "creative_commons",
    "identify",
    "license_address",
    "license_name",
    "license_url",
    "licensing",
    "parse_expression",
    "read_document",
    "read_statement",
    "recognize",
    "reservation",
    "understand",
    "unported",
    "without_reservation",
]


def identify(kind: str, text: str | None, url: str | None = None) -> str | None:
    """The SPDX expression that a piece of evidence states, or None."""
    return understand(kind, text, url).license


def recognize(text: str) -> str | None:
    """The SPDX expression of a license's text or name amid other words, whatever it is said of; or None."""
    return read_statement(text, strict=False).license
