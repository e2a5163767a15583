"""A made-up study as a fixture, for the rooms `study` and `report`."""

import pytest
import synthetic


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A small made-up results tree with all ten runs of the default study, never changed by a test."""
    root = tmp_path_factory.mktemp("results")
    return {**synthetic.build(root, prompts=8, seconds=1.0, points=25, bootstrap=20), "root": root / "results"}
