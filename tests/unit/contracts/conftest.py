import sys

import pytest
from plugin_packages import install_example

from ssmttm import plugins


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """Where the example package is installed."""
    return install_example(tmp_path_factory.mktemp("example"))


@pytest.fixture
def use(monkeypatch):
    """Puts a folder of packages on Python's path; what was imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(plugins, "_used", set())
    yield lambda site: monkeypatch.syspath_prepend(str(site))
    for name in set(sys.modules) - before:
        if not name.startswith("ssmttm."):
            file = getattr(sys.modules[name], "__file__", None)
            if file and ("/site/" in file or "/example" in file):
                del sys.modules[name]
