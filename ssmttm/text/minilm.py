"""all-MiniLM-L6-v2 as a frozen caption encoder: 384-d token embeddings, runs offline."""

import numpy as np

from ssmttm.pretrained.minilm import WIDTH, MiniLM, load_minilm
from ssmttm.text.base import Reading, TextSettings, in_batches, reading

_BATCH = 64


class MiniLMEncoder:
    """Implements `ssmttm.text.base.TextEncoder`."""

    width = WIDTH

    def __init__(self, model: MiniLM) -> None:
        self.identity = model.identity
        self._model = model

    def encode(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """Token embeddings, float32 [length, 384] per text; ValueError for an empty text."""
        return in_batches(texts, _BATCH, lambda batch: self._model.encode(batch, max_tokens))

    def read(self, text: str, max_tokens: int) -> Reading:
        """How much of `text` is in its embedding."""
        return reading(text, *self._model.tokens(text), kept=max_tokens - 2, marks=2)


def load(settings: TextSettings) -> MiniLMEncoder:
    """The encoder; raises UserError when its weights can't be had. No key of `settings` changes it."""
    return MiniLMEncoder(load_minilm())


def width(settings: TextSettings) -> int:
    """Width of the embeddings."""
    return WIDTH
