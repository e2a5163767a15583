"""The share of generated clips that are near-copies of training clips, and which.

A clip is a near-copy when it is more like some training clip than all but 1 % of training clips are
like a clip of another recording (`ssmttm.evaluation.metrics.diversity.duplicate_threshold`), by the cosine of
mean window embeddings. So a system that copies nothing but makes music of the training set's kind
has a rate of about 1 %.
"""

from typing import Any

import numpy as np

from ssmttm.errors import UserError
from ssmttm.evaluation.cautions import few_clips_of_set
from ssmttm.evaluation.clipset import ClipSet, Settings, clip_means
from ssmttm.evaluation.metrics.diversity import QUANTILE, duplicate_threshold, duplicates_of_training
from ssmttm.statistics.bootstrap import mean_interval

BETTER = "lower"
DEFINITION = (
    "share of clips whose nearest training clip (cosine of mean window embeddings) is nearer than all but "
    f"{1 - QUANTILE:.0%} of training clips are to one of another recording"
)
LOOSE = 0.999
"""A threshold above it lets only copies pass that are equal but for rounding."""
INTERVAL = "percentile bootstrap over clips"
REFERENCES = ("training",)


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> dict[str, Any]:
    """The share, its interval, the threshold and the copies by name; `reference` holds training clips.

    A clip's recording is what stands before the last `@` of its id.
    """
    training, made = clip_means(reference), clip_means(system)
    recordings = [clip.rpartition("@")[0] for clip in reference.clip_ids]
    try:
        threshold = duplicate_threshold(training, recordings)
        copies = duplicates_of_training(made, training, threshold, system.clip_ids, reference.clip_ids)
    except ValueError as error:
        raise UserError(f"training_copies of {system.name}: {error}") from error
    named = {copy.generated for copy in copies}
    values = np.array([clip in named for clip in system.clip_ids], dtype=np.float64)
    low, high = mean_interval(values, settings.bootstrap, settings.confidence, settings.seed)
    warnings = few_clips_of_set(len(values), "a rate of one in so many can't be seen")
    if threshold > LOOSE:
        warnings.append(
            f"more than {1 - QUANTILE:.0%} of the training clips have a near-copy in another recording, so that only "
            f"clips above a cosine of {threshold:.4f} count"
        )
    return {
        "value": float(values.mean()),
        "low": low,
        "high": high,
        "threshold": threshold,
        "copies": [vars(copy) for copy in copies],
        "per_clip": values,
        "warnings": warnings,
    }
