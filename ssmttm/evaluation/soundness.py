"""Whether a model that embeds texts tells them apart: one that doesn't says nothing of text and audio."""

from collections.abc import Iterable, Sequence

import numpy as np

from ssmttm.errors import UserError
from ssmttm.evaluation.arrays import unit

COLLAPSED = 0.95
"""Mean cosine of different captions above which a text encoder is taken for collapsed."""
RECOMMENDED = "LAION's music_audioset_epoch_15_esc_90.14.pt or laion/clap-htsat-unfused"


def mean_cosine(texts: np.ndarray) -> float:
    """Mean cosine over all pairs of rows of `texts` `[n, dim]`; ValueError for fewer than two, and a row of zeros."""
    if len(texts) < 2:
        raise ValueError("a pair needs two texts")
    rows = unit(np.asarray(texts, dtype=np.float64), "text")
    total = rows.sum(axis=0)
    return float((total @ total - len(rows)) / (len(rows) * (len(rows) - 1)))


def check_texts(captions: Iterable[str], texts: Sequence[object] | np.ndarray, backend: str) -> None:
    """UserError where `backend` gives different captions nearly one embedding; row i of `texts` is of caption i."""
    first = {caption: number for number, caption in reversed(list(enumerate(captions)))}
    if len(first) < 2:
        return
    cosine = mean_cosine(np.asarray(texts, dtype=np.float64)[sorted(first.values())])
    if cosine > COLLAPSED:
        raise UserError(
            f"{backend}: its text encoder hardly tells captions apart: the cosine of {len(first)} different ones is "
            f"{cosine:.4f} on average, more than {COLLAPSED}; scores by it say nothing of captions. Name other weights "
            f"in evaluation.models: {RECOMMENDED} (laion/larger_clap_music is known to fail so)"
        )
