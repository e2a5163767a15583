"""The figure of quality against cost with points that others published, and the level of the learning curves."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ssmttm.report.figures import figures
from ssmttm.report.figures.quality import quality
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
    return quality(study, figures.variant_colors(study))


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


def test_scores_without_an_interval_are_drawn_without_error_bars(study):
    (chart,) = figure(study).charts["musicnn/prdc|codec|steps"]
    assert chart.series and not any(s.low for s in chart.series)


def test_what_is_shown_first_has_the_published_points(study):
    assert figure(study).first == "musicnn/frechet|codec|steps"
    first = figure(published(study))
    assert first.first == "musicnn/frechet|originals|steps"
    assert [next(iter(selector.options)) for selector in first.selectors] == first.first.split("|")


def test_selectors_offer_only_what_there_are_charts_for(study):
    drawn = figure(study)
    for key in drawn.charts:
        for selector, value in drawn.selected(key).items():
            assert value in drawn.available(key)[selector]
    assert drawn.available("musicnn/training_copies|training|steps")["reference"] == {"training"}
    assert drawn.available(drawn.first)["reference"] == {"codec", "originals"}


def test_points_of_an_embedder_that_scored_nothing_here_stand_alone_and_say_so(study):
    charts = figure(published(study, embedder="openl3")).charts
    alone = [key for key in charts if key.startswith("openl3/frechet|")]
    assert alone and all("|originals|" in key for key in alone)
    assert all("Published values only" in charts[key][0].note for key in alone)


def test_hours_are_said_to_be_by_the_clock(study):
    drawn = figures.figures(study)
    hours, steps = (drawn["quality"].charts[f"musicnn/frechet|codec|{cost}"][0] for cost in ("gpu_hours", "steps"))
    assert "other jobs" in hours.note and "other jobs" not in steps.note
    assert all("other jobs" in chart.note for chart in drawn["learning-curves"].charts["seconds"])


def test_copies_are_drawn_beside_those_that_the_search_finds_among_true_copies(study):
    for key, (chart,) in figure(study).charts.items():
        if key.startswith("musicnn/training_copies|"):
            told = chart.note + "".join(level.name for level in chart.levels)
            assert "Training clips through the codec" in told and "Real clips" in told


def test_every_loss_chart_has_the_loss_of_guessing(study):
    codes = {run["manifest"]["spec"]["data"]["codec"]["codebook_size"] for run in study.summary["runs"].values()}
    for charts in figures.figures(study)["learning-curves"].charts.values():
        for chart in charts:
            (level,) = chart.levels
            assert {level.y} == {math.log(n) for n in codes}
            assert "guessing" in level.name and f"{level.y:.2f}" in level.name
