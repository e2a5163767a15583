"""Several seeds: each design's mean with its interval, and designs against one another over the same seeds."""

from itertools import combinations

import pandas as pd

from ssmttm.statistics.paired import holm, paired_seeds, seed_interval
from ssmttm.study.frames import SCORE, frame_of, twins, without_twins
from ssmttm.study_rows import DesignMean, DesignTest
from ssmttm.wording import counted, listed

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


def seeds_sentence(comparison: pd.DataFrame) -> str:
    """What the seeds of a study allow one to say, in a sentence or two."""
    runs = comparison[comparison["kind"] == "run"].drop_duplicates("system")
    counts = without_twins(runs).groupby(["variant", "size", "budget_kind", "budget"])["seed"].nunique()
    several = counts[counts > 1]
    if several.empty:
        said = (
            "One seed per design: the intervals cover which captions were drawn, not how a run would differ under "
            "another seed, so no difference between designs is tested over seeds."
        )
    elif len(several) == len(counts):
        low, high = several.min(), several.max()
        said = f"{counted(int(low), 'seed') if low == high else f'{low} to {high} seeds'} per design: means over seeds "
        said += "have Student’s t interval, and designs are tested in pairs over the same seeds."
    else:
        said = (
            f"{len(several)} of {counted(len(counts), 'design')} were trained with several seeds; the others’ "
            "intervals don’t cover how a run would differ under another seed."
        )
    if left := twins(runs):
        said += f" Not among them, since settings outside the table set them apart: {listed(left)}."
    return said


def _runs(comparison: pd.DataFrame) -> pd.DataFrame:
    return without_twins(comparison[comparison["kind"] == "run"])
