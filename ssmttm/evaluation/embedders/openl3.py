"""OpenL3, music, 256 mel bands (Cramer et al. 2019): 512-d per channel, a 1 s window every 0.5 s, 48 kHz.

As stable-audio-metrics takes it: the clip at 44.1 kHz (what lies above 22 kHz goes), its peak brought
to -1 dBFS, then 48 kHz; half a second of zeros before the clip, so that windows are centered, and
zeros after it to finish the last one; left and right embedded by themselves and joined to 1,024-d, a mono
clip standing for both. Two copies of one channel double the distance of that channel and leave half
of the dimensions empty: with `channels: 1` the clip is mixed down and has 512. A clip shorter than a
window is filled with zeros.

The network is written anew in torch. It is that of the package openl3 from 0.4 on, with the kapre
front end; its librosa front end pads otherwise and gives other numbers. Resampling is soxr's where
theirs is librosa's and resampy's.
"""

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Inputs, Settings, Weights, WindowEmbedder, peak_normalize, prepare
from ssmttm.pretrained.checkpoints import need
from ssmttm.pretrained.openl3 import SAMPLE_RATE, WIDTHS, WINDOW, OpenL3, read_keras

SETTINGS = ("weights", "channels")
REMEDY = (
    "put openl3_audio_mel256_music.h5 there, from the models branch of marl/openl3 on GitHub, "
    "or what ssmttm.pretrained.openl3.convert made of it, and give its path"
)
_FIRST_RATE = 44100
_HOP = WINDOW // 2


class OpenL3Embedder(WindowEmbedder):
    """OpenL3, as `ssmttm.evaluation.embedder` says."""

    name = "openl3"
    sample_rate = SAMPLE_RATE
    window_s, hop_s = 1.0, 0.5

    def __init__(self, network: OpenL3, identity: str, channels: int = 2) -> None:
        self.identity = f"{identity}:{'stereo' if channels == 2 else 'mono'}"
        self.channels = channels
        self.dim = channels * cast(torch.nn.Conv2d, network.convolutions[-1]).out_channels
        self._network = network

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        first = peak_normalize(prepare(wave, sample_rate, _FIRST_RATE, self.channels))
        samples = torch.from_numpy(prepare(first.T, _FIRST_RATE, SAMPLE_RATE, self.channels))
        samples = F.pad(samples, (WINDOW // 2, 0))
        missing = WINDOW - samples.shape[1] if samples.shape[1] < WINDOW else -(samples.shape[1] - WINDOW) % _HOP
        return F.pad(samples, (0, missing)).unfold(1, WINDOW, _HOP).transpose(0, 1)

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        left, right = batch[:, 0], batch[:, -1]
        if self.channels == 2 and torch.equal(left, right):
            return (self._network(left).repeat(1, 2),)
        return (self._network(batch.flatten(0, 1)).reshape(len(batch), -1),)


def load(settings: Settings) -> OpenL3Embedder:
    """The embedder with `weights`, for 1 or 2 `channels` (2); UserError when they are missing or another network's."""
    channels = settings.get("channels", 2)
    if channels not in (1, 2):
        raise UserError(f"evaluation.models.openl3: channels must be 1 or 2, got {channels!r}")
    weights = Weights.of(settings, "openl3", REMEDY)
    names = tuple(f"convolutions.{i}.bias" for i in range(len(WIDTHS)))
    if weights.path.suffix in (".h5", ".hdf5"):
        state = read_keras(weights.path)
        need(state, names, str(weights.path), REMEDY)
    else:
        state = weights.read(names)
    network = OpenL3(tuple(len(state[name]) for name in names))
    weights.fill(network, state)
    return OpenL3Embedder(network, weights.identity, channels)
