"""musicnn's music tagger (Pons and Serra, 2019) in torch.

The network reads patches of 187 log-mel frames (3 s at 16 kHz). Here, patches may overlap; the
convolutions along frequency, which cost most, are then computed once for all of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ssmttm.audio.mel import filter_bank
from ssmttm.pretrained.packaged import PackagedWeights, load_packaged

SAMPLE_RATE = 16000
PATCH = 187  # frames
HOP = 256  # samples per frame
BANDS = 96
WIDTH = 200  # of the penultimate layer
_FFT = 512
_GROUP = 16  # patches computed together: bounds memory on long audio
_REACH = 3  # frames that the timbral filters look to each side

_DATA = "musicnn/MTT_musicnn/.data-00000-of-00001"
_CHANNELS = (1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)  # of each batch normalization
_KERNELS: dict[str, tuple[int, ...]] = {
    "conv2d": (7, 38, 1, 204),
    "conv2d_1": (7, 67, 1, 204),
    "conv2d_2": (128, 1, 1, 51),
    "conv2d_3": (64, 1, 1, 51),
    "conv2d_4": (32, 1, 1, 51),
    "conv2d_5": (7, 561, 1, 64),
    "conv2d_6": (7, 64, 1, 64),
    "conv2d_7": (7, 64, 1, 64),
    "dense": (1506, 200),
    "dense_1": (200, 50),
}

# The classes of MagnaTagATune, in the order of the network's outputs.
# fmt: off
TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano", "ambient",
    "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing", "vocals", "no vocals",
    "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man",
    "classic", "choir", "voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)
# fmt: on

VOICES = {
    **dict.fromkeys(("vocal", "vocals", "singing", "voice"), "vocal"),
    **dict.fromkeys(("female vocal", "female", "woman", "female voice"), "female vocal"),
    **dict.fromkeys(("male vocal", "male", "man", "male voice"), "male vocal"),
    **dict.fromkeys(("choir", "choral"), "choir"),
    "opera": "opera",
}
"""Each tag that speaks of voices, with the kind that it names."""
NO_VOICES = ("no vocals", "no vocal", "no voice")


@dataclass(frozen=True)
class Analysis:
    """What the tagger says of one recording, a row per patch."""

    embedding: np.ndarray
    """Penultimate layer, float32 [patches, 200]."""
    posterior: np.ndarray
    """Tag probabilities, float32 [patches, 50], in the order of `TAGS`."""


class Musicnn:
    """The MTT_musicnn tagger: `analyze` a mono recording at 16 kHz."""

    def __init__(self, weights: dict[str, np.ndarray], identity: str) -> None:
        self.identity = identity
        self._network = _Network(weights).eval()

    @torch.inference_mode()
    def analyze(self, wave: np.ndarray, hop: int = PATCH // 2) -> Analysis:
        """Embeddings and tag probabilities of `wave` [n] at 16 kHz, a patch every `hop` frames.

        Frames after the last whole patch are left out. A recording shorter than one patch (3 s)
        is repeated until it fills one. Raises ValueError for empty, non-finite or non-mono input.
        """
        if hop < 1:
            raise ValueError(f"hop must be at least one frame, got {hop}")
        mel = log_mel(_fill(wave))
        starts = list(range(0, len(mel) - PATCH + 1, hop))
        parts = [self._network(mel, starts[i : i + _GROUP]) for i in range(0, len(starts), _GROUP)]
        embedding, posterior = (torch.cat(p).numpy() for p in zip(*parts))
        return Analysis(embedding, posterior)


def _fill(wave: np.ndarray) -> np.ndarray:
    if wave.ndim != 1 or not len(wave) or not np.isfinite(wave).all():
        raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
    needed = (PATCH - 1) * HOP
    return np.resize(wave, needed) if len(wave) < needed else wave


@cache
def _filter_bank() -> torch.Tensor:
    return torch.tensor(filter_bank(SAMPLE_RATE, _FFT, BANDS))


def log_mel(wave: np.ndarray) -> torch.Tensor:
    """The network's input: log10(1 + 10000 mel power), float32 [1 + n // 256, 96], of `wave` [n]."""
    samples = torch.as_tensor(wave, dtype=torch.float32)
    window = torch.hann_window(_FFT)
    spectrum = torch.stft(samples, _FFT, HOP, window=window, center=True, pad_mode="constant", return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    mel = (_filter_bank() @ power).T
    # The network was trained on float16 features; scaling in float16 would overflow.
    return torch.log10(1 + 10000 * mel.half().float())


class _Normalization(nn.Module):
    """Batch normalization with fixed statistics, as one scale and one shift per channel."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, weights: dict[str, np.ndarray], name: str) -> None:
        super().__init__()
        gamma, beta, mean, variance = (
            weights[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + 1e-3)
        self.register_buffer("scale", torch.from_numpy(scale))
        self.register_buffer("shift", torch.from_numpy(beta - mean * scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize `x` [batch, channels, time] or [batch, channels]."""
        extra = (1,) * (x.ndim - 2)
        return x * self.scale.view(-1, *extra) + self.shift.view(-1, *extra)


class _MaxConvolution(nn.Module):
    """Convolution, ReLU, normalization and maximum over frequency.

    The normalization is monotonic per channel, so the maximum is taken right after the
    convolution: channels with a negative scale have their filters negated, because there the
    largest output comes from the smallest input.
    """

    kernel: torch.Tensor
    bias: torch.Tensor
    sign: torch.Tensor

    def __init__(self, weights: dict[str, np.ndarray], number: int) -> None:
        super().__init__()
        self.normalize = _Normalization(weights, f"batch_normalization_{number + 1}")
        suffix = f"_{number}" if number else ""
        kernel = torch.from_numpy(weights[f"conv2d{suffix}/kernel"]).permute(3, 2, 0, 1)
        sign = torch.where(self.normalize.scale < 0, -1.0, 1.0)
        self.register_buffer("sign", sign)
        self.register_buffer("kernel", (kernel * sign.view(-1, 1, 1, 1)).contiguous())
        self.register_buffer("bias", torch.from_numpy(weights[f"conv2d{suffix}/bias"]) * sign)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, 1, time, frequency] -> [batch, channels, time - kernel + 1]."""
        largest = F.conv2d(x, self.kernel, self.bias).amax(3)
        return self.normalize(F.relu(largest * self.sign[:, None]))


class _Network(nn.Module):
    """The MTT_musicnn graph for patches of one recording."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.input = _Normalization(weights, "batch_normalization")
        self.timbral = cast(list[_MaxConvolution], nn.ModuleList(_MaxConvolution(weights, i) for i in (0, 1)))
        self.temporal = cast(list[_MaxConvolution], nn.ModuleList(_MaxConvolution(weights, i) for i in (2, 3, 4)))
        self.middle = cast(list[nn.Conv1d], nn.ModuleList(nn.Conv1d(1, 1, 1) for _ in range(3)))
        self.middle_normalize = nn.ModuleList(_Normalization(weights, f"batch_normalization_{i}") for i in (6, 7, 8))
        for layer, number in zip(self.middle, (5, 6, 7)):
            kernel = weights[f"conv2d_{number}/kernel"][:, :, 0]
            _set(layer, kernel.transpose(2, 1, 0), weights[f"conv2d_{number}/bias"])
        self.pool_normalize = _Normalization(weights, "batch_normalization_9")
        self.dense, self.output = nn.Linear(1, 1), nn.Linear(1, 1)
        self.dense_normalize = _Normalization(weights, "batch_normalization_10")
        for linear, name in ((self.dense, "dense"), (self.output, "dense_1")):
            _set(linear, weights[f"{name}/kernel"].T, weights[f"{name}/bias"])

    def forward(self, mel: torch.Tensor, starts: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Penultimate [patches, 200] and probabilities [patches, 50] of the patches at `starts`."""
        first = starts[0]
        mel = self.input(mel[None, None, first : starts[-1] + PATCH])[0, 0]
        starts = [s - first for s in starts]
        patches = torch.stack([mel[s : s + PATCH] for s in starts])[:, None]
        front = [self._timbral(layer, mel, patches, starts) for layer in self.timbral]
        for layer in self.temporal:
            length = layer.kernel.shape[2]
            front.append(layer(F.pad(patches, (0, 0, (length - 1) // 2, length // 2))))
        return self._back(torch.cat(front, 1))

    @staticmethod
    def _timbral(layer: _MaxConvolution, mel: torch.Tensor, patches: torch.Tensor, starts: list[int]) -> torch.Tensor:
        """[patches, channels, 187] with the convolution shared between overlapping patches.

        Only the outermost frames of a patch, which see its zero padding, are computed apart.
        """
        shared = layer(mel[None, None])[0]  # output i looks at frames i to i + 6
        inside = torch.stack([shared[:, s : s + PATCH - 2 * _REACH] for s in starts])
        left = layer(F.pad(patches[:, :, : 2 * _REACH], (0, 0, _REACH, 0)))
        right = layer(F.pad(patches[:, :, -2 * _REACH :], (0, 0, 0, _REACH)))
        return torch.cat([left, inside, right], 2)

    def _back(self, front: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features, x = [front], front
        for number, (layer, normalize) in enumerate(zip(self.middle, self.middle_normalize)):
            y = normalize(F.relu(F.conv1d(x, layer.weight, layer.bias, padding=3)))
            x = x + y if number else y
            features.append(x)
        z = torch.cat(features, 1)
        pooled = torch.stack([z.amax(2), z.mean(2)], 2).flatten(1)
        penultimate = self.dense_normalize(F.relu(self.dense(self.pool_normalize(pooled))))
        return penultimate, torch.sigmoid(self.output(penultimate))


def _set(layer: nn.Module, weight: np.ndarray, bias: np.ndarray) -> None:
    layer.weight = nn.Parameter(torch.from_numpy(np.ascontiguousarray(weight)), requires_grad=False)
    layer.bias = nn.Parameter(torch.from_numpy(bias), requires_grad=False)


def _convert(members: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    """The variables of the TensorFlow checkpoint that the network needs, by their names there.

    A checkpoint's data file is its variables one after the other, in the order of their names. Beside the weights
    there are two moments of the optimizer for each that was trained.
    """
    trained = {f"{name}/kernel": shape for name, shape in _KERNELS.items()}
    trained |= {f"{name}/bias": shape[-1:] for name, shape in _KERNELS.items()}
    fixed = {}
    for number, channels in enumerate(_CHANNELS):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        trained |= {f"{name}/{part}": (channels,) for part in ("beta", "gamma")}
        fixed |= {f"{name}/{part}": (channels,) for part in ("moving_mean", "moving_variance")}
    moments = {f"{name}/{slot}": shape for name, shape in trained.items() for slot in ("Adam", "Adam_1")}
    values = np.frombuffer(members[_DATA], "<f4")
    tensors, at = {}, 0
    for name, shape in sorted((trained | fixed | moments | {"beta1_power": (), "beta2_power": ()}).items()):
        size = math.prod(shape)
        if name in trained or name in fixed:
            tensors[name] = values[at : at + size].reshape(shape)
        at += size
    return tensors


WEIGHTS = PackagedWeights(
    "musicnn",
    "musicnn==0.1.0",
    {_DATA: "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab"},
    _convert,
    "5f98fe51215993352450c4d5308474d9d5a5ce6dfc9d2650dc7427308c07b50c",
)


@cache
def load_musicnn() -> Musicnn:
    """The tagger, loaded once per process; raises UserError when its weights can't be had."""
    weights = {name: tensor.numpy() for name, tensor in load_packaged(WEIGHTS).items()}
    return Musicnn(weights, f"musicnn-mtt:{WEIGHTS.members[_DATA][:12]}")
