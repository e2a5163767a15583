"""What licenses ask for, as elements: BY credit, NC, ND, SA. The only place that says what each of them forbids."""

import re
from functools import lru_cache

from ssmttm.licenses.known.creative_commons import elements_of_license
from ssmttm.licenses.known.spdx_list import licensing

SWITCHES = {
    "nc": ("noncommercial", "forbids commercial use"),
    "nd": ("noderivatives", "forbids derivatives"),
    "sa": ("sharealike", "asks for the same license"),
}
"""Element -> key of `data.license` that switches it on, and what the element says."""

ELEMENT_WORDS = {
    "nc": "nc", "commercial": "nc", "commercially": "nc",
    "nd": "nd", "derivative": "nd", "derivatives": "nd", "alike": "sa",
}  # fmt: skip
"""Words of a skeleton that mean an element wherever they stand."""

_MAY_NOT = r"(?: you)?(?: may| must| can| do| shall)? not(?: be)?"
_CHANGE = "(?:change|modify|alter|edit|remix|changed|modified)"
EXPLAINED = {
    "nc": re.compile(
        rf"{_MAY_NOT}(?: use| used| sell| sold)?[^.¶;§]*?"
        rf" commercial(?:ly)?(?: purposes?| use)?(?: or {_CHANGE}(?: it)?)?(?= )"
    ),
    "nd": re.compile(rf"{_MAY_NOT} {_CHANGE}(?= )"),
}
"""What only says in other words what an element of the license says, in a skeleton."""

_COPYLEFT = re.compile(r"(?:A|L)?GPL-|GFDL-|LAL-|ODbL-|OFL-|MPL-|EUPL-|LicenseRef-(?:EFF-OAL|Design-Science)", re.I)
_FREE_OF_DUTIES = re.compile(r"CC0-|CC-PD|PDDL-|Unlicense$|0BSD$|WTFPL$|LicenseRef-public-domain$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def duties(identifier: str) -> frozenset[str]:
    """What one license asks for, as elements: "by" credit, "nc", "nd", "sa" the same license.

    Copyleft licenses ask for "sa"; licenses outside of Creative Commons for credit at least, and for
    the elements that a LicenseRef names.
    """
    if elements := elements_of_license(identifier):
        return frozenset(elements.split("-"))
    if _FREE_OF_DUTIES.match(identifier):
        return frozenset()
    named = SWITCHES.keys() & identifier.lower().split("-")
    return frozenset(["by", *named, *(["sa"] if _COPYLEFT.match(identifier) else ())])


@lru_cache(maxsize=10_000)
def all_duties(expression: str) -> frozenset[str]:
    """What the licenses of an SPDX expression ask for together."""
    return frozenset().union(*(duties(key) for key in licensing().license_keys(expression)))


def may_be_passed_on(expression: str) -> bool:
    """Whether others may have clips of music under an SPDX expression: ND forbids to pass on changed versions."""
    return "nd" not in all_duties(expression)


def is_noncommercial(expression: str) -> bool:
    """Whether an SPDX expression forbids commercial use."""
    return "nc" in all_duties(expression)


def strictness(identifier: str) -> int:
    """How much one license asks for, from 0: none, attribution, share-alike, NC, NC-SA, ND, NC-ND."""
    asked = duties(identifier)
    if "nd" in asked:
        return 6 if "nc" in asked else 5
    if "nc" in asked:
        return 4 if "sa" in asked else 3
    return 2 if "sa" in asked else len(asked)
