"""The door to `ssmttm.corpus.licenses`: what the rest of the package asks about licenses."""

from ssmttm.corpus.licenses.creative_commons import creative_commons, duties, license_name, license_url, unported
from ssmttm.corpus.licenses.documents import read_document, understand
from ssmttm.corpus.licenses.expressions import parse_expression
from ssmttm.corpus.licenses.reservations import reservation, without_reservation
from ssmttm.corpus.licenses.spdx_list import licensing
from ssmttm.corpus.licenses.statements import Reading, read_statement
from ssmttm.corpus.licenses.text import license_address

__all__ = [
    "Reading",
    "creative_commons",
    "duties",
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
