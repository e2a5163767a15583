"""A made-up study as a fixture, for the rooms `study` and `report`."""

import pytest
import synthetic

from ssmttm.report.report import build, study_parts


def page_of(studies, results, page, claims=None):
    """The text of the page on some studies of `results`."""
    parts = study_parts(results["spec"], studies, results["data"], page)
    return build(results["spec"], parts, results["data"], page, claims)


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A small made-up results tree with all ten runs of the default study, never changed by a test."""
    root = tmp_path_factory.mktemp("results")
    return {**synthetic.build(root, prompts=8, seconds=1.0, points=25, bootstrap=20), "root": root / "results"}


@pytest.fixture(scope="session")
def staged(tmp_path_factory):
    """The same of a study of one stage against two; two seeds, one metric by clip and one of sets."""
    root = tmp_path_factory.mktemp("staged")
    return {**synthetic.build_stages(root, prompts=6, seconds=1.0, points=9, bootstrap=20), "root": root / "results"}
