"""What all patterns of license names share. They run over skeletons (see `skeleton`)."""

import re
from typing import NamedTuple


class Mention(NamedTuple):
    """One license named between two positions of a skeleton. One of the last three fields is set."""

    start: int
    end: int
    license: str | None = None  # an SPDX expression
    vague: str | None = None  # what is named without a version: elements such as "by-sa", or a name with capitals
    problem: str | None = None  # why nothing that exists is named
    link: bool = False


SEPARATOR = r"(?: (?:--?|,|:|\(|\)|\"|/|¶|=|\||!))"
ELEMENT = r"(?:by|attr|nc|nd|sa|alike)"
ELEMENTS = rf" {ELEMENT}(?:(?:{SEPARATOR}| and| &| \+| a| the){{0,4}} {ELEMENT}(?= )){{0,8}}"
FILLER = rf"(?:{SEPARATOR}| license| unported| cc| v| ver| version| the| of| \.| aka music sharing)"
NUMBER = r"\d+(?:\.\d+)*"
LATER = (
    r"(?P<later>(?: -)? \+"
    rf"|(?:{SEPARATOR}| of the license){{0,4}} or(?:{SEPARATOR}| at your (?:option|choice|discretion)| any){{0,6}}"
    r" (?:later|newer|above|higher)(?: versions?)?)"
)
_GLUED = re.compile(r" - (?!license |unported |only )[^ ]+")


def stands_alone(skeleton: str, start: int, end: int) -> bool:
    """Whether nothing but filling words stand around, so that `Attribution` must be the license."""
    around = skeleton[:start] + skeleton[end:]
    return re.fullmatch(rf"(?:{FILLER}| a| under| licensed)* ", around) is not None


def glued_on(skeleton: str, end: int) -> int | None:
    """Where a word ends that a hyphen joins to what ends here; None if there is none."""
    match = _GLUED.match(skeleton, end)
    return match.end() if match else None


def full_version(version: str) -> str:
    """ "3" -> "3.0"; what has a dot stays."""
    return version if "." in version else f"{version}.0"
