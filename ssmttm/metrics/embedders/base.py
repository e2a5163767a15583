"""What an audio embedder is, and how one is chosen by name: its module's name is its key."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ssmttm.errors import UserError


@dataclass(frozen=True)
class Embedding:
    """What an embedder says of one clip."""

    windows: np.ndarray
    """Embeddings of successive windows, float32 [n, dim]."""
    posterior: np.ndarray
    """Class probabilities, mean over the windows, float32 [classes]."""


class Embedder(Protocol):
    """A frozen model from audio to embeddings and class probabilities."""

    name: str
    identity: str
    """Name and weights hash, reported beside every score."""
    sample_rate: int
    """Rate, in Hz, to which `embed` resamples."""
    dim: int
    classes: tuple[str, ...]
    """Names of the posterior's classes."""

    def embed(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        """Embeddings, float32 [n, dim], of mono samples [n] at `sample_rate` Hz."""
        ...

    def posteriors(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        """Class probabilities per window, float32 [n, classes]."""
        ...

    def analyze(self, wave: np.ndarray, sample_rate: int) -> Embedding:
        """Both at the cost of one."""
        ...


def embedders() -> list[str]:
    """Names of the available embedders."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in ("__init__", "base"))


def load_embedder(name: str) -> Embedder:
    """The embedder of module `ssmttm.metrics.embedders.<name>`; UserError for an unknown name."""
    if name not in embedders():
        raise UserError(f"evaluation.embedder: no embedder {name!r}; there are {', '.join(embedders())}")
    return importlib.import_module(f"ssmttm.metrics.embedders.{name}").load()
