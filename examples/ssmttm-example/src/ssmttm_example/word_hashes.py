"""A text encoder without weights: each word is a random vector of its own, the same on every machine."""

import re

import numpy as np

from ssmttm.seeds import stable_int
from ssmttm.settings import TextSettings
from ssmttm.text.base import Reading, TextEncoder, reading

WIDTH = 64
_WORD = re.compile(r"\w+|[^\w\s]")


class WordHashes(TextEncoder):
    """See `TextEncoder`; a token is a word or a mark, in small letters."""

    identity, width, batch = f"word_hashes:{stable_int('word hashes', WIDTH):012x}"[:24], WIDTH, 64

    def encode(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """See `TextEncoder`."""
        found = [_WORD.findall(text.lower())[:max_tokens] for text in texts]
        for text, words in zip(texts, found, strict=True):
            if not words:
                raise ValueError(f"{text!r} is empty; an empty text has no embedding")
        return [np.stack([_vector(word) for word in words]) for words in found]

    def read(self, text: str, max_tokens: int) -> Reading:
        """See `TextEncoder`; every word is known, in any script."""
        spans = [match.span() for match in _WORD.finditer(text)]
        return reading(text, spans, [False] * len(spans), kept=max_tokens, marks=0)


def _vector(word: str) -> np.ndarray:
    """Float32 [width], of variance 1."""
    return np.random.default_rng(stable_int("word", word)).normal(size=WIDTH).astype(np.float32)


def load(settings: TextSettings) -> WordHashes:
    """The encoder."""
    return WordHashes()


def width(settings: TextSettings) -> int:
    """Width of the embeddings."""
    return WIDTH
