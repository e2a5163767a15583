"""Text-audio cosines in the space of a model that embeds both, such as CLAP (Wu et al. 2023)."""

import numpy as np

from ssmttm.evaluation.arrays import two, unit
from ssmttm.evaluation.clipset import ClipSet, clip_means
from ssmttm.evaluation.metric import Score, Settings, mean_score, part_score
from ssmttm.evaluation.soundness import check_texts
from ssmttm.statistics.jackknife import influences

BETTER = "higher"
DEFINITION = (
    "cosine of the caption's embedding and the mean of the clip's window embeddings, averaged over clips; the "
    "reference plays no part"
)
INTERVAL = "Student's t over clips (recall: of a jackknife over captions)"
RECALL = "recall_at_10"
RECALL_DEFINITION = "share of captions whose own clip is among the 10 nearest to them by that cosine"
NEAREST = 10


def cosine_scores(audio: np.ndarray, text: np.ndarray) -> np.ndarray:
    """Cosine of each clip with its caption, `[n]` in [-1, 1]; their mean is the CLAP score (Wu et al. 2023).

    `audio` and `text` are `[n, dim]`, of one model that embeds both in one space: row i is a clip
    and its caption. ValueError for different shapes, values that aren't finite or a row of zeros.
    """
    audio, text = two(audio, text, names=("audio", "text"))
    if audio.shape != text.shape:
        raise ValueError(f"expected a caption for each clip, got {audio.shape} and {text.shape}")
    return (unit(audio, "audio") * unit(text, "text")).sum(axis=1).clip(-1.0, 1.0)


def recall_at(audio: np.ndarray, text: np.ndarray, k: int) -> float:
    """Share of captions whose own clip is among the `k` clips nearest to them by cosine; ties count against it.

    Arrays as `cosine_scores`. By chance k / n.
    """
    own = cosine_scores(audio, text)
    if not 1 <= k <= len(own):
        raise ValueError(f"k must lie between 1 and {len(own)}, got {k}")
    similar = unit(text, "text") @ unit(audio, "audio").T
    better = (similar >= own[:, None] - 1e-12).sum(axis=1) - 1
    return float((better < k).mean())


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Mean cosine, its interval and values per clip; recall beside it where there are more clips than it counts.

    UserError for a text encoder that hardly tells the captions apart.
    """
    if system.texts is None:
        raise ValueError(f"{system.backend} embeds no captions; use clap or clap_laion")
    check_texts(system.captions, system.texts, system.backend)
    audio = clip_means(system)
    score = mean_score(cosine_scores(audio, system.texts), settings)
    score["also"] = []
    if len(audio) > NEAREST:
        # Whether a clip is among the nearest depends on all the others: captions are taken out with their clips.
        texts = system.texts
        parts = None
        if len(audio) > NEAREST + 1:
            parts = influences(lambda kept: np.array([recall_at(audio[kept], texts[kept], NEAREST)]), len(audio))
        recall = part_score(None if parts is None else parts[0], recall_at(audio, texts, NEAREST), settings, share=True)
        recall["metric"], recall["definition"] = RECALL, RECALL_DEFINITION
        score["also"] = [recall]
    return score
