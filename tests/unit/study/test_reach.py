"""What a design spends to score as well as a target."""

import numpy as np
import pandas as pd
import pytest
from curves_of import STEPS, comparison, judged, law, paired, progress, with_intervals

from ssmttm.errors import UserError
from ssmttm.statistics.noise import Noise
from ssmttm.statistics.power_law import LEVEL
from ssmttm.study.fits import points
from ssmttm.study.reach import (
    EXTRAPOLATED,
    FIRST,
    INTERPOLATED,
    NEVER,
    OPEN,
    SHARE,
    TREND,
    UNKNOWN,
    default_targets,
    improves,
    reach,
)
from ssmttm.tables import SCHEMAS


def answer(values, target, cost="flops", half=0.0, steps=STEPS, **more):
    rows = progress(values, steps, half=half, **more)
    system = comparison([{"system": "t", "better": rows["better"].iloc[0], **target}])
    found = reach(rows, system, ["t"], cost, Noise(1))
    assert len(found) == 1
    return found.iloc[0]


def against(values, others, steps=STEPS, half=0.0, drawn=None):
    """A design's `values` and a Transformer's `others`, whose last is the score to be reached; both at `steps`."""
    own, theirs = progress(values, steps, half), progress(others, steps, half, run="t", variant="transformer")
    rows = pd.concat([own, theirs], ignore_index=True)
    rows.loc[rows.index[-1], "checkpoint"] = "final"
    noise = Noise(1)
    if drawn is not None:
        rows, noise = with_intervals(rows, drawn), paired(rows, drawn)
    last = rows.iloc[-1]
    spent = {"steps": last["steps"], "flops_spent": last["flops"]}
    target = comparison([{"system": "t", **{k: last[k] for k in ("value", "low", "high")}, **spent}])
    return {name: reach(rows, target, ["t"], "steps", n).iloc[0] for name, n in (("shared", noise), ("own", Noise(1)))}


def test_a_target_at_a_measured_point_is_reached_there():
    found = answer(law(STEPS), {"value": law(20_000)})
    assert found["value"] == pytest.approx(20_000 * 7e14)
    assert found["note"] == INTERPOLATED
    assert found["ratio"] == pytest.approx(20_000 * 7e14 / 7e19)
    assert found["target_cost"] == 7e19


def test_between_points_the_score_is_linear_in_the_logarithm_of_the_cost():
    found = answer([100, 80, 70, 65], {"value": 75}, "steps", steps=np.array([1e3, 1e4, 1e5, 1e6]))
    assert found["value"] == pytest.approx(10**4.5)


def test_other_units_of_cost_scale_the_answer():
    answers = [answer(law(STEPS), {"value": 75.0}, cost, half=1.0) for cost in ("steps", "flops", "clips_seen")]
    for end in ("value", "low", "high"):
        assert answers[1][end] == pytest.approx(answers[0][end] * 7e14)
        assert answers[2][end] == pytest.approx(answers[0][end] * 128)


def test_a_better_target_costs_more():
    costs = [answer(law(STEPS), {"value": v})["value"] for v in (120, 100, 80, 70, 66, 63, 61)]
    assert (np.diff(costs) > 0).all()


def test_beyond_the_last_point_the_fit_answers_and_says_so():
    found = answer(law(STEPS), {"value": law(1e6)}, "steps")
    assert found["note"] == EXTRAPOLATED
    assert found["value"] == pytest.approx(1e6, rel=1e-3)


def test_a_target_beyond_the_limit_is_never_reached():
    found = answer(law(STEPS), {"value": 55.0}, half=0.2)
    assert found["note"].startswith(NEVER)
    assert "it tends to 60.0, the target has 55.0" in found["note"]
    assert found[["value", "ratio", "high"]].isna().all()


def test_a_target_near_the_limit_has_no_upper_end():
    found = answer(law(STEPS), {"value": 60.5}, half=2.0)
    assert found["note"] == f"{EXTRAPOLATED}; {OPEN}"
    assert np.isfinite(found["value"])
    assert np.isnan(found["high"])


def test_the_first_point_is_an_upper_bound():
    found = answer(law(STEPS), {"value": 1000.0}, "steps")
    assert (found["value"], found["low"], found["note"]) == (5000, 0, FIRST)


def test_without_a_fit_what_is_not_measured_is_not_known():
    found = answer([100, 80, 70], {"value": 60}, steps=STEPS[:3])
    assert "not reached by the last measured point, and no curve tells of more: 3 different costs" in found["note"]
    assert np.isnan(found["value"])
    inside = answer([100, 80, 70], {"value": 75}, steps=STEPS[:3])
    assert inside["note"] == INTERPOLATED  # the measured range needs no fit


def test_a_single_lucky_point_does_not_reach_the_target():
    values = [100, 90, 62, 88, 80, 75, 72, 70]
    found = answer(values, {"value": 73}, "steps", half=1.0)
    assert found["value"] > 40_000


def test_higher_is_better_is_the_same_upside_down():
    lower = answer(law(STEPS), {"value": 75.0, "low": 74.0, "high": 76.0}, half=1.0)
    higher = answer(-law(STEPS), {"value": -75.0, "low": -76.0, "high": -74.0}, half=1.0, better="higher")
    assert higher["value"] == pytest.approx(lower["value"])
    assert higher["high"] / higher["low"] == pytest.approx(lower["high"] / lower["low"], rel=0.3)


def test_intervals_hold_the_true_cost_as_often_as_they_say():
    rng, hits = np.random.default_rng(0), 0
    dense = np.geomspace(5e3, 1e5, 10)
    for trial in range(40):
        rows = progress(law(dense) + rng.normal(size=10), dense, half=1.96)
        aim = law(3e4) + rng.normal()
        target = comparison([{"system": "t", "value": aim, "low": aim - 1.96, "high": aim + 1.96}])
        found = reach(rows, target, ["t"], "steps", Noise(trial, most=100)).iloc[0]
        hits += found["low"] <= 3e4 <= (found["high"] if np.isfinite(found["high"]) else np.inf)
    assert hits >= 35


def test_the_targets_own_error_widens_the_interval():
    exact, vague = (
        answer(law(STEPS), {"value": 75.0, "low": 75 - half, "high": 75 + half}, "steps", half=0.5) for half in (0, 3)
    )
    assert vague["high"] - vague["low"] > 1.5 * (exact["high"] - exact["low"])
    assert exact["low"] <= exact["value"] <= exact["high"]


def test_a_run_is_compared_with_other_variants_of_its_own_size():
    rows = pd.concat(
        [
            progress(law(STEPS), run="a", size="quarter", parameters=7e7),
            progress(law(STEPS), run="b"),
            progress(law(STEPS), run="c", variant="transformer", size="quarter", parameters=7e7),
        ]
    )
    targets = comparison([{"system": "t", "value": 75.0, "size": "quarter"}])
    found = reach(rows, targets, ["t"], "steps", Noise(1))
    assert list(zip(found["variant"], found["size"])) == [("simba", "quarter")]


def test_a_target_without_costs_has_no_ratio_and_an_unknown_one_is_an_error():
    outside = {"kind": "external", "system": "musicgen-small", "variant": None, "size": None, "flops_spent": np.nan}
    found = reach(progress(law(STEPS)), comparison([{**outside, "value": 75.0}]), ["musicgen-small"], "flops", Noise(1))
    assert found["value"].notna().all()
    assert found[["ratio", "ratio_low", "target_cost"]].isna().all().all()
    with pytest.raises(UserError, match="no scores of gone"):
        reach(progress(law(STEPS)), comparison([{**outside, "value": 75.0}]), ["gone"], "flops", Noise(1))
    empty = reach(progress(law(STEPS)), comparison([{**outside, "value": 75.0}]), [], "flops", Noise(1))
    assert list(empty.columns) == list(found.columns) == SCHEMAS["reach"].names


def test_default_targets_are_the_largest_transformers_and_every_musicgen():
    table = comparison(
        [
            {"system": "t-base", "variant": "cross-transformer", "value": 1},
            {"system": "t-quarter", "variant": "cross-transformer", "value": 1, "parameters": 70_000_000},
            {"system": "s-base", "variant": "prefix-simba", "value": 1},
            {"system": "MusicGen-small", "kind": "external", "value": 1},
            {"system": "noise", "kind": "baseline", "value": 1},
        ]
    )
    assert default_targets(table) == ["t-base", "MusicGen-small"]


@pytest.mark.parametrize("rising", [[60, 64, 67, 69], [60, 60, 60, 60], [64, 60, 65, 62]])
def test_a_score_that_does_not_improve_with_cost_has_no_cost(rising):
    found = answer(rising, {"value": 70.0}, half=1.0, steps=STEPS[:4])
    assert found["note"] in (TREND, LEVEL)
    assert found[["value", "low", "high", "ratio", "target_cost"]].isna().all()


def test_a_fit_without_a_fall_is_named():
    found = answer(100 + STEPS * 1e-3, {"value": 120.0}, half=1.0)
    assert found["note"] == LEVEL
    assert np.isnan(found["value"])


def test_the_cost_is_divided_by_what_the_target_itself_needed():
    found = against([100, 90, 80, 70], [95, 85, 75, 75], STEPS[:4])["own"]
    assert found["target_cost"] == pytest.approx(15_000)  # and not the 20,000 that it spent
    assert found["value"] == pytest.approx(np.sqrt(15_000 * 20_000))
    assert found["ratio"] == pytest.approx(found["value"] / 15_000)


def test_a_target_that_does_not_improve_has_no_cost_of_its_own():
    found = against([100, 90, 80, 70], [70, 72, 74, 76], STEPS[:4])["own"]
    assert found["note"] == f"{INTERPOLATED}; {SHARE}"
    assert np.isfinite(found["value"])
    assert found[["ratio", "ratio_low", "target_cost"]].isna().all()


def test_what_noise_leaves_open_on_both_sides_has_no_value():
    found = answer([100, 99, 98, 97, 96, 95, 94, 93], {"value": 97.0, "low": 80.0, "high": 114.0}, half=0.5)
    assert found["note"] == UNKNOWN
    assert found[["value", "high", "ratio"]].isna().all()
    assert found["low"] == 0


def test_captions_in_common_cancel_between_a_design_and_its_target():
    rng, hits, widths = np.random.default_rng(0), 0, []
    steps = np.geomspace(5e3, 1e5, 8)
    truth = (2.4e4 / 3e4) ** (-1 / 0.6)  # of the costs of one score, by laws with the same limit
    for _ in range(20):
        value, drawn = judged(np.append(law(steps), law(steps, scale=2.4e4)), rng, common=6.0, count=100)
        found = against(value[:8], value[8:], steps, drawn=drawn)
        ends = {name: row[["ratio_low", "ratio_high"]].fillna(np.inf).to_numpy(float) for name, row in found.items()}
        hits += ends["shared"][0] <= truth <= ends["shared"][1]
        widths.append([np.log(ends[name][1] / ends[name][0]) for name in ("shared", "own")])
    assert hits >= 17
    shared, own = np.median(widths, axis=0)
    assert shared < 0.6 * own


def test_improvement_must_stand_out_of_noise_and_scatter():
    def found(values, half):
        return improves(next(points(progress(values, STEPS, half=half), "steps")), Noise(1), 0.95)

    scattered = np.array([80, 60, 85, 55, 80, 60, 75, 58.0])
    assert found(law(STEPS), 1.0) and not found(law(STEPS), 200.0)
    assert not found(scattered, 0.1)
    assert not found(-law(STEPS), 1.0)
