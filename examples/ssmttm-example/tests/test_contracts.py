"""Every plug-in of this package keeps the contract of its kind, by the tests that come with ssmttm."""

import pytest

from ssmttm.contracts.checks import checks_of


@pytest.mark.parametrize("check", checks_of("ssmttm-example"), ids=lambda check: check.id)
def test_contract(check):
    check()
