"""The figure of points that others published, and the levels of the learning curves."""

import math
from dataclasses import replace

import made_up_losses
import numpy as np
import pandas as pd
import pytest

from ssmttm.report.figures import figures
from ssmttm.report.figures import published as drawing
from ssmttm.report.sections.comparability import caveats
from ssmttm.study.folder import read_study


@pytest.fixture(scope="module")
def study(results):
    return read_study(results["studies"][0])


def published(study, **more):
    """The study with its first run's points as another's: against originals only, as they are published."""
    points = study["progress"]
    rows = (points["run"] == points["run"].iloc[0]) & (points["reference"] == "originals")
    stated = {
        "gpu_hours": np.nan,
        "low": np.nan,
        "high": np.nan,
        "error": 0.5,
        "source": "a paper",
        "how": "off a figure",
    }
    theirs = points[rows].assign(run="Theirs", **stated, **more)
    return replace(study, tables={**study.tables, "progress": pd.concat([points, theirs], ignore_index=True)})


def figure(study):
    return drawing.published(study, figures.variant_colors(study))


def theirs_in(chart):
    return [s for s in chart.series if s.name == "published: Theirs"]


def test_published_points_are_drawn_separately_without_intervals_and_explained(study):
    both = published(study)
    charts = figure(both).charts
    (chart,) = charts["musicnn/frechet|originals|steps"]
    (drawn,) = theirs_in(chart)
    assert drawn.symbol == "diamond" and drawn.dash == "dot"
    assert drawn.low is None and chart.series[0].low is not None
    assert "reading error ±0.5" in chart.note and "Published values only" not in chart.note
    assert not theirs_in(charts["musicnn/frechet|originals|gpu_hours"][0])  # no hours were published
    warned = " ".join(caveat.text for caveat in caveats(both, {}))
    assert "Theirs" in warned and "Source: a paper. Off a figure." in warned


def test_a_study_without_published_values_has_no_such_figure(study):
    assert not figure(study).charts and not figure(study).selectors


def test_beside_published_points_there_are_finished_runs_only(study):
    first = figure(published(study))
    assert first.first == "musicnn/frechet|originals|steps"
    assert [next(iter(selector.options)) for selector in first.selectors] == first.first.split("|")
    (chart,) = first.charts[first.first]
    own = [s for s in chart.series if s not in theirs_in(chart)]
    assert own and all(len(s.x) == 1 for s in own)


def test_selectors_offer_only_what_there_are_charts_for(study):
    drawn = figure(published(study))
    for key in drawn.charts:
        for selector, value in drawn.selected(key).items():
            assert value in drawn.available(key)[selector]
    assert drawn.available(drawn.first)["reference"] == {"originals"}


def test_points_of_an_embedder_that_scored_nothing_here_stand_alone_and_say_so(study):
    charts = figure(published(study, embedder="openl3")).charts
    alone = [key for key in charts if key.startswith("openl3/frechet|")]
    assert alone and all("|originals|" in key for key in alone)
    assert all("Published values only" in charts[key][0].note for key in alone)


def test_hours_are_said_to_be_by_the_clock(study):
    charts = figure(published(study)).charts
    hours, steps = (charts[f"musicnn/frechet|originals|{cost}"][0] for cost in ("gpu_hours", "steps"))
    assert "other jobs" in hours.note and "other jobs" not in steps.note
    assert all("other jobs" in chart.note for chart in figures.figures(study)["learning-curves"].charts["seconds"])


def test_every_loss_chart_has_the_losses_of_guessing_and_of_counted_pairs(study):
    codes = {run["manifest"]["spec"]["data"]["codec"]["codebook_size"] for run in study.summary["runs"].values()}
    for charts in figures.figures(made_up_losses.answered(study, "effect"))["learning-curves"].charts.values():
        for chart in charts:
            guessing, counted = chart.levels
            assert {guessing.y} == {math.log(n) for n in codes}
            assert "guessing" in guessing.name and f"{guessing.y:.2f}" in guessing.name
            assert counted.y == made_up_losses.TRIVIAL["bigram"]
