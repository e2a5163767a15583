"""Clips that are named on the page."""

from dataclasses import replace

import pytest

from ssmttm.report.sections import remarks
from ssmttm.study.folder import read_study


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
