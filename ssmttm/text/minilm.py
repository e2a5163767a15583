"""all-MiniLM-L6-v2 as a frozen caption encoder: 384-d token embeddings, runs offline."""

import numpy as np

from ssmttm.pretrained.minilm import WIDTH, MiniLM, load_minilm
from ssmttm.settings import TextSettings
from ssmttm.text.base import Reading, TextEncoder, reading


class MiniLMEncoder(TextEncoder):
    """See `TextEncoder`; embeddings are 384 wide."""

    width = WIDTH
    batch = 64

    def __init__(self, model: MiniLM) -> None:
        self.identity = model.identity
        self._model = model

    def encode(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """See `TextEncoder`."""
        return self._in_batches(texts, lambda part: self._model.encode(part, max_tokens))

    def read(self, text: str, max_tokens: int) -> Reading:
        """See `TextEncoder`."""
        return reading(text, *self._model.tokens(text), kept=max_tokens - 2, marks=2)


def load(settings: TextSettings) -> MiniLMEncoder:
    """The encoder; raises UserError when its weights can't be had. No key of `settings` changes it."""
    return MiniLMEncoder(load_minilm())


def width(settings: TextSettings) -> int:
    """Width of the embeddings."""
    return WIDTH
