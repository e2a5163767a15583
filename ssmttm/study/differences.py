"""Differences between two runs of one budget, paired by caption.

Both runs were asked for the same captions and scored with the same resamples, so what captions
differ in cancels. Of scores that are means over clips, the difference is taken clip by clip; of
scores of whole sets, resample by resample, and its interval is moved by its bias, as the scores' own
are. See `ssmttm.statistics.paired`. Among many pairs some differ by chance: p-values are adjusted by
Holm over the pairs of one comparison.
"""

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.settings import EvaluationSettings
from ssmttm.statistics.bootstrap import percentile_interval
from ssmttm.statistics.paired import PairedDifference, bootstrap_p, holm, paired_scores
from ssmttm.study.frames import SCORE, frame_of
from ssmttm.study.scores import Sample, ScoreFile
from ssmttm.study_rows import Difference, Run


def differences(runs: list[tuple[Run, list[ScoreFile]]], evaluation: EvaluationSettings) -> pd.DataFrame:
    """The table `differences`: a row per pair of runs under one budget, metric and reference, in the order of `runs`.

    Positive: `a` has the greater value. `p_value` is of sign flips over captions for means over clips, and for
    scores of whole sets of the bootstrap (`bootstrap_p`). `p_adjusted` is Holm's, over the pairs with the same
    embedder, metric, reference and budget.
    """
    rows: list[Difference] = []
    for place in range(len(evaluation["embedders"])):
        for (a, ours), (b, theirs) in combinations(runs, 2):
            if (a.budget_kind, a.budget) == (b.budget_kind, b.budget):
                rows += _pair(a, ours[place], b, theirs[place], evaluation)
    table = frame_of(rows, "differences")
    if len(table):
        groups = table.groupby([*SCORE, "budget_kind", "budget"])
        table["p_adjusted"] = groups["p_value"].transform(lambda p: holm(p.to_numpy()))
    return table


def _pair(a: Run, ours: ScoreFile, b: Run, theirs: ScoreFile, evaluation: EvaluationSettings) -> Iterator[Difference]:
    if ours.clip_ids != theirs.clip_ids:
        raise UserError(f"{ours.system} and {theirs.system} were scored on different captions; score both again")
    for (score, one), (_, other) in zip(ours.numbers, theirs.numbers, strict=True):
        difference = difference_of(one, other, evaluation["confidence"], evaluation["seed"])
        if difference is not None:
            yield Difference(
                embedder=score.embedder,
                metric=score.metric,
                reference=score.reference,
                budget_kind=a.budget_kind,
                budget=a.budget,
                a=a.system,
                b=b.system,
                difference=difference.difference,
                low=difference.low,
                high=difference.high,
                p_value=difference.p_value,
                confidence=evaluation["confidence"],
                n=len(ours.clip_ids),
                better=score.better,
            )


def difference_of(one: Sample, other: Sample, confidence: float, seed: int) -> PairedDifference | None:
    """One number less the other over the same captions; None for numbers kept neither by clip nor by resample."""
    if one.per_clip is not None and other.per_clip is not None:
        return paired_scores(one.per_clip, other.per_clip, confidence, seed)
    if one.replicates is None or other.replicates is None:
        return None
    replicates = one.replicates - other.replicates
    difference = one.value - other.value
    moved = replicates - replicates.mean() + difference
    low, high = percentile_interval(moved, confidence)
    return PairedDifference(difference, low, high, bootstrap_p(moved), len(moved))
