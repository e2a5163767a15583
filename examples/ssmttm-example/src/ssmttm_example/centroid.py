"""A metric: how far clips lie from the middle of the reference, in the embedder's space."""

import numpy as np

from ssmttm.evaluation.clipset import ClipSet, clip_means
from ssmttm.evaluation.metric import Score, Settings, mean_score

BETTER = "lower"
DEFINITION = (
    "mean over clips of the distance from a clip's mean embedding to the mean of the reference's clips, over the root "
    "mean square of that distance among the reference's own clips"
)
INTERVAL = "Student's t over clips"

NEEDS = None
"""What it needs of an embedder beside embeddings: classes, tags or texts. Read without importing, so a literal."""
FEWEST = 3
"""Clips that it needs; the same."""


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Value, interval and each clip's part."""
    own = clip_means(reference)
    middle = own.mean(axis=0)
    usual = np.sqrt(((own - middle) ** 2).sum(axis=1).mean())
    if not usual > 0:
        raise ValueError("all clips of the reference have one embedding")
    return mean_score(np.linalg.norm(clip_means(system) - middle, axis=1) / usual, settings)
