"""What a design must spend to score as well as another system.

Inside the measured range the answer is read off between points, after they are made monotone
(`ssmttm.statistics.isotonic`). Beyond the last point only the fitted power law can say, and the
table says that it did. A score that isn't shown to improve with cost has no answer: what is level
or gets worse is as good from the start. The cost is divided by what the target itself needed for
that score, which is less than it spent where more training no longer helped.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ssmttm.choices import FINAL
from ssmttm.errors import UserError
from ssmttm.numbers import significant
from ssmttm.seeds import stable_int
from ssmttm.statistics.isotonic import crossings, unexplained
from ssmttm.statistics.noise import Noise, line
from ssmttm.statistics.power_law import LEVEL, Law
from ssmttm.study.fits import Points, points, points_of_run
from ssmttm.study.frames import SCORE, frame_of, standard_error
from ssmttm.study_rows import Reach

INTERPOLATED = "read off between measured points"
EXTRAPOLATED = "beyond the last measured point, by the fitted curve"
FIRST = "as good already at the first measured point, so it may take less"
NEVER = "never, by the fitted curve"
UNKNOWN = "not known: by the noise of the scores, any cost is possible"
OPEN = "by the noise of the scores it may also never get there"
TREND = "the score is not shown to improve with cost"
SHARE = "no share: the target’s own score is not shown to improve with cost"

_SPENT = {"steps": "steps", "flops": "flops_spent", "gpu_hours": "gpu_hours", "clips_seen": "clips_seen"}


def default_targets(comparison: pd.DataFrame, variant: str = "cross-transformer") -> list[str]:
    """Runs of `variant` at its largest size, and every MusicGen: what others are to reach."""
    runs = comparison[(comparison["kind"] == "run") & (comparison["variant"] == variant)]
    largest = runs[runs["parameters"] == runs["parameters"].max()]
    named = comparison["system"].str.contains("musicgen", case=False) & (comparison["kind"] != "run")
    return list(dict.fromkeys([*largest["system"], *comparison.loc[named, "system"]]))


@dataclass(frozen=True)
class Target:
    """A system whose score is to be reached."""

    system: str
    value: float
    error: float
    """Standard error of the value."""
    curve: Points | None
    """Its own points, if it is a run."""
    spent: float
    """Its cost in all; NaN if that isn't known."""


class Bounded(NamedTuple):
    """A number with its interval; NaN for what is not known, and for an end that is infinite."""

    value: float
    low: float
    high: float


def reach(
    progress: pd.DataFrame,
    comparison: pd.DataFrame,
    targets: list[str],
    cost: str,
    noise: Noise,
    size: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The table `reach`: the cost at which each design's scores reach each target's final score.

    Args:
        progress: rows of `progress`.
        comparison: rows of `comparison`, which have the targets' scores and what they spent.
        targets: systems; a target that is a run is not compared with its own variant.
        cost: steps, flops, gpu_hours or clips_seen.
        noise: errors of the scores; the same table for the same noise.
        size: of the designs; None is the target's own, or the largest where the target has none.
        confidence: of the intervals in both tables and of those that are returned.

    `value` is the cost, with its interval from redrawing the points and the target's score, over
    the same captions; `note` says how it was found, or why there is none; `low` may be known where
    it isn't, and a `high` that is NaN is infinite. `target_cost` is what the target needed for its
    own score: where its own curve, in the progress, first has it, or else all that the comparison
    says it spent; `ratio` divides by it.
    UserError for a target that isn't in the comparison.
    """
    missing = sorted(set(targets) - set(comparison["system"]))
    if missing:
        raise UserError(f"no scores of {', '.join(missing)}, whose score is to be reached")
    rows, groups = [], {}
    for name in targets:
        scores = comparison[comparison["system"] == name]
        run = scores.iloc[0]
        is_run = run["kind"] == "run"
        own_size = size if size is not None else run["size"] if is_run else None
        if own_size not in groups:
            groups[own_size] = list(points(progress, cost, own_size, confidence))
        by_kind = scores.set_index(SCORE)
        curves = {c.design.key: c for c in points_of_run(progress, name, cost, confidence)} if is_run else {}
        for group in groups[own_size]:
            kind = group.design.key
            if kind not in by_kind.index or (is_run and group.design.variant == run["variant"]):
                continue
            score = by_kind.loc[kind]
            error = float(standard_error(score["low"], score["high"], confidence))
            spent = score[_SPENT[cost]]
            spent = np.nan if pd.isna(spent) else float(spent)
            target = Target(name, float(score["value"]), error, curves.get(kind), spent)
            rows.append(_reach(group, target, cost, noise, confidence))
    return frame_of(rows, "reach")


def _reach(group: Points, target: Target, cost: str, noise: Noise, confidence: float) -> Reach:
    """One design and one target."""
    aim = target.value
    row = Reach(**vars(group.design), target=target.system, target_value=aim, cost=cost, note=LEVEL)
    law = group.law(noise)
    if law.note == LEVEL:
        return row
    if not improves(group, noise, confidence):
        return replace(row, note=TREND)
    aims = aim + noise.of([(target.system, FINAL, *group.design.key)], np.array([target.error]))[:, 0]
    first, costs = _costs(group, noise, aim, aims)
    inside = bool(np.isfinite(costs[0]))
    if not law.note:
        beyond = np.append(law.cost_of(aim), law.costs_of(aims))
        costs = np.where(np.isfinite(costs), costs, np.maximum(beyond, group.cost[-1]))
    # The first point says no more than that it is not beyond.
    answer = _bounded(costs[0], _ends(np.where(costs <= first, 0.0, costs)[1:], costs[1:], confidence))
    note = _how(costs[0], inside, first, law, aim)
    if np.isfinite(costs[0]):
        if np.isnan(answer.value):
            note = UNKNOWN
        elif np.isnan(answer.high):
            note += f"; {OPEN}"
    row = replace(row, note=note, **answer._asdict())
    if target.curve is not None and not improves(target.curve, noise, confidence):
        return replace(row, note=f"{note}; {SHARE}")
    return _with_share(row, costs, first, target, aims, noise, confidence)


def improves(group: Points, noise: Noise, confidence: float) -> bool:
    """Whether the scores get better with the logarithm of the cost by more than their noise and scatter."""
    logs = np.log(group.cost)
    if np.ptp(logs) < 1e-9:
        return False
    slope, error = line(logs, group.turned, group.sigma, group.covariance(noise))
    return slope + stats.norm.ppf((1 + confidence) / 2) * error < 0


def _with_share(
    row: Reach, costs: np.ndarray, first: float, target: Target, aims: np.ndarray, noise: Noise, confidence: float
) -> Reach:
    """`row` with the `costs` `[1 + draws]` as shares of the target's own, resample by resample."""
    if target.curve is None:
        own, own_first = np.full(len(costs), target.spent if target.spent > 0 else np.nan), 0.0
    else:
        own_first, own = _costs(target.curve, noise, target.value, aims)
        own = np.minimum(own, target.curve.cost[-1])
    if np.isnan(own[0]):
        return row
    with np.errstate(divide="ignore"):
        least = np.where(costs <= first, 0.0, costs) / own
        most = costs / np.where(own <= own_first, 0.0, own)
    share = _bounded(costs[0] / own[0], _ends(least[1:], most[1:], confidence))
    ratio = np.nan if row.value is None or np.isnan(row.value) else share.value
    return replace(row, target_cost=float(own[0]), ratio=ratio, ratio_low=share.low, ratio_high=share.high)


def _costs(group: Points, noise: Noise, aim: float, aims: np.ndarray) -> tuple[float, np.ndarray]:
    """The first measured cost, and where the curve and those through redrawn points reach their aim `[1 + draws]`."""
    sign = 1 if group.better == "lower" else -1
    extra = unexplained(group.cost, group.turned, group.weights, group.covariance(noise))
    rng = np.random.default_rng(stable_int(noise.seed, "scatter", *group.names, *group.scores[0]))
    errors = group.errors(noise)
    drawn = group.value + errors + np.sqrt(extra) * rng.standard_normal(errors.shape)
    rows = np.vstack([group.value, drawn]) * sign
    return float(group.cost[0]), crossings(group.cost, rows, group.weights, np.append(aim, aims) * sign)


def _bounded(value: float, interval: tuple[float, float]) -> Bounded:
    """The interval is widened to hold the value; there is no value where nothing bounds it."""
    low, high = min(interval[0], value), max(interval[1], value)
    if low <= 0 and not np.isfinite(high):
        value = np.nan
    return Bounded(*(float(v) if np.isfinite(v) else np.nan for v in (value, low, high)))


def _how(value: float, inside: bool, first: float, law: Law, aim: float) -> str:
    if inside:
        return FIRST if value <= first else INTERPOLATED
    if law.note or law.limit is None:
        return f"not reached by the last measured point, and no curve tells of more: {law.note}"
    if np.isfinite(value):
        return EXTRAPOLATED
    return f"{NEVER}: it tends to {significant(law.limit)}, the target has {significant(aim)}"


def _ends(least: np.ndarray, most: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentiles of lower and upper bounds that are such bounds themselves, so that some may be infinite."""
    tail, steps = (1 - confidence) / 2, len(least) - 1
    at = int(np.floor(tail * steps)), int(np.ceil((1 - tail) * steps))
    return float(np.sort(least)[at[0]]), float(np.sort(most)[at[1]])
