"""Kullback-Leibler divergence between the class posteriors of paired clips.

A music tagger's classes are independent yes-or-no tags (sigmoids), not one of many (softmax).
The posterior of a clip is therefore a product of Bernoulli distributions, and the divergence
of two such products is the sum over tags of the Bernoulli divergences. It is not comparable
with published "KL" figures, which put a softmax over the classes of another model, and which
are not comparable with one another either: stable-audio-metrics gives KL(generated || reference)
of softmaxes of mean logits, audiocraft KL(reference || generated) of softmaxes of segments.
`kl_reversed` has the direction of the first, `kl` of the second.
"""

import numpy as np
from scipy.special import rel_entr

from ssmttm.evaluation.arrays import two
from ssmttm.evaluation.cautions import SAME
from ssmttm.evaluation.clipset import ClipSet
from ssmttm.evaluation.metric import Score, Settings, mean_score

BETTER = "lower"
_DIRECTION, _REVERSED_DIRECTION = "KL(reference || generated)", "KL(generated || reference)"
_BERNOULLI = (
    " in nats: the sum over tags of Bernoulli divergences between tag probabilities (mean over a clip's windows, "
    "clipped to [1e-6, 1 - 1e-6]), averaged over clips paired by caption"
)
_CATEGORICAL = (
    " in nats between distributions over classes (softmax of a clip's mean logits, at least 1e-6), averaged over clips "
    "paired by caption"
)
DEFINITION = _DIRECTION + _BERNOULLI
INTERVAL = "Student's t over clips"
REVERSED = "kl_reversed"

FLOOR = 1e-6


def bernoulli_kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p || q) per clip, in nats, `[n]`, for tag probabilities `p` and `q` of shape `[n, tags]`.

    Probabilities are clipped to [1e-6, 1 - 1e-6], so that one certain tag can't make it infinite.
    """
    p, q = (np.clip(a, FLOOR, 1 - FLOOR) for a in _probabilities(p, q))
    return (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum(axis=1)


def categorical_kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p || q) = sum p log (p / q) per clip, in nats, `[n]`, for distributions `p` and `q` `[n, classes]`.

    Rows must sum to one (ValueError). Probabilities below 1e-6 are raised to it and the rows
    scaled to one again, so that the result is finite and never negative.
    """
    p, q = _probabilities(p, q)
    if max(np.abs(p.sum(axis=1) - 1).max(), np.abs(q.sum(axis=1) - 1).max()) > 1e-4:
        raise ValueError("rows must sum to one; for independent tags there is bernoulli_kl")
    p, q = (np.maximum(a, FLOOR) for a in (p, q))
    p, q = (a / a.sum(axis=1, keepdims=True) for a in (p, q))
    return rel_entr(p, q).sum(axis=1).clip(0)


def _probabilities(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, ...]:
    p, q = two(p, q, names=("p", "q"))
    if p.shape != q.shape:
        raise ValueError(f"expected two arrays of one shape [n, classes], got {p.shape} and {q.shape}")
    if min(p.min(), q.min()) < 0 or max(p.max(), q.max()) > 1 + 1e-6:
        raise ValueError("probabilities must lie between 0 and 1")
    return p, q


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Value, interval, warnings and values per clip of one system against one reference; both directions."""
    if system.posteriors.shape != reference.posteriors.shape or not system.posteriors.shape[1]:
        raise ValueError(
            f"needs class posteriors of one model: {system.name} has {system.posteriors.shape[1]} classes, "
            f"{reference.name} has {reference.posteriors.shape[1]}"
        )
    tags = system.activation == "sigmoid"
    divergence, what = (bernoulli_kl, _BERNOULLI) if tags else (categorical_kl, _CATEGORICAL)
    score = mean_score(divergence(reference.posteriors, system.posteriors), settings)
    backward = mean_score(divergence(system.posteriors, reference.posteriors), settings)
    if np.array_equal(system.posteriors, reference.posteriors):
        score["warnings"] = [SAME]
    del backward["warnings"]
    backward["metric"], backward["definition"] = REVERSED, _REVERSED_DIRECTION + what
    score["definition"], score["also"] = _DIRECTION + what, [backward]
    return score
