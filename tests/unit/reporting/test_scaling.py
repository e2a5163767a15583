"""Score against size: slopes, and what a fourth of the parameters costs."""

import numpy as np
import pandas as pd
import pytest
from curves_of import comparison
from scipy import stats

from ssmttm.reporting.scaling import SCALING, SUMMARY, line, scaling, scaling_summary

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
    assert list(found.columns) == SCALING
    assert list(found["size"]) == list(SIZES)
    assert found["fraction"].to_list() == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8, 1 / 16])
    assert set(found["interval"]) == {"captions"}
    assert (found["high"] - found["low"]).to_list() == pytest.approx([1.0] * 5)


def test_the_slope_is_the_change_with_each_halving():
    found = scaling_summary(study(lambda i, s: 70 + 3 * i)).iloc[0]
    assert found["slope"] == pytest.approx(3)
    sigma = 0.5 / stats.norm.ppf(0.975)
    half = stats.norm.ppf(0.975) * sigma / np.sqrt(10)  # sum of squares of -2, -1, 0, 1, 2
    assert (found["slope_low"], found["slope_high"]) == pytest.approx((3 - half, 3 + half))


def test_scatter_about_the_line_widens_the_slopes_interval():
    straight = scaling_summary(study(lambda i, s: 70 + 3 * i)).iloc[0]
    bent = scaling_summary(study(lambda i, s: 70 + 3 * i + 4 * (-1) ** i)).iloc[0]
    assert bent["slope_high"] - bent["slope_low"] > 3 * (straight["slope_high"] - straight["slope_low"])


def test_slopes_need_three_sizes_and_scaling_two():
    two = scaling_summary(study(lambda i, s: 70 + 3 * i, some(2))).iloc[0]
    assert np.isnan(two["slope"])
    assert "2 sizes" in two["slope_note"]
    one = study(lambda i, s: 70, some(1))
    assert scaling(one).empty
    assert scaling_summary(one).empty
    assert list(scaling_summary(one).columns) == SUMMARY
    assert (scaling(one).dtypes == scaling(study(lambda i, s: i)).dtypes).all()


def test_iterations_and_flops_are_two_bases_and_hours_none():
    table = pd.concat(
        [
            study(lambda i, s: 70 + 3 * i),
            study(lambda i, s: 70 + i, budget_kind="flops", budget=6.9e19),
            study(lambda i, s: 70 + i, budget_kind="gpu_hours", budget=10.0),
        ]
    )
    found = scaling_summary(table).set_index("basis")["slope"]
    assert found.to_dict() == pytest.approx({"flops": 1, "iterations": 3})


def test_seeds_are_averaged_with_students_interval():
    found = scaling(study(lambda i, s: 70 + 3 * i + s, seeds=(1, 2, 3))).iloc[0]
    half = stats.t.ppf(0.975, 2) / np.sqrt(3)
    assert (found["seeds"], found["value"]) == (3, 72)
    assert (found["low"], found["high"]) == pytest.approx((72 - half, 72 + half))
    assert found["interval"] == "seeds"


def test_a_fourth_is_paired_by_seed_so_that_the_seeds_own_spread_cancels():
    found = scaling_summary(study(lambda i, s: 70 + 3 * i + 10 * s, seeds=(1, 2, 3))).iloc[0]
    assert (found["quarter"], found["paired"], found["seeds"]) == ("quarter", "by seed", 3)
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
    found = scaling_summary(table, pd.DataFrame(rows)).iloc[0]
    assert found["paired"] == "by caption"
    assert (found["difference"], found["low"], found["high"]) == (6, 5, 8)


def test_a_fourth_without_pairs_adds_both_intervals():
    found = scaling_summary(study(lambda i, s: 70 + 3 * i), pd.DataFrame()).iloc[0]
    assert found["paired"] == "no"
    assert (found["low"], found["high"]) == pytest.approx((6 - np.hypot(0.5, 0.5), 6 + np.hypot(0.5, 0.5)))


def test_a_study_without_a_fourth_says_which_shares_it_has():
    found = scaling_summary(study(lambda i, s: 70 + 3 * i, some(2))).iloc[0]
    assert np.isnan(found["difference"])
    assert found["note"] == "no size near a fourth of the parameters; shares are 0.5"


def test_an_ablation_is_not_averaged_with_its_design():
    table = study(lambda i, s: 70 + 3 * i)
    twin = table[table["size"] == "half"].assign(system="half-lr", value=10.0)
    assert "half" not in set(scaling(pd.concat([table, twin]))["size"])


def test_a_line_through_exact_points_has_no_error_and_weights_count():
    x = np.arange(4.0)
    assert line(x, 2 + 3 * x, np.zeros(4)) == pytest.approx((3, 0), abs=1e-12)
    assert line(x, np.array([0, 1, 2, 50.0]), np.array([1, 1, 1, 1e3]))[0] == pytest.approx(1, abs=0.01)
