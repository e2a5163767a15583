"""What a design must spend to score as well as another system.

Inside the measured range the answer is read off between points, after they are made monotone
(`ssmttm.statistics.isotonic`). Beyond the last point only the fitted power law can say, and the
table says that it did. A score that isn't shown to improve with cost has no answer: what is level
or gets worse is as good from the start. The cost is divided by what the target itself needed for
that score, which is less than it spent where more training no longer helped.
"""

from collections.abc import Mapping
from typing import Any

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

REACH = [*SCORE, "variant", "target", "target_value", "cost", "value", "low", "high", "note"]
REACH += ["target_cost", "ratio", "ratio_low", "ratio_high", "size"]

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


def reach(
    progress: pd.DataFrame,
    comparison: pd.DataFrame,
    targets: list[str],
    cost: str,
    noise: Noise,
    size: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The cost at which each design's scores reach each target's final score: the columns `REACH`.

    Args:
        progress: rows of progress.parquet.
        comparison: rows of comparison.parquet, which have the targets' scores and what they spent.
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
    for target in targets:
        scores = comparison[comparison["system"] == target]
        run = scores.iloc[0]
        is_run = run["kind"] == "run"
        own_size = size if size is not None else run["size"] if is_run else None
        if own_size not in groups:
            groups[own_size] = list(points(progress, cost, own_size, confidence))
        known = {tuple(score[name] for name in SCORE): score for score in scores.to_dict("records")}
        curves = {curve.kind: curve for curve in points_of_run(progress, target, cost, confidence)} if is_run else {}
        for group in groups[own_size]:
            score = known.get(group.kind)
            if score is None or (is_run and group.variant == run["variant"]):
                continue
            answer = reach_one(group, score, curves.get(group.kind), score.get(_SPENT[cost]), noise, confidence)
            rows.append({**group.keys, "target": target, "cost": cost, **answer})
    return frame_of(rows, REACH)


def reach_one(
    group: Points,
    target: Mapping[str, Any],
    curve: Points | None,
    spent: float | None,
    noise: Noise,
    confidence: float,
) -> dict[str, Any]:
    """One design and one target: the columns of `REACH` from `target_value` on, less `cost`.

    `target` is the target's row of the comparison, `curve` its own points and `spent` its cost in
    all, both if known.
    """
    aim = float(target["value"])
    law = group.law(noise)
    if law.note == LEVEL or not improves(group, noise, confidence):
        return {"target_value": aim, "note": LEVEL if law.note == LEVEL else TREND}
    error = float(standard_error(target["low"], target["high"], confidence))
    aims = aim + noise.of([(target["system"], FINAL, *group.kind)], np.array([error]))[:, 0]
    first, found = _costs(group, noise, aim, aims)
    inside = bool(np.isfinite(found[0]))
    if not law.note:
        beyond = np.append(law.cost_of(aim), law.costs_of(aims))
        found = np.where(np.isfinite(found), found, np.maximum(beyond, group.cost[-1]))
    # The first point says no more than that it is not beyond.
    interval = _ends(np.where(found <= first, 0.0, found)[1:], found[1:], confidence)
    answer: dict[str, Any] = {**_answer(found[0], interval), "note": _how(found[0], inside, first, law, aim)}
    if np.isfinite(found[0]):
        if np.isnan(answer["value"]):
            answer["note"] = UNKNOWN
        elif np.isnan(answer["high"]):
            answer["note"] += f"; {OPEN}"
    return {"target_value": aim, **answer, **_share(answer, found, first, (aim, aims), curve, spent, noise, confidence)}


def improves(group: Points, noise: Noise, confidence: float) -> bool:
    """Whether the scores get better with the logarithm of the cost by more than their noise and scatter."""
    logs = np.log(group.cost)
    if np.ptp(logs) < 1e-9:
        return False
    slope, error = line(logs, group.turned, group.sigma, group.covariance(noise))
    return slope + stats.norm.ppf((1 + confidence) / 2) * error < 0


def _share(
    answer: Mapping[str, Any],
    found: np.ndarray,
    first: float,
    aims: tuple[float, np.ndarray],
    curve: Points | None,
    spent: float | None,
    noise: Noise,
    confidence: float,
) -> dict[str, Any]:
    """The costs `found` `[1 + draws]` as shares of the target's own, resample by resample."""
    whole = np.nan if spent is None or pd.isna(spent) or spent <= 0 else float(spent)
    if curve is None:
        own, own_first = np.full(len(found), whole), 0.0
    elif improves(curve, noise, confidence):
        own_first, own = _costs(curve, noise, *aims)
        own = np.minimum(own, curve.cost[-1])
    else:
        return {"note": f"{answer['note']}; {SHARE}"}
    if np.isnan(own[0]):
        return {}
    with np.errstate(divide="ignore"):
        least = np.where(found <= first, 0.0, found) / own
        most = found / np.where(own <= own_first, 0.0, own)
    share = _answer(found[0] / own[0], _ends(least[1:], most[1:], confidence))
    if np.isnan(answer["value"]):
        share["value"] = np.nan
    return {"target_cost": float(own[0]), **{f"ratio_{k}".removesuffix("_value"): v for k, v in share.items()}}


def _costs(group: Points, noise: Noise, aim: float, aims: np.ndarray) -> tuple[float, np.ndarray]:
    """The first measured cost, and where the curve and those through redrawn points reach their aim `[1 + draws]`."""
    sign = 1 if group.better == "lower" else -1
    extra = unexplained(group.cost, group.turned, group.weights, group.covariance(noise))
    rng = np.random.default_rng(stable_int(noise.seed, "scatter", *group.keys.values(), *group.scores[0]))
    errors = group.errors(noise)
    drawn = group.value + errors + np.sqrt(extra) * rng.standard_normal(errors.shape)
    rows = np.vstack([group.value, drawn]) * sign
    return float(group.cost[0]), crossings(group.cost, rows, group.weights, np.append(aim, aims) * sign)


def _answer(value: float, interval: tuple[float, float]) -> dict[str, float]:
    """Value, low and high, which holds the value; no value where nothing bounds it."""
    low, high = min(interval[0], value), max(interval[1], value)
    if low <= 0 and not np.isfinite(high):
        value = np.nan
    numbers = {"value": value, "low": low, "high": high}
    return {name: float(v) if np.isfinite(v) else np.nan for name, v in numbers.items()}


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
