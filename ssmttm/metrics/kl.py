"""Kullback-Leibler divergence between the tag posteriors of paired clips.

A music tagger's classes are independent yes-or-no tags (sigmoids), not one of many (softmax).
The posterior of a clip is therefore a product of Bernoulli distributions, and the divergence
of two such products is the sum over tags of the Bernoulli divergences. It is not comparable
with published "KL" figures, which put a softmax over the classes of another model.
"""

from typing import Any

import numpy as np

from ssmttm.errors import UserError
from ssmttm.metrics.bootstrap import mean_interval
from ssmttm.metrics.clipset import ClipSet, Settings

BETTER = "lower"
DEFINITION = (
    "KL(reference || generated) in nats: the sum over tags of Bernoulli divergences between tag probabilities "
    "(mean over a clip's windows, clipped to [1e-6, 1 - 1e-6]), averaged over clips paired by caption"
)
INTERVAL = "percentile bootstrap over clips"
REVERSED = "kl_reversed"
REVERSED_DEFINITION = DEFINITION.replace("KL(reference || generated)", "KL(generated || reference)")

FLOOR = 1e-6
FEW_CLIPS = 20


def backend(embedder: str) -> str:
    """What makes the number: the embedder's tagger alone."""
    return embedder


def bernoulli_kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p || q) per clip, in nats, `[n]`, for tag probabilities `p` and `q` of shape `[n, tags]`.

    Probabilities are clipped to [1e-6, 1 - 1e-6], so that one certain tag can't make it infinite.
    """
    p, q = (np.clip(np.asarray(a, dtype=np.float64), FLOOR, 1 - FLOOR) for a in (p, q))
    if p.shape != q.shape or p.ndim != 2:
        raise ValueError(f"expected two arrays [n, tags], got {p.shape} and {q.shape}")
    return (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum(axis=1)


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> dict[str, Any]:
    """Value, interval and warnings of one system against one reference; both directions."""
    if system.posteriors.shape != reference.posteriors.shape or not system.posteriors.shape[1]:
        raise UserError(
            f"kl needs tag posteriors of one tagger: {system.name} has {system.posteriors.shape[1]} tags, "
            f"{reference.name} has {reference.posteriors.shape[1]}"
        )
    same = np.array_equal(system.posteriors, reference.posteriors)
    found = []
    if same:
        found.append("the same audio as the reference: zero by construction, no result")
    elif len(system.clip_ids) < FEW_CLIPS:
        found.append(f"only {len(system.clip_ids)} clips: the interval is rough")
    backward = _summary(bernoulli_kl(system.posteriors, reference.posteriors), settings)
    return {
        **_summary(bernoulli_kl(reference.posteriors, system.posteriors), settings),
        "warnings": found,
        "also": [{"metric": REVERSED, "definition": REVERSED_DEFINITION, **backward}],
    }


def _summary(values: np.ndarray, settings: Settings) -> dict[str, float]:
    low, high = mean_interval(values, settings.bootstrap, settings.confidence, settings.seed)
    return {"value": float(values.mean()), "low": low, "high": high}
