"""Score against size: slopes, and what a fourth of the parameters costs."""

import numpy as np
import pandas as pd
import pytest
from curves_of import comparison, judged, paired, with_intervals
from scipy import stats

from ssmttm.statistics.noise import Noise
from ssmttm.study.scaling import scaling, scaling_summary
from ssmttm.tables import SCHEMAS

SIZES = {"base": 280e6, "half": 140e6, "quarter": 70e6, "eighth": 35e6, "sixteenth": 17.5e6}


def study(score, sizes=SIZES, seeds=(1,), half=0.5, **more):
    """Runs whose score is a function of size number and seed."""
    rows = [
        {"system": f"{name}-{seed}-{more.get('budget_kind', '')}", "variant": "simba", "size": name, "seed": seed}
        | {"parameters": int(parameters), "value": score(i, seed)}
        | {"low": score(i, seed) - half, "high": score(i, seed) + half, **more}
        for i, (name, parameters) in enumerate(sizes.items())
        for seed in seeds
    ]
    return comparison(rows)


def some(count):
    return dict(list(SIZES.items())[:count])


def test_sizes_stand_in_order_with_their_share_of_the_largest():
    found = scaling(study(lambda i, s: 70 + 3 * i))
    assert list(found.columns) == SCHEMAS["scaling"].names
    assert list(found["size"]) == list(SIZES)
    assert found["fraction"].to_list() == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8, 1 / 16])
    assert set(found["interval"]) == {"captions"}
    assert (found["high"] - found["low"]).to_list() == pytest.approx([1.0] * 5)


def test_the_slope_is_the_change_with_each_halving():
    found = scaling_summary(study(lambda i, s: 70 + 3 * i), Noise(1)).iloc[0]
    assert found["slope"] == pytest.approx(3)
    sigma = 0.5 / stats.norm.ppf(0.975)
    half = stats.norm.ppf(0.975) * sigma / np.sqrt(10)  # sum of squares of -2, -1, 0, 1, 2
    assert (found["slope_low"], found["slope_high"]) == pytest.approx((3 - half, 3 + half))


def test_scatter_about_the_line_widens_the_slopes_interval():
    straight = scaling_summary(study(lambda i, s: 70 + 3 * i), Noise(1)).iloc[0]
    bent = scaling_summary(study(lambda i, s: 70 + 3 * i + 4 * (-1) ** i), Noise(1)).iloc[0]
    assert bent["slope_high"] - bent["slope_low"] > 3 * (straight["slope_high"] - straight["slope_low"])


def test_slopes_need_three_sizes_and_scaling_two():
    two = scaling_summary(study(lambda i, s: 70 + 3 * i, some(2)), Noise(1)).iloc[0]
    assert np.isnan(two["slope"])
    assert "2 sizes" in two["slope_note"]
    one = study(lambda i, s: 70, some(1))
    assert scaling(one).empty
    assert scaling_summary(one, Noise(1)).empty
    assert list(scaling_summary(one, Noise(1)).columns) == SCHEMAS["scaling_summary"].names
    assert (scaling(one).dtypes == scaling(study(lambda i, s: i)).dtypes).all()


def test_iterations_and_flops_are_two_bases_and_hours_none():
    table = pd.concat(
        [
            study(lambda i, s: 70 + 3 * i),
            study(lambda i, s: 70 + i, budget_kind="flops", budget=6.9e19),
            study(lambda i, s: 70 + i, budget_kind="gpu_hours", budget=10.0),
        ]
    )
    found = scaling_summary(table, Noise(1)).set_index("basis")["slope"]
    assert found.to_dict() == pytest.approx({"flops": 1, "iterations": 3})


def test_seeds_are_averaged_with_students_interval():
    found = scaling(study(lambda i, s: 70 + 3 * i + s, seeds=(1, 2, 3))).iloc[0]
    half = stats.t.ppf(0.975, 2) / np.sqrt(3)
    assert (found["seeds"], found["value"]) == (3, 72)
    assert (found["low"], found["high"]) == pytest.approx((72 - half, 72 + half))
    assert found["interval"] == "seeds"


def test_a_fourth_is_paired_by_seed_so_that_the_seeds_own_spread_cancels():
    found = scaling_summary(study(lambda i, s: 70 + 3 * i + 10 * s, seeds=(1, 2, 3)), Noise(1)).iloc[0]
    assert (found["smaller"], found["paired"], found["seeds"]) == ("quarter", "by seed", 3)
    assert (found["difference"], found["low"], found["high"]) == pytest.approx(
        (6, 6, 6)
    )  # the seeds' own spread cancels


@pytest.mark.parametrize("swapped", [False, True])
def test_a_fourth_is_paired_by_caption_where_differences_are_known(swapped):
    table = study(lambda i, s: 70 + 3 * i)
    known = {"a": "quarter-1-", "b": "base-1-", "difference": 6.0, "low": 5.0, "high": 8.0}
    if swapped:
        known = {"a": "base-1-", "b": "quarter-1-", "difference": -6.0, "low": -8.0, "high": -5.0}
    rows = [{"embedder": "vggish", "metric": "frechet", "reference": "codec", **known}]
    rows.append({**rows[0], "metric": "kl", "difference": 99.0})
    found = scaling_summary(table, Noise(1), pd.DataFrame(rows)).iloc[0]
    assert found["paired"] == "by caption"
    assert (found["difference"], found["low"], found["high"]) == (6, 5, 8)


def test_a_fourth_without_pairs_adds_both_intervals():
    found = scaling_summary(study(lambda i, s: 70 + 3 * i), Noise(1), pd.DataFrame()).iloc[0]
    assert found["paired"] == "no"
    assert (found["low"], found["high"]) == pytest.approx((6 - np.hypot(0.5, 0.5), 6 + np.hypot(0.5, 0.5)))


def test_the_size_nearest_to_a_fourth_is_compared_and_its_share_is_said():
    two = scaling_summary(study(lambda i, s: 70 + 3 * i, some(2)), Noise(1)).iloc[0]
    assert (two["smaller"], two["fraction"], two["difference"]) == ("half", 0.5, 3)
    assert scaling_summary(study(lambda i, s: 70 + 3 * i), Noise(1)).iloc[0]["smaller"] == "quarter"


def test_shares_are_of_what_a_size_changes_where_that_is_counted():
    table = study(lambda i, s: 70 + 3 * i, {"base": 800e3, "half": 500e3, "quarter": 340e3})
    core = table.assign(core_parameters=[280_000, 140_000, 70_000])
    found = scaling_summary(core, Noise(1)).iloc[0]
    assert found["smaller"] == "quarter"
    assert (found["core_fraction"], found["fraction"]) == pytest.approx((0.25, 0.425))
    assert found["slope"] == pytest.approx(3)
    assert scaling(core)["core_fraction"].to_list() == [1, 0.5, 0.25]
    unknown = core.assign(core_parameters=pd.array([280_000, None, 70_000], dtype="Int64"))
    assert np.isnan(scaling_summary(unknown, Noise(1)).iloc[0]["core_fraction"])


def test_captions_in_common_cancel_in_the_slope():
    rng, hits, widths = np.random.default_rng(0), 0, []
    for trial in range(30):
        value, drawn = judged(70 + 3 * np.arange(5), rng)
        rows = with_intervals(study(lambda i, s, value=value: value[i]), drawn)
        both = [scaling_summary(rows, noise).iloc[0] for noise in (paired(rows, drawn, "system"), Noise(trial))]
        hits += both[0]["slope_low"] <= 3 <= both[0]["slope_high"]
        widths.append([row["slope_high"] - row["slope_low"] for row in both])
    assert hits >= 25
    together, apart = np.median(widths, axis=0)
    assert together < 0.4 * apart


def test_an_ablation_is_not_averaged_with_its_design():
    table = study(lambda i, s: 70 + 3 * i)
    twin = table[table["size"] == "half"].assign(system="half-lr", value=10.0)
    assert "half" not in set(scaling(pd.concat([table, twin]))["size"])
