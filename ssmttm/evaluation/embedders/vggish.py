"""VGGish (Hershey et al. 2017): 128-d, a 0.96 s window every 0.96 s, 16 kHz mono.

The layer is the last dense one before its ReLU, without PCA and quantization, as the package
frechet-audio-distance takes it (`use_pca=False, use_activation=False`); audio is not normalized in
level. Windows that the clip does not fill are left out, as there, so the last 0.96 s may go unheard;
a clip of less than one window (0.975 s) is refused, where that package returns no row, or -1. It
resamples with resampy, here soxr does: the same band, other rounding. Google's own network in
TensorFlow has the ReLU and gives slightly other distances (12.44 for 12.74 on its sine test).
"""

from typing import cast

import numpy as np
import torch

from ssmttm.evaluation.embedder import Inputs, Settings, Weights, WindowEmbedder, need_seconds, prepare
from ssmttm.pretrained.vggish import LEAST, SAMPLE_RATE, VGGish, lay_out, log_mel

SETTINGS = ("weights",)
REMEDY = (
    "put vggish-10086976.pth there, from release v0.1 of harritaylor/torchvggish on GitHub, "
    "or the same tensors as .safetensors, and give its path"
)
_LAYERS = tuple(f"features.{i}.bias" for i in (0, 3, 6, 8, 11, 13)) + tuple(f"embeddings.{i}.bias" for i in (0, 2, 4))


class VggishEmbedder(WindowEmbedder):
    """VGGish, as `ssmttm.evaluation.embedder` says."""

    name = "vggish"
    sample_rate = SAMPLE_RATE
    window_s = hop_s = 0.96
    batch = 64

    def __init__(self, network: VGGish, identity: str) -> None:
        self.identity = identity
        self.dim = cast(torch.nn.Linear, network.embeddings["4"]).out_features
        self._network = network

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        samples = prepare(wave, sample_rate, SAMPLE_RATE)
        need_seconds(samples, LEAST, SAMPLE_RATE, self.name)
        return log_mel(samples[0])

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self._network(batch),)


def load(settings: Settings) -> VggishEmbedder:
    """The embedder with `weights`; raises UserError when they are missing or another network's."""
    weights = Weights.of(settings, "vggish", REMEDY)
    state = weights.read(_LAYERS, without="pproc.")  # of the published file, the PCA that this embedding leaves out
    network = lay_out(state)
    weights.fill(network, state)
    return VggishEmbedder(network, weights.identity)
