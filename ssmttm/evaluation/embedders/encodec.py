"""EnCodec's encoder (Défossez et al. 2022) through transformers: 128-d, before quantization, a row per latent frame.

Takes a folder that transformers wrote (facebook/encodec_24khz: mono, 75 rows per second;
facebook/encodec_48khz: stereo, 150). The clip goes through the encoder whole and as loud as it is,
as in the package frechet-audio-distance; the 48 kHz codec itself would cut it into seconds and
normalize each. Frames are rows, not averaged: its release 0.3.4 does the same, older ones took time
for the dimension. They overlap in what they see, so neighboring rows are far from independent. A
mono clip stands for both channels of the stereo codec.
"""

import numpy as np
import torch
from transformers import EncodecModel

from ssmttm.evaluation.embedder import Embedding, Inputs, Settings, Weights, WindowEmbedder, need_seconds, prepare
from ssmttm.pretrained.hub import load_pretrained

SETTINGS = ("weights",)
REMEDY = "put the folder of a transformers EnCodec there (hf download facebook/encodec_24khz), and give its path"


class EncodecEmbedder(WindowEmbedder):
    """EnCodec's encoder, as `ssmttm.evaluation.embedder` says."""

    name = "encodec"
    batch = 8

    def __init__(self, model: EncodecModel, identity: str) -> None:
        config = model.config
        self.identity = identity
        self.sample_rate, self.channels, self.dim = config.sampling_rate, config.audio_channels, config.hidden_size
        self._hop = int(np.prod(config.upsampling_ratios))
        self.hop_s = self._hop / self.sample_rate
        self._encoder = model.encoder

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        samples = prepare(wave, sample_rate, self.sample_rate, self.channels)
        need_seconds(samples, 2 * self._hop, self.sample_rate, self.name)
        return torch.from_numpy(samples)[None]

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self._encoder(batch).transpose(1, 2),)

    def _join(self, embeddings: np.ndarray, *rest: np.ndarray) -> Embedding:
        return Embedding(embeddings[0], np.zeros(0, np.float32))


def load(settings: Settings) -> EncodecEmbedder:
    """The embedder with the folder `weights`; raises UserError when it is missing or damaged."""
    weights = Weights.of(settings, "encodec", REMEDY)
    return EncodecEmbedder(load_pretrained(EncodecModel, str(weights.path), weights.key), weights.identity)
