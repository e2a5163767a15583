"""musicnn's penultimate layer (200-d, a 3 s window every 1.5 s) and its 50 tag probabilities."""

import numpy as np

from ssmttm.audio import resample
from ssmttm.metrics.embedders.base import Embedding
from ssmttm.pretrained.musicnn import SAMPLE_RATE, TAGS, WIDTH, Analysis, Musicnn, load_musicnn


class MusicnnEmbedder:
    """Implements `ssmttm.metrics.embedders.base.Embedder`."""

    name = "musicnn"
    sample_rate = SAMPLE_RATE
    dim = WIDTH
    classes = TAGS

    def __init__(self, model: Musicnn) -> None:
        self.identity = model.identity
        self._model = model

    def embed(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        """Embeddings, float32 [n, 200], of mono samples at `sample_rate` Hz."""
        return self._analyze(wave, sample_rate).embedding

    def posteriors(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        """Tag probabilities per window, float32 [n, 50]."""
        return self._analyze(wave, sample_rate).posterior

    def analyze(self, wave: np.ndarray, sample_rate: int) -> Embedding:
        """Window embeddings and the mean tag probabilities of one clip."""
        analysis = self._analyze(wave, sample_rate)
        return Embedding(analysis.embedding, analysis.posterior.mean(0))

    def _analyze(self, wave: np.ndarray, sample_rate: int) -> Analysis:
        return self._model.analyze(resample(wave, sample_rate, SAMPLE_RATE))


def load() -> MusicnnEmbedder:
    """The embedder; raises UserError when its weights are not installed."""
    return MusicnnEmbedder(load_musicnn())
