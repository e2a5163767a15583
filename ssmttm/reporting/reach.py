"""What a design must spend to score as well as another system.

Inside the measured range the answer is read off between points. They are first made monotone
(weighted isotonic regression), since the first noisy point that happens to touch the target
would be too cheap an answer. Beyond the last point only the fitted power law can say, and the
table says that it did.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ssmttm.errors import UserError
from ssmttm.reporting.fits import Points, points
from ssmttm.reporting.frames import SCORE, frame_of, standard_error
from ssmttm.reporting.numbers import significant
from ssmttm.reporting.power_law import Law
from ssmttm.seeds import stable_int

REACH = [*SCORE, "variant", "target", "target_value", "cost", "value", "low", "high", "note"]
REACH += ["target_cost", "ratio", "ratio_low", "ratio_high", "size"]

INTERPOLATED = "interpolated between measured points"
EXTRAPOLATED = "extrapolated beyond the last measured point by the fit"
FIRST = "reached by the first measured point: an upper bound"
NEVER = "never within the fit"
OPEN = "no upper end"

_SPENT = {"steps": "steps", "flops": "flops_spent", "gpu_hours": "gpu_hours", "clips_seen": "clips_seen"}


def default_targets(comparison: pd.DataFrame, variant: str = "cross-transformer") -> list[str]:
    """Runs of `variant` at its largest size, and every MusicGen: what others are to reach."""
    runs = comparison[(comparison["kind"] == "run") & (comparison["variant"] == variant)]
    largest = runs[runs["parameters"] == runs["parameters"].max()]
    named = comparison["system"].str.contains("musicgen", case=False) & (comparison["kind"] != "run")
    return list(dict.fromkeys([*largest["system"], *comparison.loc[named, "system"]]))


def reach(
    progress: pd.DataFrame,
    comparison: pd.DataFrame,
    targets: list[str],
    cost: str,
    seed: int,
    size: str | None = None,
    confidence: float = 0.95,
    draws: int = 200,
) -> pd.DataFrame:
    """The cost at which each design's scores reach each target's final score: the columns `REACH`.

    Args:
        progress: rows of progress.parquet.
        comparison: rows of comparison.parquet, which have the targets' scores and what they spent.
        targets: systems; a target that is a run is not compared with its own variant.
        cost: steps, flops, gpu_hours or clips_seen.
        seed: of the draws; the same seed gives the same table.
        size: of the designs; None is the target's own, or the largest where the target has none.
        confidence: of the intervals in both tables and of those that are returned.
        draws: replicates behind an interval.

    `value` is the cost, with its interval from redrawing the points and the target's score; `note`
    says how it was found, or why there is none; `low` may be known where it isn't. An infinite upper
    end is NaN, which the note says where there is a value.
    `ratio` divides by what the target itself spent, where the comparison knows it.
    UserError for a target that isn't in the comparison.
    """
    missing = sorted(set(targets) - set(comparison["system"]))
    if missing:
        raise UserError(f"no scores of {', '.join(missing)}, whose score is to be reached")
    rows, groups = [], {}
    for target in targets:
        scores = comparison[comparison["system"] == target]
        run = scores.iloc[0]
        is_run = run["kind"] == "run"
        own = size if size is not None else run["size"] if is_run else None
        if own not in groups:
            groups[own] = list(points(progress, cost, own, confidence))
        known = {tuple(score[name] for name in SCORE): score for score in scores.to_dict("records")}
        for group in groups[own]:
            score = known.get((group.embedder, group.metric, group.reference))
            if score is None or (is_run and group.variant == run["variant"]):
                continue
            law, own_seed = group.law(seed, draws), stable_int(seed, target, *group.keys.values())
            answer = reach_one(group, law, score, own_seed, confidence, draws)
            rows.append({**group.keys, "target": target, "cost": cost, **answer, **_ratio(answer, score, cost)})
    return frame_of(rows, REACH)


def _ratio(answer: Mapping[str, Any], score: Mapping[str, Any], cost: str) -> dict[str, float]:
    spent = score.get(_SPENT[cost])
    if spent is None or pd.isna(spent) or spent <= 0:
        return {}
    parts = (("ratio", "value"), ("ratio_low", "low"), ("ratio_high", "high"))
    return {"target_cost": float(spent), **{name: answer[part] / float(spent) for name, part in parts}}


def reach_one(
    group: Points, law: Law, target: Mapping[str, Any], seed: int, confidence: float, draws: int
) -> dict[str, Any]:
    """target_value, value, low, high and note of one design and one target (value, low, high, of any mapping)."""
    sign = 1 if group.better == "lower" else -1
    aim = float(target["value"])
    error = float(standard_error(target["low"], target["high"], confidence))
    rng = np.random.default_rng(seed)
    drawn = group.value + group.sigma * rng.standard_normal((draws, len(group.value)))
    aims = aim + error * rng.standard_normal(draws)
    at, measured = _crossings(group, np.vstack([group.value, drawn]) * sign, np.append(aim, aims) * sign)
    last = at[-1]
    found, replicates = measured[0], measured[1:]
    fitted = np.inf
    if not law.note:
        fitted = max(law.cost_of(aim), last)
        beyond = np.maximum(law.costs_of(aims[: len(law.replicates)]), last)
        replicates = np.where(np.isfinite(replicates), replicates, beyond)
    note = _how(found, fitted, at, law, aim)
    value = found if np.isfinite(found) else fitted
    low, high = _ends(replicates, confidence)
    if low <= at[0]:
        low = 0.0  # the first point says no more than that it is not beyond
    low = min(low, value)
    high = max(high, value)
    if np.isfinite(value) and not np.isfinite(high):
        note += f"; {OPEN}"
    numbers = {"value": value, "low": low, "high": high}
    return {"target_value": aim, "note": note, **{k: v if np.isfinite(v) else np.nan for k, v in numbers.items()}}


def _how(found: float, fitted: float, at: np.ndarray, law: Law, aim: float) -> str:
    if np.isfinite(found):
        return FIRST if found <= at[0] else INTERPOLATED
    if law.note:
        return f"not reached by the last measured point, and there is no fit: {law.note}"
    if np.isfinite(fitted):
        return EXTRAPOLATED
    return f"{NEVER}: its limit {significant(law.limit)} is worse than the target {significant(aim)}"


def _ends(replicates: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentiles that are replicates themselves, so that some may be infinite."""
    ordered, tail = np.sort(replicates), (1 - confidence) / 2
    steps = len(ordered) - 1
    return float(ordered[int(np.floor(tail * steps))]), float(ordered[int(np.ceil((1 - tail) * steps))])


def _crossings(group: Points, scores: np.ndarray, aims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct costs, and where each row of `scores` `[rows, n]`, lower being better, comes down to its aim `[rows]`.

    Between two points the score is taken as linear in the logarithm of the cost. The first cost
    where the first point is as good already, infinite where the last isn't.
    """
    known = group.sigma > 0
    error = np.where(known, group.sigma, group.sigma[known].min()) if known.any() else np.ones_like(group.sigma)
    weights = error**-2
    at, where = np.unique(group.cost, return_inverse=True)
    mass = np.bincount(where, weights)
    means = np.stack([np.bincount(where, weights * row) for row in scores]) / mass
    curve = falling(means, mass)
    reached = curve <= aims[:, None]
    first = reached.argmax(1)
    every, before = np.arange(len(curve)), np.maximum(first - 1, 0)
    above, below = curve[every, before], curve[every, first]
    share = np.clip((above - aims) / np.where(above > below, above - below, 1), 0, 1)
    costs = np.exp(np.log(at[before]) + share * (np.log(at[first]) - np.log(at[before])))
    costs = np.where(first == 0, at[0], costs)
    return at, np.where(reached.any(1), costs, np.inf)


def falling(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The nearest curve that never rises to each row of `values` `[rows, n]`, in squares weighted by `weights` `[n]`.

    By the min-max formula of isotonic regression (Robertson, Wright and Dykstra 1988, section
    1.4): at i, the least over j <= i of the largest over k >= i of the mean of points j to k.
    """
    mass = np.concatenate([[0], np.cumsum(weights)])
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values * weights, axis=1)], axis=1)
    count = len(weights)
    j, k = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    inside = k >= j
    span = np.where(inside, mass[k + 1] - mass[j], 1)
    means = np.where(inside, (total[:, k + 1] - total[:, j]) / span, -np.inf)
    largest = np.maximum.accumulate(means[:, :, ::-1], axis=2)[:, :, ::-1]
    return np.where(j <= k, largest, np.inf).min(axis=1)
