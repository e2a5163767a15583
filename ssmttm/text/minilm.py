"""all-MiniLM-L6-v2 as a frozen caption encoder: 384-d token embeddings, runs offline."""

from typing import Any

import numpy as np

from ssmttm.pretrained.minilm import WIDTH, MiniLM, load_minilm
from ssmttm.text.base import Reading, reading

_BATCH = 64


class MiniLMEncoder:
    """Implements `ssmttm.text.base.TextEncoder`."""

    width = WIDTH

    def __init__(self, model: MiniLM) -> None:
        self.identity = model.identity
        self._model = model

    def encode(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """Token embeddings, float32 [length, 384] per text; ValueError for an empty text."""
        # Texts of similar length share a batch, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        encoded: dict[int, np.ndarray] = {}
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            encoded.update(zip(chosen, self._model.encode([texts[i] for i in chosen], max_tokens)))
        return [encoded[i] for i in range(len(texts))]

    def read(self, text: str, max_tokens: int) -> Reading:
        """How much of `text` is in its embedding."""
        return reading(text, *self._model.tokens(text), kept=max_tokens - 2, marks=2)


def load(settings: dict[str, Any]) -> MiniLMEncoder:
    """The encoder; raises UserError when its weights are not installed. No key of `settings` changes it."""
    return MiniLMEncoder(load_minilm())


def width(settings: dict[str, Any]) -> int:
    """Width of the embeddings."""
    return WIDTH
