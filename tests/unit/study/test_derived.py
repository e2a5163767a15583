"""All derived tables at once, written and read again."""

import numpy as np
import pandas as pd
import pytest
from curves_of import STEPS, comparison, law, progress

from ssmttm.statistics.noise import Noise
from ssmttm.study.derive import TABLES, derived
from ssmttm.study.fits import COSTS


def ended(rows):
    """Each row as the end of a run of its own, under a budget of its own."""
    names = rows["run"] + "-" + rows["steps"].astype(str)
    return rows.assign(run=names, checkpoint="final", budget=rows["steps"])


@pytest.fixture(scope="module")
def tables():
    scores = [
        {"system": f"{variant}-{size}-{seed}", "variant": variant, "size": size, "seed": seed, "value": value + seed}
        | {"parameters": parameters}
        for variant, value in (("simba", 70.0), ("cross-transformer", 74.0))
        for size, parameters in (("base", 280_000_000), ("half", 140_000_000), ("quarter", 70_000_000))
        for seed in (1, 2)
    ]
    rows = [
        ended(progress(law(STEPS) + np.cos(STEPS), half=1.0, run=f"{variant}-{seed}", variant=variant, seed=seed))
        for variant in ("simba", "cross-transformer")
        for seed in (1, 2)
    ]
    return derived(comparison(scores), pd.concat(rows), pd.DataFrame(), Noise(1), confidence=0.95)


def test_every_table_is_there_with_rows_for_every_axis(tables):
    assert tuple(tables) == TABLES
    assert all(len(frame) for frame in tables.values())
    for name in ("fits", "fit_curves", "reach"):
        assert set(tables[name]["cost"]) == set(COSTS)
    assert set(tables["reach"]["target"]) == {"cross-transformer-base-1", "cross-transformer-base-2"}


def test_tables_survive_parquet(tables, tmp_path):
    for name, frame in tables.items():
        frame.to_parquet(tmp_path / name, index=False)
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / name), frame, check_dtype=False)


def test_one_run_of_few_points_gives_tables_that_say_why_they_are_empty(tables):
    one = comparison([{"system": "simba", "variant": "simba", "value": 70.0}])
    found = derived(one, ended(progress(law(STEPS[:3]), STEPS[:3])), pd.DataFrame(), Noise(1), confidence=0.95)
    assert set(found["fits"]["note"]) == {"3 different costs, and a fit needs 4"}
    for name in TABLES[1:]:
        assert found[name].empty
        assert list(found[name].columns) == list(tables[name].columns)
