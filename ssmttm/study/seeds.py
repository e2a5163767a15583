"""Several seeds: each design's mean with its interval, and designs against one another over the same seeds."""

from itertools import combinations

import pandas as pd

from ssmttm.statistics.paired import holm, paired_seeds, seed_interval
from ssmttm.study.frames import SCORE, frame_of, without_twins
from ssmttm.study_rows import DesignMean, DesignTest

GROUP = [*SCORE, "budget_kind", "budget", "size"]


def seed_means(comparison: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """The table `seeds`: mean over seeds, with Student's t interval, of every design trained more than once.

    Empty where no design was. Rows of `comparison` in; those that aren't runs, or that `twins` names, are left out.
    """
    columns = [*GROUP, "variant"]
    rows = []
    for key, group in _runs(comparison).groupby(columns, sort=True):
        if len(group) > 1:
            mean = seed_interval(group["value"].to_numpy(float), confidence)
            rows.append(DesignMean(**dict(zip(columns, key)), **vars(mean)))
    return frame_of(rows, "seeds")


def seed_tests(comparison: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """The table `seed_tests`: paired t tests between designs over the seeds that both were trained with.

    `difference` is a less b. `p_adjusted` is Holm's (1979), over the pairs of one kind of score,
    budget and size. Pairs with fewer than two seeds in common have no row.
    """
    rows = []
    for key, group in _runs(comparison).groupby(GROUP, sort=True):
        scores = group.pivot(index="seed", columns="variant", values="value").astype(float)
        tests = {}
        for a, b in combinations(scores.columns, 2):
            both = scores[[a, b]].dropna()
            if len(both) > 1:
                tests[a, b] = paired_seeds(both[a].to_numpy(), both[b].to_numpy(), confidence)
        adjusted = holm([test.p_value for test in tests.values()])
        rows += [
            DesignTest(
                **dict(zip(GROUP, key)),
                a=a,
                b=b,
                difference=test.difference,
                low=test.low,
                high=test.high,
                p_value=test.p_value,
                p_adjusted=p,
                seeds=test.pairs,
            )
            for ((a, b), test), p in zip(tests.items(), adjusted)
        ]
    return frame_of(rows, "seed_tests")


def _runs(comparison: pd.DataFrame) -> pd.DataFrame:
    return without_twins(comparison[comparison["kind"] == "run"])
