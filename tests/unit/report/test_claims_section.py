"""The section on the claims: whose numbers they are, what is not counted, and which count is this project's own."""

import copy
import re

import pytest
from made_up_study import page_of

from ssmttm.accounting.claims_text import claims_sentence
from ssmttm.files import write_json
from ssmttm.report.sections.claims import claims_section
from ssmttm.stages.claims import claims


@pytest.fixture(scope="module")
def found():
    return claims({"variants": ["prefix-simba", "cross-transformer"]})


def test_the_configuration_that_is_counted_is_said(found):
    counted_for = claims_section(found).counted_for
    for part in (
        "prefix-simba and cross-transformer",
        "281 M",
        "100,000 optimizer steps of 128 clips of 30 s",
        "457 h",
    ):
        assert part in counted_for
    steps = found["refiner"]["optimizer_steps"]
    assert f"paper-refiner, 38.9 M parameters and {steps:,} optimizer steps" in counted_for
    longer = copy.deepcopy(found)
    longer["spec"]["hours"], longer["designs"][1]["optimizer_steps"] = 300.0, 400_000
    counted_for = claims_section(longer).counted_for
    assert "300 hours" in counted_for and "100,000 to 400,000 optimizer steps" in counted_for


def test_what_is_not_counted_is_separate_from_the_rows(found):
    section = claims_section(found)
    assert "1.24 billion parameters each" in section.not_counted["the paper’s second stage"]
    assert len(section.not_counted) == 2
    assert all(row["Share"].value is not None for row in section.table.rows)


def test_the_own_count_is_marked_once_for_each_design(found):
    table = claims_section(found).table
    own = [table.rows[i] for i in table.highlighted]
    assert [row["Design"].text for row in own] == ["prefix-simba", "cross-transformer"]
    assert own[0]["Share"].value == pytest.approx(0.0996, abs=5e-5)


def test_the_page_says_it_all_before_the_table(results, tmp_path, found):
    path = tmp_path / "claims.json"
    write_json(path, found)
    page = page_of(results["studies"], results, tmp_path / "report.html", path)
    section = re.sub(
        r"\s+", " ", re.sub("<[^>]+>", "", page[page.index('<section id="claims"') : page.index('id="corpus"')])
    )
    before = section[: section.index("Shares of MusicGen-small, by")]
    assert "not this study’s runs" in before and "100,000 optimizer steps of 128 clips of 30 s" in before
    assert claims_sentence(found) in before and "this project trains one refiner, which is counted" in before
    assert "by which this project spends its budgets" in section and 'href="claims.json"' in page
