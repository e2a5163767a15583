"""musicnn's penultimate layer (200-d, a 3 s window every 1.5 s) and its 50 tag probabilities.

Pons and Serra 2019, MTT_musicnn: 16 kHz mono, no normalization of level. The posterior is the mean
over windows of 50 independent tag probabilities. A clip shorter than 3 s is repeated. The package's
own extractor gives every window the first one's penultimate layer; here each has its own.
"""

from collections.abc import Sequence

import numpy as np

from ssmttm.device import share_among_threads
from ssmttm.evaluation.embedder import Clip, Embedder, Embedding, Settings, prepare
from ssmttm.pretrained.musicnn import HOP, PATCH, SAMPLE_RATE, TAGS, WIDTH, Musicnn, load_musicnn

SETTINGS: tuple[str, ...] = ()


class MusicnnEmbedder(Embedder):
    """musicnn, as `ssmttm.evaluation.embedder` says."""

    name = "musicnn"
    sample_rate = SAMPLE_RATE
    window_s = PATCH * HOP / SAMPLE_RATE
    hop_s = PATCH // 2 * HOP / SAMPLE_RATE
    dim = WIDTH
    classes = TAGS
    activation = "sigmoid"

    def __init__(self, model: Musicnn) -> None:
        self.identity = model.identity
        self._model = model

    def analyze(self, wave: np.ndarray, sample_rate: int) -> Embedding:
        """Window embeddings and the mean tag probabilities of one clip."""
        analysis = self._model.analyze(prepare(wave, sample_rate, SAMPLE_RATE)[0])
        return Embedding(analysis.embedding, analysis.posterior.mean(0))

    def analyze_many(self, clips: Sequence[Clip]) -> list[Embedding]:
        """Embeddings of `clips`; the windows of one clip share their convolutions, so each is a batch."""
        return share_among_threads(lambda clip: self.analyze(*clip), clips)


def load(settings: Settings) -> MusicnnEmbedder:
    """The embedder; raises UserError when its weights can't be had."""
    return MusicnnEmbedder(load_musicnn())
