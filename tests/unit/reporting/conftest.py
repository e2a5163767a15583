import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import synthetic


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A small made-up results tree with all ten runs of the default study, never changed by a test."""
    root = tmp_path_factory.mktemp("results")
    return {**synthetic.build(root, prompts=5, seconds=1.0, points=25, bootstrap=20), "root": root / "results"}


@pytest.fixture(scope="session")
def page(results):
    """The report on that tree, as text."""
    from ssmttm.stages import report

    out = results["root"] / "report.html"
    report.run(results["spec"], results["studies"], results["data"], out)
    return out.read_text(encoding="utf-8")
