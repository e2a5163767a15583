"""What licenses ask for, and that everything that asks hears the same."""

import pytest

from ssmttm.dataset.dedup import obligations
from ssmttm.licenses.elements import SWITCHES, all_duties, duties, is_noncommercial, may_be_passed_on
from ssmttm.licenses.known.spdx_list import known
from ssmttm.licenses.policy import make_policy
from ssmttm.report.sections.methods import usable


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("CC0-1.0", ""),
        ("MIT", "by"),
        ("LAL-1.3", "by sa"),
        ("CC-BY-NC-ND-4.0", "by nc nd"),
        ("CC-SA-1.0", "sa"),
        ("LicenseRef-CC-NC-Sampling-Plus-1.0", "by nc"),
        ("LicenseRef-Example-NC-ND-2.0", "by nc nd"),
        ("CC-BY-4.0 AND CC-BY-NC-SA-3.0", "by nc sa"),
        ("GPL-3.0-only WITH Font-exception-2.0", "by sa"),
    ],
)
def test_duties_of_an_expression(expression: str, asked: str) -> None:
    assert all_duties(expression) == set(asked.split())
    assert may_be_passed_on(expression) == ("nd" not in asked.split())
    assert is_noncommercial(expression) == ("nc" in asked.split())


def test_an_element_in_an_identifier_always_counts() -> None:
    for identifier in known().values():
        assert SWITCHES.keys() & identifier.lower().split("-") <= duties(identifier), identifier


def test_the_report_names_exactly_the_licenses_that_the_policy_lets_through() -> None:
    license = {"allow": ["CC-BY-4.0", "LAL-1.3", "cc-by-nc-3.0", "CC0-1.0"]}
    off = dict.fromkeys(("noncommercial", "noderivatives", "sharealike"), False)
    assert usable({**license, **off}) == ["CC-BY-4.0", "CC0-1.0"]
    assert usable({**license, **off, "sharealike": True, "noncommercial": True}) == license["allow"]
    assert make_policy({**license, **off}).branch("LAL-1.3") is None


def test_duplicates_are_ranked_by_the_same_duties() -> None:
    ranks = [obligations(one) for one in ("CC0-1.0", "Apache-2.0", "LAL-1.3", "CC-BY-NC-4.0", "CC-BY-ND-4.0")]
    assert ranks == sorted(set(ranks))
