"""Means over seeds and tests between designs, against closed forms."""

import numpy as np
import pandas as pd
import pytest
from curves_of import comparison
from scipy import stats

from ssmttm.study.seeds import seed_means, seed_tests
from ssmttm.tables import SCHEMAS

SCORES = {"simba": [70.0, 74.0, 72.0], "transformer": [80.0, 83.0, 83.5], "mamba": [71.0, 73.5, 73.0]}


def study(scores=SCORES, **more):
    return comparison(
        [
            {"system": f"{variant}-{seed}", "variant": variant, "seed": seed, "value": value, **more}
            for variant, values in scores.items()
            for seed, value in enumerate(values, 1)
        ]
    )


def test_means_have_students_interval():
    found = seed_means(study()).set_index("variant").loc["simba"]
    half = stats.t.ppf(0.975, 2) * 2 / np.sqrt(3)
    assert found[["seeds", "mean", "low", "high"]].to_list() == pytest.approx([3, 72, 72 - half, 72 + half])


def test_designs_are_paired_by_seed():
    found = seed_tests(study()).set_index(["a", "b"]).loc[("simba", "transformer")]
    expected = stats.ttest_rel(SCORES["simba"], SCORES["transformer"])
    assert found["difference"] == pytest.approx(np.mean(SCORES["simba"]) - np.mean(SCORES["transformer"]))
    assert found["p_value"] == pytest.approx(expected.pvalue)
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected.confidence_interval()))


def test_every_pair_of_designs_stands_once_and_p_values_hold_for_all_of_them():
    found = seed_tests(study())
    assert set(zip(found["a"], found["b"])) == {("mamba", "simba"), ("mamba", "transformer"), ("simba", "transformer")}
    assert (found["p_adjusted"] >= found["p_value"]).all()


def test_only_seeds_in_common_are_paired():
    table = study({"simba": [70.0, 74.0, 72.0], "transformer": [80.0, 83.0]})
    assert seed_tests(table)["seeds"].to_list() == [2]
    assert seed_tests(study({"simba": [70.0, 74.0], "transformer": [80.0]})).empty


def test_kinds_of_score_budgets_and_sizes_are_not_mixed():
    other = [study(metric="kl"), study(embedder="clap"), study(reference="originals")]
    other += [study(budget=2e5), study(size="quarter")]
    tables = [t.assign(system=t["system"] + str(i)) if i > 2 else t for i, t in enumerate(other)]
    found = seed_means(pd.concat([study(), *tables]))
    assert len(found) == 6 * 3
    assert set(found["seeds"]) == {3}


def test_one_seed_gives_empty_tables():
    one = study({"simba": [70.0], "transformer": [80.0]})
    assert seed_means(one).empty
    assert seed_tests(one).empty
    assert list(seed_means(one).columns) == SCHEMAS["seeds"].names
    assert list(seed_tests(one).columns) == SCHEMAS["seed_tests"].names
    assert (seed_means(one).dtypes == seed_means(study()).dtypes).all()
    assert (seed_tests(one).dtypes == seed_tests(study()).dtypes).all()


def test_an_ablation_is_no_seed_of_its_design():
    table = pd.concat([study(), comparison([{"system": "simba-lr", "variant": "simba", "seed": 1, "value": 10.0}])])
    simba = seed_means(table).set_index("variant").loc["simba"]
    assert (simba["seeds"], simba["mean"]) == (2, 73.0)


def test_baselines_are_no_runs():
    table = pd.concat([study(), comparison([{"system": "noise", "kind": "baseline", "value": 500.0}])])
    pd.testing.assert_frame_equal(seed_means(table), seed_means(study()))
