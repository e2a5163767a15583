"""How different from one another the generated clips are, and which are near-copies of training clips.

Clips are compared by the cosine of their mean embeddings. The Vendi score (Friedman and Dieng
2023) is the effective number of different clips: the exponential of the entropy of the
eigenvalues of K / n, K being the matrix of cosines.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssmttm.evaluation.arrays import two, unit
from ssmttm.evaluation.cautions import few_clips_of_set
from ssmttm.evaluation.clipset import ClipSet, clip_means
from ssmttm.evaluation.metric import Score, Settings, part_score
from ssmttm.statistics.bootstrap import percentile_interval, replicates
from ssmttm.statistics.jackknife import influences

BETTER = "higher"
DEFINITION = (
    "mean cosine distance between two of the system's clips (mean window embeddings), in [0, 2]; to be read beside "
    "the reference's own"
)
INTERVAL = (
    "bootstrap over clips, pairs of a clip with itself left out; percentiles (Vendi score: jackknife, Student's t)"
)
VENDI = "vendi"
VENDI_DEFINITION = (
    "Vendi score: exponential of the entropy of the eigenvalues of the clips' cosine matrix over n, between 1 (all "
    "alike) and n (all orthogonal)"
)
OF_REFERENCE = "diversity_reference"
BLOCK = 1024
QUANTILE = 0.99
TWINS = 1 - 1e-6
"""Clips of two recordings with a greater cosine are one recording under two names: what a copy is, no neighbor."""


def mean_pairwise_distance(u: np.ndarray, counts: np.ndarray) -> float:
    """Mean of 1 - cos over all pairs of different rows of `u` `[n, dim]`, of unit length, in [0, 2].

    `counts` `[n]` says how often each row was drawn; a row's pairs with itself never count.
    ValueError for fewer than two different rows.
    """
    pairs = counts.sum() ** 2 - counts @ counts
    if pairs <= 0:
        raise ValueError("a distance between clips needs two clips")
    total = counts @ u
    return float(np.clip(1 - (total @ total - counts @ counts) / pairs, 0.0, 2.0))


def vendi_score(x: np.ndarray) -> float:
    """Vendi score of the rows of `x` `[n, dim]` with the cosine kernel, in [1, min(n, dim)].

    ValueError for a row of zeros. Of k groups of equal size, alike inside and orthogonal to one
    another, it is k.
    """
    u = unit(x)
    shares = np.linalg.svd(u, compute_uv=False) ** 2 / len(u)
    shares = shares[shares > 0]
    return float(max(np.exp(-(shares * np.log(shares)).sum()), 1.0))


@dataclass(frozen=True)
class NearCopy:
    """A generated clip, the training clip nearest to it, and their cosine."""

    generated: str
    training: str
    similarity: float


def nearest_training(generated: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row of `generated` `[n, dim]`, index and cosine of the nearest row of `training` `[m, dim]`."""
    generated, training = two(generated, training, names=("generated", "training"))
    g, t = unit(generated, "generated"), unit(training, "training")
    index, cosine = [], []
    for start in range(0, len(g), BLOCK):
        similar = g[start : start + BLOCK] @ t.T
        index.append(similar.argmax(axis=1))
        cosine.append(similar.max(axis=1))
    return np.concatenate(index), np.concatenate(cosine).clip(-1.0, 1.0)


def duplicates_of_training(
    generated: np.ndarray,
    training: np.ndarray,
    threshold: float,
    generated_ids: Sequence[str],
    training_ids: Sequence[str],
) -> list[NearCopy]:
    """Generated clips whose nearest training clip has a cosine above `threshold`, most similar first.

    Arrays are clip embeddings `[n, dim]` and `[m, dim]`, named by the ids. The rate is the length
    of the list over n. ValueError where ids and rows don't fit or the threshold is no cosine.
    """
    if len(generated_ids) != len(generated) or len(training_ids) != len(training):
        raise ValueError(
            f"{len(generated_ids)} and {len(training_ids)} ids for {len(generated)} and {len(training)} clips"
        )
    if not -1 <= threshold <= 1:
        raise ValueError(f"a threshold must be a cosine, got {threshold}")
    index, cosine = nearest_training(generated, training)
    copies = [
        NearCopy(generated_ids[i], training_ids[index[i]], float(cosine[i]))
        for i in np.flatnonzero(cosine > threshold).tolist()
    ]
    return sorted(copies, key=lambda c: (-c.similarity, c.generated))


def duplicate_threshold(training: np.ndarray, recordings: Sequence[str], quantile: float = QUANTILE) -> float:
    """The cosine above which a generated clip is called a near-copy of a training clip.

    It is the `quantile` of the cosines between each training clip and its nearest clip of another
    recording: by it, a share of 1 - `quantile` of real music would be called a copy of other
    music, which is the rate to expect of a system that copies nothing. `training` is `[m, dim]`;
    `recordings` `[m]` names the recording of each clip, since clips of one recording are alike
    for another reason. Nor do clips that are equal to rounding count: with them the threshold
    would be 1, above which nothing can be. ValueError for fewer than two recordings, where all
    are one, or for a quantile outside (0, 1).
    """
    u = unit(training, "training")
    if not 0 < quantile < 1:
        raise ValueError(f"the quantile must lie between 0 and 1, got {quantile}")
    names, group = np.unique(np.asarray(recordings), return_inverse=True)
    if len(group) != len(u) or len(names) < 2:
        raise ValueError(f"{len(u)} clips of {len(names)} recordings; needs a name for each, and two recordings")
    cosines = []
    for start in range(0, len(u), BLOCK):
        similar = u[start : start + BLOCK] @ u.T
        similar[(group[start : start + BLOCK, None] == group) | (similar > TWINS)] = -np.inf
        cosines.append(similar.max(axis=1))
    nearest = np.concatenate(cosines)
    nearest = nearest[np.isfinite(nearest)]
    if not len(nearest):
        raise ValueError("all recordings sound the same, so that nothing can be distinguished from a copy")
    return float(np.quantile(nearest.clip(-1.0, 1.0), quantile))


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Mean cosine distance between the system's clips; its Vendi score and the reference's distance beside it."""
    score, of_reference = _with_interval(system, settings), _with_interval(reference, settings)
    of_reference["metric"], of_reference["definition"] = OF_REFERENCE, f"{DEFINITION} (here: the reference)"
    # A resample holds clips twice, which count once: so clips are taken out one by one.
    means = clip_means(system)
    parts = influences(lambda kept: np.array([vendi_score(means[kept])]), len(means))
    vendi = part_score(None if parts is None else parts[0], vendi_score(means), settings)
    vendi["metric"], vendi["definition"] = VENDI, VENDI_DEFINITION
    consequence = "the interval is rough, and the Vendi score can't exceed that"
    score["warnings"] = few_clips_of_set(len(system.clip_ids), consequence)
    score["also"] = [of_reference, vendi]
    return score


def _with_interval(clips: ClipSet, settings: Settings) -> Score:
    u = unit(clip_means(clips))
    value = mean_pairwise_distance(u, np.ones(len(u)))
    drawn = replicates(lambda counts: mean_pairwise_distance(u, counts), len(u), settings.bootstrap, settings.seed)
    low, high = percentile_interval(drawn, settings.confidence)
    return {"value": value, "low": low, "high": high, "replicates": drawn}
