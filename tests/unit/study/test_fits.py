"""Power laws: what is put in comes out, with intervals that hold it, or is refused."""

import numpy as np
import pandas as pd
import pytest
from curves_of import STEPS, judged, law, paired, progress, with_intervals

from ssmttm.errors import UserError
from ssmttm.statistics.noise import Noise
from ssmttm.study.fits import COSTS, curves, fits, points
from ssmttm.tables import SCHEMAS


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_noiseless_points_give_their_own_numbers_back():
    found = only(fits(progress(law(STEPS)), "steps", Noise(1)))
    assert found["note"] == ""
    assert found[["limit", "scale", "exponent"]].to_numpy(float) == pytest.approx([60, 3e4, 0.6], rel=1e-5)
    assert found[["limit_low", "limit_high"]].to_numpy(float) == pytest.approx([60, 60], rel=1e-5)
    assert found["r2"] == pytest.approx(1)
    assert found["points"] == 8


def test_higher_is_better_is_the_same_law_upside_down():
    value, drawn = judged(law(STEPS), np.random.default_rng(0))
    rows, turned = progress(value, half=1.0), progress(-value, half=1.0, better="higher")
    low, high = only(fits(rows, "steps", paired(rows, drawn))), only(fits(turned, "steps", paired(turned, -drawn)))
    assert high["limit"] == -low["limit"]
    assert (high["limit_low"], high["limit_high"]) == pytest.approx((-low["limit_high"], -low["limit_low"]))
    assert (high["scale"], high["exponent_low"]) == pytest.approx((low["scale"], low["exponent_low"]))


def test_other_units_of_cost_change_the_scale_alone():
    noisy = progress(law(STEPS) + np.random.default_rng(0).normal(size=8), half=2.0)
    steps, flops = (only(fits(noisy, cost, Noise(1))) for cost in ("steps", "flops"))
    same = ["limit", "limit_low", "limit_high", "exponent", "exponent_low", "exponent_high", "r2"]
    assert list(steps[same]) == list(flops[same])
    assert flops["scale"] == pytest.approx(steps["scale"] * 7e14 ** steps["exponent"])


def intervals(rows, noise):
    """Of limit, exponent and the curve at 300,000 steps `[3, 2]`; None without a fit."""
    (group,) = points(rows, "steps")
    found = group.law(noise)
    if found.note:
        return None
    low, high = found.predict_interval(np.array([3e5]), 0.95)
    return np.array([found.interval(0, 0.95), found.interval(2, 0.95), (low[0], high[0])])


def share(found):
    """How often the intervals hold the truth, and how wide they are."""
    kept = np.array([ends for ends in found if ends is not None])
    assert len(kept) > 0.85 * len(found)
    truth = np.array([60.0, 0.6, law(3e5)])
    return ((kept[..., 0] <= truth) & (truth <= kept[..., 1])).mean(0), np.median(kept[..., 1] - kept[..., 0], axis=0)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    rows = [progress(law(STEPS) + 2 * rng.normal(size=8), half=1.96 * 2) for _ in range(80)]
    held, _ = share([intervals(r, Noise(trial, most=100)) for trial, r in enumerate(rows)])
    assert (held > 0.88).all()


def test_captions_in_common_move_the_limit_and_not_the_shape():
    rng, together, apart = np.random.default_rng(2), [], []
    steps = np.geomspace(2e3, 1e6, 12)  # far into the level part, so that the limit is all but measured
    for trial in range(50):
        value, drawn = judged(law(steps), rng, count=100)
        rows = with_intervals(progress(value, steps), drawn)
        together.append(intervals(rows, paired(rows, drawn, seed=trial)))
        apart.append(intervals(rows, Noise(trial, most=100)))
    (held, wide), (alone, alone_wide) = share(together), share(apart)
    assert (held > 0.85).all()
    assert alone[0] < 0.85 and alone_wide[0] < 0.8 * wide[0]  # what is in common doesn't average out
    assert wide[1] < 0.5 * alone_wide[1]  # and doesn't bend the curve


def test_noisier_points_and_scatter_widen_the_interval():
    def width(values, half):
        found = only(fits(progress(values, half=half), "steps", Noise(1)))
        return found["limit_high"] - found["limit_low"]

    scattered = law(STEPS) + np.array([3, -3, 3, -3, 3, -3, 3, -3.0])
    assert width(law(STEPS), 1.0) < width(law(STEPS), 3.0)
    assert width(law(STEPS), 0.2) < width(scattered, 0.2)


def test_a_point_with_a_wide_interval_weighs_little():
    rows = progress(law(STEPS), half=0.1)
    rows.loc[3, ["value", "low", "high"]] = [200.0, -800.0, 1200.0]
    assert only(fits(rows, "steps", Noise(1)))["limit"] == pytest.approx(60, abs=0.5)


def test_the_same_seed_gives_the_same_table_and_order_does_not_matter():
    noisy = progress(law(STEPS) + np.random.default_rng(3).normal(size=8), half=2.0)
    once = fits(noisy, "steps", Noise(1))
    pd.testing.assert_frame_equal(once, fits(noisy.sample(frac=1, random_state=0), "steps", Noise(1)))
    assert fits(noisy, "steps", Noise(2))["limit_low"].iloc[0] != once["limit_low"].iloc[0]


@pytest.mark.parametrize(
    ("values", "steps", "said"),
    [
        (law(STEPS[:3]), STEPS[:3], "3 different costs"),
        (law(STEPS[[0, 1, 2, 2, 2]]), STEPS[[0, 1, 2, 2, 2]], "3 different costs"),
        (100 + STEPS * 1e-3, STEPS, "doesn’t improve"),
        (200 - 10 * np.log(STEPS), STEPS, "logarithm"),
        ([200, 60, 60, 60, 60, 60, 60, 60], STEPS, "before the second cost"),
        (np.full(8, 60.0), STEPS, "the same at every cost"),
        (70 + np.array([5, -6, 7, -5, 6, -7, 5, -6.0]), STEPS, "shape"),
    ],
)
def test_points_without_a_power_law_are_refused_with_a_reason(values, steps, said):
    found = only(fits(progress(values, steps, half=0.5), "steps", Noise(1)))
    assert said in found["note"]
    assert found[["limit", "limit_low", "scale", "exponent", "exponent_high", "r2"]].isna().all()
    assert curves(progress(values, steps, half=0.5), "steps", Noise(1)).empty


def test_unlike_runs_are_not_put_on_one_curve():
    base = progress(law(STEPS))
    small = progress(law(STEPS) + 30, run="b", size="quarter", parameters=70_000_000)
    ablation = progress(law(STEPS) + 50, run="c", variant="mamba")
    twin = progress(law(STEPS) + 90, run="d", variant="mamba")
    found = fits(pd.concat([base, small, ablation, twin]), "steps", Noise(1))
    assert list(found["variant"]) == ["simba"]
    assert found["limit"].iloc[0] == pytest.approx(60, rel=1e-5)
    assert fits(pd.concat([base, small]), "steps", Noise(1), size="quarter")["limit"].iloc[0] == pytest.approx(
        90, rel=1e-5
    )


def test_seeds_of_a_design_are_one_fit():
    both = pd.concat([progress(law(STEPS)), progress(law(STEPS), run="b", seed=2)])
    assert only(fits(both, "steps", Noise(1)))["points"] == 16


def test_curves_lie_within_their_intervals_over_the_measured_range():
    rows = progress(law(STEPS), half=1.0)
    found = curves(rows, "flops", Noise(1))
    assert list(found.columns) == SCHEMAS["fit_curves"].names
    assert (found["at"].iloc[0], found["at"].iloc[-1]) == pytest.approx((rows["flops"].min(), rows["flops"].max()))
    assert (found["low"] < found["value"]).all()
    assert (found["value"] < found["high"]).all()
    assert (np.diff(found["value"]) < 0).all()


def test_columns_are_the_same_with_and_without_rows():
    full, empty = (fits(rows, "steps", Noise(1)) for rows in (progress(law(STEPS)), progress([], [])))
    assert list(full.columns) == list(empty.columns) == SCHEMAS["fits"].names
    assert (full.dtypes == empty.dtypes).all()


def test_a_missing_number_or_axis_is_an_error():
    rows = progress(law(STEPS))
    with pytest.raises(UserError, match="no cost axis 'tokens'; there are steps, flops"):
        fits(rows, "tokens", Noise(1))
    for column, value in (("value", np.nan), ("gpu_hours", np.nan), ("gpu_hours", 0.0)):
        broken = rows.assign(**{column: value})
        with pytest.raises(UserError, match="progress of a: gpu_hours, value, low and high must be numbers"):
            fits(broken, "gpu_hours", Noise(1))
    assert set(COSTS) == {"steps", "flops", "gpu_hours", "clips_seen"}
