"""What the page says of one stage and two."""

import re
from dataclasses import replace

import pytest
from made_up_study import page_of

from ssmttm.report.figures.figures import variant_colors
from ssmttm.report.figures.stages import AXES, two_stages
from ssmttm.report.scoreboard import columns
from ssmttm.report.sections.stages import Stages, verdict
from ssmttm.study.folder import read_study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import StageScore


@pytest.fixture(scope="module")
def study(staged):
    return read_study(staged["studies"][0])


@pytest.fixture(scope="module")
def section(study):
    return Stages(study, columns(study["comparison"], study.embedders))


def test_every_design_has_its_costs_and_its_difference_from_the_single_stage(section):
    designs = [row["Design"].text for row in section.costs.rows]
    assert designs[0] == "prefix-simba" and len(designs) == 5
    two = section.costs.rows[2]
    assert two["Parameters"].subs == ("300 k of them the refiner’s",)
    assert two["Seconds for a second"].value == pytest.approx(0.18)
    assert [row["Design"].text for row in section.scores.rows] == 2 * designs
    assert {row["Verdict"].text for row in section.scores.rows[1:5]} <= {"better", "worse", "–"}


def test_sentences_name_the_designs_that_are_better_worse_or_neither(section):
    assert len(section.sentences) == 2
    assert all(
        "6.00×10¹² FLOPs in all: " in sentence and "prefix-simba in one stage" in sentence
        for sentence in section.sentences
    )


def test_a_verdict_follows_the_adjusted_p_value_and_which_way_is_better(study):
    row = next(row for row in rows_of(study["stages"], StageScore) if row.against and row.difference)
    better = replace(row, difference=-1.0, better="lower", p_adjusted=0.01)
    assert verdict(better) == "better"
    assert verdict(replace(better, better="higher")) == "worse"
    assert verdict(replace(better, p_adjusted=0.2)) == "no significant difference"
    assert verdict(replace(better, p_adjusted=None)) == "not tested"
    assert verdict(replace(better, against=None)) == "–"


def test_charts_join_numbers_of_steps_of_one_refiner(study):
    figure = two_stages(study, variant_colors(study))
    by_axis = {axis: figure.charts[f"musicnn/kl|codec|{axis}"][0] for axis in AXES}
    steps = {series.name: series.x for series in by_axis["sampler_steps"].series}
    assert steps["first-simba + unet"] == [8, 50]
    assert "prefix-simba" not in steps and "prefix-simba" in {level.name for level in by_axis["sampler_steps"].levels}
    seconds = {series.name: series.x for series in by_axis["generation_seconds"].series}
    assert seconds["first-simba + unet"] == [0.18, 0.6]
    for chart in by_axis.values():
        assert all(series.low and series.high for series in chart.series), "every point has its interval"


def test_the_page_has_the_section_only_where_a_run_has_two_stages(staged, results, tmp_path):
    page = page_of(staged["studies"], staged, tmp_path / "report.html")
    assert 'id="stages-stages"' in page and "a refiner completes levels 2 to 4" in page
    assert not re.findall(r">(\d codebooks?)<", page), "losses are of level 1 for all"
    other = page_of(results["studies"], results, tmp_path / "other.html")
    assert "One stage and two" not in other
