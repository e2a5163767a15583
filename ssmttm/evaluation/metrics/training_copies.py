"""The share of generated clips that are near-copies of training clips, and which.

A clip is a near-copy when it is more like some training clip than all but 1 % of training clips are
like a clip of another recording (`ssmttm.evaluation.metrics.diversity.duplicate_threshold`), by the cosine of
mean window embeddings. So a system that copies nothing but makes music of the training set's kind
has a rate of about 1 %.
"""

import numpy as np

from ssmttm.evaluation.cautions import few_clips_of_set
from ssmttm.evaluation.clipset import ClipSet, clip_means
from ssmttm.evaluation.metric import Score, Settings, mean_score
from ssmttm.evaluation.metrics.diversity import QUANTILE, duplicate_threshold, duplicates_of_training
from ssmttm.statistics.crossed import exact

BETTER = "lower"
DEFINITION = (
    "share of clips whose nearest training clip (cosine of mean window embeddings) is nearer than all but "
    f"{1 - QUANTILE:.0%} of training clips are to one of another recording"
)
LOOSE = 0.999
"""A threshold above it lets only copies pass that are equal but for rounding."""
INTERVAL = "exact binomial (Clopper and Pearson) over clips"
REFERENCES = ("training",)


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """The share, its interval, the threshold and the copies by name; `reference` holds training clips.

    A clip's recording is what stands before the last `@` of its id.
    """
    training, made = clip_means(reference), clip_means(system)
    threshold = duplicate_threshold(training, [clip.rpartition("@")[0] for clip in reference.clip_ids])
    copies = duplicates_of_training(made, training, threshold, system.clip_ids, reference.clip_ids)
    named = {copy.generated for copy in copies}
    score = mean_score(np.array([clip in named for clip in system.clip_ids], dtype=np.float64), settings)
    # Of a share near 0, a t interval says nothing.
    score["low"], score["high"] = exact(score["value"], len(made), settings.confidence)
    score["warnings"] = few_clips_of_set(len(made), "a rate of one in so many can't be seen")
    if threshold > LOOSE:
        score["warnings"].append(
            f"more than {1 - QUANTILE:.0%} of the training clips have a near-copy in another recording, so that only "
            f"clips above a cosine of {threshold:.4f} count"
        )
    score["threshold"], score["copies"] = threshold, [vars(copy) for copy in copies]
    return score
