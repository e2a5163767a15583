"""What a text encoder is, and how one is chosen by name: its module's name is its key."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ssmttm import plugins
from ssmttm.settings import TextSettings

if TYPE_CHECKING:
    import torch

T = TypeVar("T", bound=Sized)


@dataclass(frozen=True)
class Reading:
    """How much of a text an encoder takes in."""

    tokens: int
    """Of the whole text, with those that mark its start and end."""
    dropped: str
    """The end of the text that is beyond the tokens that are kept."""
    known: float
    """Share of its letters in tokens that are words or parts of several letters, 0 to 1: near 1 where the vocabulary
    has its words, near 0 where it is spelled out letter by letter or unknown, as in another script."""


def reading(text: str, spans: Sequence[tuple[int, int]], unknown: Sequence[bool], kept: int, marks: int) -> Reading:
    """The `Reading` of `text`, from its tokens without marks.

    Args:
        text: what was tokenized.
        spans: where each token stands in it, as start and end.
        unknown: whether each token stands for what the vocabulary doesn't have.
        kept: at most so many of these tokens are kept.
        marks: tokens that mark start and end, besides.
    """
    letters = [sum(c.isalpha() for c in text[start:end]) for start, end in spans]
    words = [not (text[:start][-1:].isalpha() or text[end : end + 1].isalpha()) for start, end in spans]
    parts = zip(letters, words, unknown, strict=True)
    understood = sum(n for n, word, lost in parts if (n > 1 or word) and not lost)
    known = understood / sum(letters) if sum(letters) else 1 - sum(unknown) / max(1, len(spans))
    dropped = text[spans[kept][0] :].strip() if len(spans) > kept else ""
    return Reading(len(spans) + marks, dropped, known)


class TextEncoder(ABC):
    """A frozen encoder from captions to sequences of token embeddings."""

    identity: str
    """Name and weights hash: embeddings of different identities are never mixed."""
    width: int
    """Dimension of one token's embedding."""
    batch: int
    """Texts encoded together."""
    takes_gpu: bool = False
    """Whether `to` moves anything."""

    def to(self, device: "torch.device") -> None:  # noqa: B027 small ones compute on the CPU alone
        """Compute on `device` from now on, if this encoder can."""

    @abstractmethod
    def encode(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """Token embeddings, float32 [length, width] per text, length at most `max_tokens`.

        A text's embedding does not depend on what it is batched with. Raises ValueError for an
        empty text.
        """

    @abstractmethod
    def read(self, text: str, max_tokens: int) -> Reading:
        """How much of `text` is in its embedding."""

    def _in_batches(self, items: Sequence[T], encode: Callable[[list[T]], list[np.ndarray]]) -> list[np.ndarray]:
        """`encode` of `items`, those of similar length together, so that little is spent on padding."""
        order = sorted(range(len(items)), key=lambda i: len(items[i]))
        encoded: dict[int, np.ndarray] = {}
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            encoded.update(zip(chosen, encode([items[i] for i in chosen])))
        return [encoded[i] for i in range(len(items))]


def load_encoder(settings: TextSettings) -> TextEncoder:
    """The encoder that `settings` (the config's data.text) names: keys `encoder` and, where it takes one, `model`.

    Raises UserError for an unknown name, and when its weights can't be had.
    """
    encoder: TextEncoder = _module(settings["encoder"]).load(settings)
    return encoder


def width_of(settings: TextSettings) -> int:
    """The width of that encoder's embeddings, without loading its weights; raises UserError as `load_encoder` does."""
    width: int = _module(settings["encoder"]).width(settings)
    return width


def _module(name: str) -> Any:
    return plugins.load("ssmttm.text", name, "encoder", "data.text.encoder")
