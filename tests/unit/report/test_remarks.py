"""Clips that are named on the page, and marks in the table of all scores."""

from dataclasses import replace

import numpy as np
import pytest

from ssmttm.report.scoreboard import TRAINING_COPIES
from ssmttm.report.sections import every_score, remarks
from ssmttm.study.folder import read_study

EXTRAPOLATED = "Fréchet distance, extrapolated"


@pytest.fixture(scope="module")
def study(results):
    return read_study(results["studies"][0])


def with_copies(study, copies):
    """The study whose systems have so many copies, each with a similarity."""
    summary = dict(study.summary)
    for kind in ("runs", "baselines"):
        summary[kind] = {
            name: {
                **known,
                "copies": {
                    "musicnn": [
                        {"generated": f"{name} {s}", "training": "t@0", "similarity": s} for s in copies.get(name, [])
                    ]
                },
            }
            for name, known in study.summary[kind].items()
        }
    return replace(study, summary=summary)


def test_runs_come_before_baselines_and_training_clips_are_left_out(study):
    crowd = [1.0] * (remarks.LISTED + 5)
    crowded = with_copies(study, {"prefix-simba-base-iters": [0.95, 0.97], "originals": crowd, "training_codec": crowd})
    listed = remarks.copies(crowded)
    names = [row["System"].text for row in listed.rows]
    assert names[:2] == ["prefix-simba-base-iters"] * 2 and not any("Training clips" in name for name in names)
    assert [row["Similarity"].value for row in listed.rows[:3]] == [0.97, 0.95, 1.0]
    assert len(listed.rows) == remarks.LISTED and listed.left_out == 7


def test_copies_among_training_clips_are_explained_and_no_others(study):
    rows = every_score.every_score(study, "").rows
    marked = {(row["System"].text, row["Score"].text) for row in rows if TRAINING_COPIES in row["Warnings"].subs}
    assert marked == {("Training clips through the codec", "Copies of training clips")}


def test_an_extrapolated_distance_shows_its_fit(study):
    table = study["comparison"]
    extrapolated = table["metric"] == "frechet_infinity"
    fitted = table.assign(
        slope=np.where(extrapolated, 1234.4, np.nan), r_squared=np.where(extrapolated, 0.98765, np.nan)
    )
    assert {fits for metric, fits in fits_of(study, fitted) if metric == EXTRAPOLATED} == {
        "fit a + b/n: b = 1,234, R² = 0.988"
    }
    assert {fits for metric, fits in fits_of(study, fitted) if metric != EXTRAPOLATED} == {""}
    older = table.drop(columns=["slope", "r_squared"])
    assert {fit for _, fit in fits_of(study, older)} == {""}


def fits_of(study, table):
    """The metric and the fit of every row that the page has of a comparison."""
    rows = every_score.every_score(replace(study, tables={**study.tables, "comparison": table}), "").rows
    return [(row["Score"].text, " ".join(sub for sub in row["Value"].subs if sub.startswith("fit"))) for row in rows]
