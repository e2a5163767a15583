"""What a text encoder is, and how one is chosen by name: its module's name is its key."""

import importlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ssmttm.errors import UserError


class TextEncoder(Protocol):
    """A frozen encoder from captions to sequences of token embeddings."""

    identity: str
    """Name and weights hash: embeddings of different identities are never mixed."""
    width: int
    """Dimension of one token's embedding."""

    def encode(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """Token embeddings, float32 [length, width] per text, length at most `max_tokens`.

        A text's embedding does not depend on what it is batched with. Raises ValueError for an
        empty text.
        """
        ...


def encoders() -> list[str]:
    """Names of the available encoders."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in ("__init__", "base"))


def load_encoder(settings: dict[str, Any]) -> TextEncoder:
    """The encoder that `settings` (the config's data.text) names: keys `encoder` and, where it takes one, `model`.

    Raises UserError for an unknown name, and when the weights are missing.
    """
    return _module(settings["encoder"]).load(settings)


def width_of(settings: dict[str, Any]) -> int:
    """The width of that encoder's embeddings, without loading its weights; raises UserError as `load_encoder` does."""
    return _module(settings["encoder"]).width(settings)


def _module(name: str) -> Any:
    if name not in encoders():
        raise UserError(f"data.text.encoder: no encoder {name!r}; there are {', '.join(encoders())}")
    return importlib.import_module(f"ssmttm.text.{name}")
