"""Differences between two runs of one budget, paired by caption.

Both runs were asked for the same captions and scored with the same resamples, so what captions
differ in cancels. Of scores that are means over clips, the difference is taken clip by clip; of
scores of whole sets, resample by resample, and its interval is moved by its bias, as the scores' own
are. See `ssmttm.statistics.paired`. Among many pairs some differ by chance: p-values are adjusted by
Holm over the pairs of one comparison.
"""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ssmttm.errors import UserError
from ssmttm.statistics.bootstrap import percentile_interval
from ssmttm.statistics.paired import bootstrap_p, holm, paired_scores
from ssmttm.study.scores import ScoreFile

COLUMNS = (
    "embedder", "metric", "reference", "budget_kind", "budget", "a", "b", "difference", "low", "high", "p_value",
    "confidence", "n", "better", "p_adjusted",
)  # fmt: skip
_COMPARISON = ["embedder", "metric", "reference", "budget_kind", "budget"]


def differences(runs: list[tuple[dict[str, Any], list[ScoreFile]]], evaluation: dict[str, Any]) -> pd.DataFrame:
    """One row per pair of runs under one budget, metric and reference, in the order of `runs`.

    `runs` are the facts of runs (`system`, `budget_kind`, `budget`) with their score files. Positive: `a`
    has the greater value. `p_value` is of sign flips over captions for means over clips, and for scores of
    whole sets of the bootstrap (`bootstrap_p`). `p_adjusted` is Holm's, over the
    pairs with the same embedder, metric, reference and budget.
    """
    rows = []
    for place, embedder in enumerate(evaluation["embedders"]):
        for (a, ours), (b, theirs) in combinations(runs, 2):
            if (a["budget_kind"], a["budget"]) == (b["budget_kind"], b["budget"]):
                common = {"embedder": embedder, "budget_kind": a["budget_kind"], "budget": a["budget"]}
                common |= {"a": a["system"], "b": b["system"]}
                rows += [common | row for row in _pair(ours[place], theirs[place], evaluation)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    if len(table):
        table["p_adjusted"] = table.groupby(_COMPARISON)["p_value"].transform(lambda p: holm(p.to_numpy()))
    return table


def _pair(a: ScoreFile, b: ScoreFile, evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    if a.clip_ids != b.clip_ids:
        raise UserError(
            f"{a.content['system']} and {b.content['system']} were scored on different captions; score both again"
        )
    rows = []
    for metric, score in a.metrics.items():
        for one, other in zip(a.numbers(metric), b.numbers(metric), strict=True):
            found = difference_of(one.told, other.told, evaluation)
            if found is not None:
                common = {"reference": one.reference, "better": score["better"]}
                common |= {"confidence": evaluation["confidence"], "n": len(a.clip_ids)}
                rows.append({"metric": one.metric, **found, **common})
    return rows


def difference_of(one: dict[str, Any], other: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Any] | None:
    """None for scores that were kept neither by clip nor by resample."""
    if "per_clip" in one:
        ours, theirs = (np.array(entry["per_clip"]) for entry in (one, other))
        found = paired_scores(ours, theirs, evaluation["bootstrap"], evaluation["confidence"], evaluation["seed"])
        return {"difference": found.difference, "low": found.low, "high": found.high, "p_value": found.p_value}
    if "replicates" not in one or "replicates" not in other:
        return None
    apart = np.array(one["replicates"]) - np.array(other["replicates"])
    difference = one["value"] - other["value"]
    moved = apart - apart.mean() + difference
    low, high = percentile_interval(moved, evaluation["confidence"])
    return {"difference": difference, "low": low, "high": high, "p_value": bootstrap_p(moved)}
