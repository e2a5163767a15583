"""The smaller tables as the page lists them: nothing but dashes becomes a sentence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ssmttm.report.scoreboard import Column
from ssmttm.report.sections.listing import fits, listings, reach, reaching
from ssmttm.study.folder import read_study
from ssmttm.study.reach import FIRST, TREND

COLUMNS = [Column("kl", "clap", "lower")]
SCORE = {"embedder": "clap", "metric": "kl", "reference": "codec", "variant": "simba", "size": "base"}
FIT = {**SCORE, "cost": "flops", **dict.fromkeys(("limit", "limit_low", "limit_high"), np.nan), "scale": np.nan}
FIT |= {**dict.fromkeys(("exponent", "exponent_low", "exponent_high", "r2"), np.nan), "points": 4, "note": "too noisy"}
REACH = {**SCORE, "target": "t", "target_value": 1.5, "cost": "flops", "value": 2e12, "low": 0.0, "high": 3e12}
REACH |= {"note": "", "ratio": 0.5, "ratio_low": 0.25, "ratio_high": np.nan}


def tables(**frames):
    progress = pd.DataFrame({"run": ["a", "a", "b", "theirs"], "checkpoint": ["0.5", "final", "0.5", None]})
    return {"progress": progress, **{name: pd.DataFrame(rows) for name, rows in frames.items()}}


def test_fits_that_all_failed_are_one_sentence_with_reasons_and_a_remedy():
    found = fits(tables(fits=[FIT, FIT, {**FIT, "note": "too few; here"}]), COLUMNS)
    assert not found.rows and found.left_out == 3
    assert "none of 3 curves could be fitted: too noisy (2), too few (1)." in found.empty
    assert "scores at 4 costs" in found.empty and "(now 1 a run)" in found.empty
    assert "evaluation.checkpoints" in found.empty


def test_one_fit_is_enough_to_show_them_all():
    assert len(fits(tables(fits=[FIT, {**FIT, "limit": 1.0, "note": ""}]), COLUMNS).rows) == 2
    assert (
        fits(tables(fits=[{**FIT, "metric": "other"}]), COLUMNS).empty
        == "a fit needs scores at several checkpoints of a run"
    )


def test_answers_that_are_all_missing_are_one_sentence():
    nothing = {**REACH, "value": np.nan, "note": f"{TREND}; no share"}
    found = reach(tables(reach=[nothing, nothing, {**REACH, "cost": "steps"}]), COLUMNS)
    assert not found.rows
    assert found.empty == f"none of 2 questions has an answer: {TREND} (2)"


def test_open_intervals_are_said_in_words():
    def form(value):
        return f"{value:g}"

    ends = [(2, 5), (0, 5), (None, 5), (2, None), (0, None), (None, None)]
    expected = ["2 to 5", "at most 5", "at most 5", "at least 2", "", ""]
    assert [reaching(low, high, form) for low, high in ends] == expected


def test_an_upper_bound_looks_like_one():
    (row,) = reach(tables(reach=[{**REACH, "note": FIRST}]), COLUMNS).rows
    assert (row["FLOPs"].text, row["FLOPs"].subs) == ("≤ 2.00×10¹²", ("at most 3.00×10¹²",))
    assert (row["Share of the target’s"].text, row["Share of the target’s"].subs) == ("50.0 %", ("at least 25.0 %",))


@pytest.fixture(scope="module")
def study(results):
    return read_study(results["studies"][0])


def test_smaller_sizes_are_told_with_the_share_that_their_name_is_about(study):
    columns = [Column("frechet", "musicnn", "lower")]
    rows = listings(study, columns)["scaling-summary"].rows
    assert rows
    for row in rows:
        assert "outside embeddings and heads" in row["Share of the parameters"].subs[0]
        assert row["Smaller less largest"].value is not None
    summary = study["scaling_summary"].assign(core_fraction=np.nan, slope=1.0)
    bare = listings(replace(study, tables={**study.tables, "scaling_summary": summary}), columns)["scaling-summary"]
    assert all(row["Share of the parameters"].subs == ("of all",) for row in bare.rows)
    assert "Each halving" not in rows[0] and all(row["Each halving"].number for row in bare.rows)


def test_differences_show_p_values_and_the_rule(study, page):
    rows = listings(study, [Column("kl", "musicnn", "lower")])["differences"].rows
    assert list(rows[0])[5:8] == ["p", "Adjusted p", "Verdict"]
    assert "needs an adjusted p below 0.05" in page
    assert all((row["Adjusted p"].value < 0.05) == ("better" in row["Verdict"].text) for row in rows)
