"""PANNs' Cnn14 (Kong et al. 2020): 2,048-d, one vector for a clip, and 527 AudioSet probabilities.

The layer is the one before the classes, after its ReLU. The sample rate follows from the checkpoint:
32 kHz for Cnn14, 16 kHz for Cnn14_16k, 8 kHz for Cnn14_8k; mono, not normalized in level. One vector
for each clip means that a Fréchet distance needs thousands of clips to have full rank.

The package frechet-audio-distance 0.3.4 takes the same layer, but joins the clips' vectors end to
end: four clips give one array of 8,192 numbers, and its distance over that is meaningless. Here they
are rows. Clips of less than 0.31 s are refused; the package returns -1 for them.
"""

import numpy as np
import torch

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Embedding, Inputs, Settings, Weights, WindowEmbedder, need_seconds, prepare
from ssmttm.pretrained.panns import RATES, Cnn14, lay_out

SETTINGS = ("weights",)
REMEDY = (
    "put Cnn14_mAP=0.431.pth, Cnn14_16k_mAP=0.438.pth or Cnn14_8k_mAP=0.416.pth there, from Zenodo record 3987831, "
    "or the same tensors as .safetensors, and give its path"
)
_LAYERS = ("logmel_extractor.melW", "fc_audioset.weight", *(f"conv_block{i}.conv1.weight" for i in range(1, 7)))


class PannEmbedder(WindowEmbedder):
    """Cnn14, as `ssmttm.evaluation.embedder` says."""

    name = "pann"
    activation = "sigmoid"
    batch = 8

    def __init__(self, network: Cnn14, identity: str) -> None:
        self.identity = identity
        self.sample_rate = network.sample_rate
        self.dim = network.fc1.out_features
        self.classes = tuple(f"audioset {i}" for i in range(network.fc_audioset.out_features))
        self._network = network

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        samples = prepare(wave, sample_rate, self.sample_rate)
        need_seconds(samples, self._network.least, self.sample_rate, self.name)
        return torch.from_numpy(samples)

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        embedding, logits = self._network(batch)
        return embedding, torch.sigmoid(logits)

    def _join(self, embeddings: np.ndarray, *rest: np.ndarray) -> Embedding:
        return Embedding(embeddings, rest[0][0])


def load(settings: Settings) -> PannEmbedder:
    """The embedder with `weights`; raises UserError when they are missing or another network's."""
    weights = Weights.of(settings, "pann", REMEDY)
    state = weights.read(_LAYERS)
    if 2 * (len(state["logmel_extractor.melW"]) - 1) not in RATES:
        raise UserError(f"{weights.path}: its mel filters are of no known sample rate; {REMEDY}")
    network, own = lay_out(state)
    weights.fill(network, own)
    return PannEmbedder(network, weights.identity)
