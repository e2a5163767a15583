"""How many times less a design needs until its loss is that with which another one ends.

Points are ends of runs, each with a schedule of its own: a model in the middle of a schedule, whose learning rate has
not fallen yet, is worse than the end of a shorter run, and would overstate the gain. Between two runs, losses are
interpolated clip by clip over the logarithm of the cost; beyond the shortest and the longest nothing is said but that.
The interval holds those factors at which the clustered t test doesn't tell the losses apart (`statistics.clustered`).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ssmttm.questions import Design, pairs
from ssmttm.statistics.clustered import Estimate, estimate
from ssmttm.study.frames import frame_of
from ssmttm.study.likelihoods import Likelihoods, Replicated, Split, replicated
from ssmttm.study.losses import shared_seeds
from ssmttm.study.trained import Trained
from ssmttm.study_rows import Efficiency

UNITS = ("flops", "steps", "seconds")
BETWEEN = "between two of its runs"
AT_LEAST = "at least: its shortest run is as good already"
NOT_REACHED = "not reached by its longest run"
_FACTORS = 201  # that are tried, evenly spaced in their logarithm
_QUESTIONS = ("mixer", "layers", "conditioning")


def efficiency(runs: Sequence[Trained], held: Likelihoods, confidence: float) -> pd.DataFrame:
    """The table `efficiency`: pairs of the questions about mixer, layers and conditioning, both ways, on each split.

    The target is the loss of the most expensive run of `b`. `times` is its cost over the least cost at which `a` is as
    good: more than 1 where `a` needs less. None where `a` isn't as good by its longest run; where its shortest one is
    already, it is a lower bound. `low` and `high` are None where nothing bounds them.
    """
    groups: dict[tuple[str, str, int], list[Replicated]] = {}
    for one in replicated(runs):
        groups.setdefault(_curve(one.design), []).append(one)
    designs = [one.design for group in groups.values() for one in group]
    asked = [(_curve(pair.a), _curve(pair.b)) for pair in pairs(designs) if pair.question in _QUESTIONS]
    rows: list[Efficiency] = []
    for split in held.splits:
        for a, b in dict.fromkeys(asked):
            for ours, theirs in ((a, b), (b, a)):
                for unit in UNITS:
                    rows += _of_pair(groups[ours], groups[theirs], unit, held, split, confidence)
    return frame_of(rows, "efficiency")


def _curve(design: Design) -> tuple[str, str, int]:
    """What the points of one curve have in common: budgets differ."""
    return design.name, design.size, design.stages


def _of_pair(
    ours: Sequence[Replicated],
    theirs: Sequence[Replicated],
    unit: str,
    held: Likelihoods,
    split: Split,
    confidence: float,
) -> Iterator[Efficiency]:
    target = max(theirs, key=lambda one: one.cost(unit))
    seeds = shared_seeds(target, *ours)
    if not seeds:
        return
    by_cost = {one.cost(unit): one.losses(held, split, seeds) for one in ours}
    costs = np.array(sorted(by_cost))
    aim, spent = target.losses(held, split, seeds), target.cost(unit)
    at = np.geomspace(costs[-1], costs[0], _FACTORS) if len(costs) > 1 else costs
    points = [by_cost[cost] for cost in costs]
    found = [estimate(split.means(aim - _between(costs, points, cost)), confidence) for cost in at]
    times, low, high, note = _answer(spent / at, found)
    yield Efficiency(
        a=ours[0].design.name,
        b=target.design.name,
        unit=unit,  # type: ignore[arg-type]
        times=times,
        low=low,
        high=high,
        note=note,
        size=target.design.size,
        split=split.name,
        seeds=len(seeds),
        target=split.means(aim).mean,
    )


def _between(costs: np.ndarray, points: Sequence[np.ndarray], cost: float) -> np.ndarray:
    """Losses `[seeds, clips]` at `cost`, interpolated linearly over the logarithm of the cost."""
    if len(costs) == 1:
        return points[0]
    place = int(np.clip(np.searchsorted(costs, cost) - 1, 0, len(costs) - 2))
    share = np.clip(np.log(cost / costs[place]) / np.log(costs[place + 1] / costs[place]), 0.0, 1.0)
    return np.asarray((1 - share) * points[place] + share * points[place + 1])


def _answer(factors: np.ndarray, found: Sequence[Estimate]) -> tuple[float | None, float | None, float | None, str]:
    """`times`, `low`, `high` and `note`, from how much better `a` is at each of the `factors`, which rise."""
    ahead = np.array([one.mean for one in found]) >= 0
    surely_ahead = np.array([one.low is not None and one.low > 0 for one in found])
    surely_behind = np.array([one.high is not None and one.high < 0 for one in found])
    # The interval ends where the test has decided for all factors beyond.
    first = int(np.argmin(surely_ahead)) if not surely_ahead.all() else len(found)
    last = int(np.argmin(surely_behind[::-1])) if not surely_behind.all() else len(found)
    low = float(factors[first - 1]) if first else None
    high = float(factors[len(found) - last]) if last else None
    if not ahead.any():
        return None, None, high, NOT_REACHED
    best = int(np.flatnonzero(ahead)[-1])
    return float(factors[best]), low, high, AT_LEAST if best == len(found) - 1 else BETWEEN
