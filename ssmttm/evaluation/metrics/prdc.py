"""Precision, recall, density and coverage of generated embeddings.

Kynkäänniemi et al. 2019 (precision, recall); Naeem et al. 2020 (density, coverage). Around each
point of a set lies the ball that reaches to its k-th nearest neighbour in its own set.

A resample holds clips twice, whose nearest neighbors are then themselves, so balls can't be resampled;
and resamples that hold the balls fixed leave out what another draw of clips would do to them: they find
differences where there are none. So captions are taken out one by one, with both their clips, and
everything is computed anew (`ssmttm.statistics.jackknife`).
"""

import numpy as np
from scipy.spatial.distance import cdist

from ssmttm.evaluation.arrays import two
from ssmttm.evaluation.cautions import SAME_ONE, few_clips_of_set
from ssmttm.evaluation.clipset import ClipSet, clip_means, same_audio
from ssmttm.evaluation.metric import Score, Settings, part_score
from ssmttm.statistics.jackknife import influences

BETTER = "higher"
NEAREST = 5
DEFINITION = (
    f"density: how many balls of reference clips a generated clip lies in, over {NEAREST}, in the mean over generated "
    f"clips; balls reach to the {NEAREST}th nearest reference clip; clips are mean window embeddings"
)
INTERVAL = "jackknife over captions, with both their clips: all balls are drawn anew; Student's t"
BLOCK = 512


def per_point(reference: np.ndarray, generated: np.ndarray, nearest: int = NEAREST) -> tuple[np.ndarray, ...]:
    """What the four scores of `generated` `[n, dim]` against `reference` `[m, dim]` are means of, with k = `nearest`.

    precision `[n]`: is a generated point in any reference ball? recall `[m]`: is a reference point
    in any generated ball? density `[n]`: reference balls around a generated point, over k.
    coverage `[m]`: does a reference ball hold a generated point? Distances are exact (float64
    differences) and balls open, as in the authors' code, except that a point equal to the center
    is always inside. Of equal sets all means are 1 (density more if points repeat). ValueError
    unless both sets have more than k points.
    """
    if nearest < 1:
        raise ValueError(f"nearest must be 1 or more, got {nearest}")
    reference, generated = two(reference, generated, nearest + 1, ("reference", "generated"))
    reach, reach_generated = _radii(reference, nearest), _radii(generated, nearest)
    precision, density = np.zeros(len(generated), bool), np.zeros(len(generated))
    recall, coverage = np.zeros(len(reference), bool), np.zeros(len(reference), bool)
    for start in range(0, len(generated), BLOCK):
        part = slice(start, start + BLOCK)
        squared = cdist(generated[part], reference, "sqeuclidean")
        inside = (squared < reach) | (squared == 0)
        precision[part], density[part] = inside.any(axis=1), inside.sum(axis=1) / nearest
        coverage |= inside.any(axis=0)
        recall |= ((squared < reach_generated[part, None]) | (squared == 0)).any(axis=0)
    return precision.astype(float), recall.astype(float), density, coverage.astype(float)


def _radii(x: np.ndarray, nearest: int) -> np.ndarray:
    """Squared distance of each row to its k-th nearest other row, `[n]`."""
    parts = (cdist(x[start : start + BLOCK], x, "sqeuclidean") for start in range(0, len(x), BLOCK))
    # The row itself is the nearest, at zero.
    squared = np.concatenate([np.partition(part, nearest, axis=1)[:, nearest] for part in parts])
    if not np.isfinite(squared).all():
        raise ValueError("values are too large for distances in float64")
    return squared


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Density, with precision, recall and coverage beside it, of one system against one reference."""
    known, made = clip_means(reference), clip_means(system)
    values = _means(known, made)
    parts: list[np.ndarray | None] = [None] * len(values)
    if len(known) == len(made) > NEAREST + 1:
        if same_audio(system, reference):  # by construction
            found: np.ndarray | None = np.repeat(values[:, None], len(made), axis=1)
        else:
            found = influences(lambda kept: _means(known[kept], made[kept]), len(made))
        parts = parts if found is None else list(found)
    precision, recall, density, coverage = (
        part_score(part, float(value), settings, share=name != "density")
        for name, part, value in zip(("precision", "recall", "density", "coverage"), parts, values, strict=True)
    )
    precision["metric"], recall["metric"], coverage["metric"] = "precision", "recall", "coverage"
    precision["definition"] = f"share of generated clips in the ball of any reference clip, k = {NEAREST}"
    recall["definition"] = f"share of reference clips in the ball of any generated clip, k = {NEAREST}"
    coverage["definition"] = f"share of the reference clips' balls with a generated clip inside, k = {NEAREST}"
    warnings = few_clips_of_set(len(system.clip_ids), "balls are wide, comparable only at the same number")
    density["warnings"] = [SAME_ONE] if same_audio(system, reference) else warnings
    density["also"] = [precision, recall, coverage]
    return density


def _means(reference: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Precision, recall, density and coverage, `[4]`."""
    return np.array([points.mean() for points in per_point(reference, generated)])
