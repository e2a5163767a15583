"""Which clips a step sees, and which of their words: from the seed and the step alone."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ssmttm.seeds import stable_int


def clips_at(position: int, count: int, clips: int, seed: int) -> np.ndarray:
    """Indices of the `count` clips that stand at `position` of the endless shuffled sequence.

    Each epoch is a permutation of all clips, from the seed and the epoch alone: the same for
    every variant, and a resumed run needs no loader state.
    """
    places = np.arange(position, position + count)
    indices = np.empty(count, np.int64)
    for epoch in np.unique(places // clips):
        inside = places // clips == epoch
        indices[inside] = _permutation(int(epoch), clips, seed)[places[inside] % clips]
    return indices


@lru_cache(maxsize=2)
def _permutation(epoch: int, clips: int, seed: int) -> np.ndarray:
    return np.random.default_rng(stable_int("order", seed, epoch)).permutation(clips)


def kept_words(clips: int, tokens: int, caption_dropout: float, word_dropout: float, seed: int, step: int) -> Tensor:
    """Mask `[clips, tokens]` of a step's whole batch: False for dropped words and all words of dropped captions."""
    generator = torch.Generator().manual_seed(stable_int("captions", seed, step))
    keep_caption = torch.rand(clips, 1, generator=generator) >= caption_dropout
    keep_word = torch.rand(clips, tokens, generator=generator) >= word_dropout
    return keep_caption & keep_word


def dropout_seeds(positions: range, seed: int, step: int) -> list[int]:
    """One seed for the dropout masks of each clip, given by its position in the step's whole batch."""
    return [stable_int("clip", seed, step, position) for position in positions]
