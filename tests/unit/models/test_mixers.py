"""Every mixer keeps the contract of mixers: a new file in ssmttm/models/mixers is tested by being there."""

import pytest

from ssmttm import plugins
from ssmttm.contracts.checks import checks
from ssmttm.models.mixers import mamba2

NAMES = plugins.names("ssmttm.models.mixers")
CHECKS = list(map(str, checks("mixers", "attention")))


@pytest.mark.parametrize("name", [*NAMES, "mamba2 in loops"])
@pytest.mark.parametrize("check", CHECKS)
def test_contract(name, check, monkeypatch):
    name, _, loops = name.partition(" in ")
    if loops:
        monkeypatch.setattr(mamba2, "LARGE", 0)
    {str(one): one for one in checks("mixers", name)}[check]()
