"""PaSST (Koutini et al. 2022): probabilities over 527 AudioSet classes, and 768-d embeddings, 32 kHz mono.

As stable-audio-metrics takes it: the clip's peak at -1 dBFS, 10 s windows every 5 s, the MEAN OF
LOGITS over windows and then one softmax. audiocraft takes the softmax per window of 20 s and then
the mean, which gives other numbers. A window starts wherever more than 5 s are left, and one that
the clip does not fill is filled with zeros; stable-audio-metrics passes clips of less than 1.5 s
unfilled. Embeddings are the mean of the class and the distillation token after the last norm, a row
per window.

The network is written anew in torch, for the checkpoints of 10 s with a hop of 10 ms. The published
network varies the mel filters in training; this is its evaluation mode.
"""

import numpy as np
import torch

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Embedding, Inputs, Settings, Weights, WindowEmbedder, peak_normalize, prepare
from ssmttm.pretrained.checkpoints import numbers
from ssmttm.pretrained.passt import SAMPLE_RATE, Passt, lay_out

SETTINGS = ("weights",)
REMEDY = (
    "put passt-s-f128-p16-s10-ap.476-swa.pt there, from release v0.0.1-audioset of kkoutini/PaSST on GitHub, "
    "or the same tensors as .safetensors, and give its path"
)
_LAYERS = (
    "patch_embed.proj.weight",
    "freq_new_pos_embed",
    "time_new_pos_embed",
    "blocks.0.mlp.fc1.bias",
    "head.1.bias",
)
_WINDOW, _HOP = 10 * SAMPLE_RATE, 5 * SAMPLE_RATE


class PasstEmbedder(WindowEmbedder):
    """PaSST, as `ssmttm.evaluation.embedder` says."""

    name = "passt"
    sample_rate = SAMPLE_RATE
    window_s, hop_s = 10.0, 5.0
    activation = "softmax"
    batch = 4

    def __init__(self, network: Passt, identity: str) -> None:
        self.identity = identity
        self.dim = network.layout.dim
        self.classes = tuple(f"audioset {i}" for i in range(network.layout.classes))
        self._network = network

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        samples = torch.from_numpy(peak_normalize(prepare(wave, sample_rate, SAMPLE_RATE))[0])
        starts = range(0, max(_HOP, len(samples) - _HOP), _HOP)
        windows = torch.zeros(len(starts), _WINDOW)
        for row, start in zip(windows, starts):
            part = samples[start : start + _WINDOW]
            row[: len(part)] = part
        return windows

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self._network(batch)

    def _join(self, embeddings: np.ndarray, *rest: np.ndarray) -> Embedding:
        logits = torch.from_numpy(rest[0]).double().mean(0)
        return Embedding(embeddings, logits.softmax(0).float().numpy())


def load(settings: Settings) -> PasstEmbedder:
    """The embedder with `weights`; raises UserError when they are missing or another network's."""
    weights = Weights.of(settings, "passt", REMEDY)
    state = weights.read(_LAYERS, without="head_dist.")  # the head of the distillation token serves training alone
    try:
        network = lay_out(state, len(numbers(state, r"blocks\.(\d+)\.")))
    except (ValueError, IndexError) as error:
        raise UserError(f"{weights.path}: no PaSST of 10 s ({error}); {REMEDY}") from error
    weights.fill(network, state)
    return PasstEmbedder(network, weights.identity)
