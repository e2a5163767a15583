"""Clips that are named on the page, and marks in the table of all scores."""

from dataclasses import replace

import numpy as np
import pytest

from ssmttm.report.inputs import read_study
from ssmttm.report.scoreboard import TRAINING_COPIES
from ssmttm.report.sections import every_score, remarks


@pytest.fixture(scope="module")
def study(results):
    return read_study(results["studies"][0])


def with_copies(study, copies):
    """The study whose systems have so many copies, each with a similarity."""
    summary = dict(study.summary)
    for kind in ("runs", "baselines"):
        summary[kind] = {
            name: {
                **told,
                "copies": {
                    "musicnn": [
                        {"generated": f"{name} {s}", "training": "t@0", "similarity": s} for s in copies.get(name, [])
                    ]
                },
            }
            for name, told in study.summary[kind].items()
        }
    return replace(study, summary=summary)


def test_runs_come_before_baselines_and_training_clips_are_left_out(study):
    crowd = [1.0] * (remarks.SHOWN + 5)
    told = with_copies(study, {"prefix-simba-base-iters": [0.95, 0.97], "originals": crowd, "training": crowd})
    listed = remarks.copies(told)
    names = [row[0]["text"] for row in listed.rows]
    assert names[:2] == ["prefix-simba-base-iters"] * 2 and not any("Training clips" in name for name in names)
    assert [row[4]["value"] for row in listed.rows[:3]] == [0.97, 0.95, 1.0]
    assert len(listed.rows) == remarks.SHOWN and listed.left_out == 7


def test_copies_among_training_clips_are_told_of_and_no_others(study):
    marked = {(row["system"], row["key"]) for row in every_score.rows(study) if TRAINING_COPIES in row["warnings"]}
    assert marked == {("training", "training_copies")}


def test_an_extrapolated_distance_shows_its_fit(study):
    table = study["comparison"]
    extrapolated = table["metric"] == "frechet_infinity"
    fitted = table.assign(
        slope=np.where(extrapolated, 1234.4, np.nan), r_squared=np.where(extrapolated, 0.98765, np.nan)
    )
    rows = every_score.rows(replace(study, tables={**study.tables, "comparison": fitted}))
    assert {row["fit"] for row in rows if row["key"] == "frechet_infinity"} == {"fit a + b/n: b = 1,234, R² = 0.988"}
    assert {row["fit"] for row in rows if row["key"] != "frechet_infinity"} == {""}
    older = table.drop(columns=["slope", "r_squared"], errors="ignore")
    assert {row["fit"] for row in every_score.rows(replace(study, tables={**study.tables, "comparison": older}))} == {
        ""
    }
