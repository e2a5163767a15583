"""musicnn's music tagger (Pons and Serra, 2019) in torch.

The network reads patches of 187 log-mel frames (3 s at 16 kHz). Here, patches may overlap; the
convolutions along frequency, which cost most, are then computed once for all of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

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
# Shapes of the published network's layers.
_NORMALIZATIONS = (1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)
_CONVOLUTIONS = (
    (7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51), (7, 561, 1, 64), (7, 64, 1, 64),
    (7, 64, 1, 64),
)  # fmt: skip
_DENSE = ((1506, WIDTH), (WIDTH, 50))

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
        self._network = _Network(weights)

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


class _Normalization:
    """Batch normalization with fixed statistics, as one scale and one shift per channel."""

    def __init__(self, weights: dict[str, np.ndarray], number: int) -> None:
        name = _numbered("batch_normalization", number)
        gamma, beta, mean, variance = (
            weights[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + 1e-3)
        self.scale, self.shift = torch.from_numpy(scale), torch.from_numpy(beta - mean * scale)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize `x` [batch, channels, time] or [batch, channels]."""
        extra = (1,) * (x.ndim - 2)
        return x * self.scale.view(-1, *extra) + self.shift.view(-1, *extra)


class _MaxConvolution:
    """Convolution, ReLU, normalization and maximum over frequency.

    The normalization is monotonic per channel, so the maximum is taken right after the
    convolution: channels with a negative scale have their filters negated, because there the
    largest output comes from the smallest input.
    """

    def __init__(self, weights: dict[str, np.ndarray], number: int) -> None:
        name = _numbered("conv2d", number)
        self.normalize = _Normalization(weights, number + 1)
        kernel = torch.from_numpy(weights[f"{name}/kernel"]).permute(3, 2, 0, 1)
        self.sign = torch.where(self.normalize.scale < 0, -1.0, 1.0)
        self.kernel = (kernel * self.sign.view(-1, 1, 1, 1)).contiguous()
        self.bias = torch.from_numpy(weights[f"{name}/bias"]) * self.sign

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, 1, time, frequency] -> [batch, channels, time - kernel + 1]."""
        largest = F.conv2d(x, self.kernel, self.bias).amax(3)
        return self.normalize(F.relu(largest * self.sign[:, None]))


class _Network:
    """The MTT_musicnn graph for patches of one recording."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.input = _Normalization(weights, 0)
        self.timbral = [_MaxConvolution(weights, number) for number in (0, 1)]
        self.temporal = [_MaxConvolution(weights, number) for number in (2, 3, 4)]
        self.middle = [
            (
                torch.from_numpy(weights[f"conv2d_{number}/kernel"][:, :, 0]).permute(2, 1, 0).contiguous(),
                torch.from_numpy(weights[f"conv2d_{number}/bias"]),
                _Normalization(weights, number + 1),
            )
            for number in (5, 6, 7)
        ]
        self.pool_normalize, self.dense_normalize = (_Normalization(weights, number) for number in (9, 10))
        self.dense, self.output = (
            (torch.from_numpy(weights[f"{name}/kernel"]).T.contiguous(), torch.from_numpy(weights[f"{name}/bias"]))
            for name in ("dense", "dense_1")
        )

    def __call__(self, mel: torch.Tensor, starts: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
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

        Only the outermost frames of a patch, which see its zero padding, are computed for each.
        """
        shared = layer(mel[None, None])[0]  # output i looks at frames i to i + 6
        inside = torch.stack([shared[:, s : s + PATCH - 2 * _REACH] for s in starts])
        left = layer(F.pad(patches[:, :, : 2 * _REACH], (0, 0, _REACH, 0)))
        right = layer(F.pad(patches[:, :, -2 * _REACH :], (0, 0, 0, _REACH)))
        return torch.cat([left, inside, right], 2)

    def _back(self, front: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features, x = [front], front
        for number, (kernel, bias, normalize) in enumerate(self.middle):
            y = normalize(F.relu(F.conv1d(x, kernel, bias, padding=3)))
            x = x + y if number else y
            features.append(x)
        z = torch.cat(features, 1)
        pooled = torch.stack([z.amax(2), z.mean(2)], 2).flatten(1)
        penultimate = self.dense_normalize(F.relu(F.linear(self.pool_normalize(pooled), *self.dense)))
        return penultimate, torch.sigmoid(F.linear(penultimate, *self.output))


def _numbered(name: str, number: int) -> str:
    """What TensorFlow calls the layer `number` of a kind: the first has no number."""
    return f"{name}_{number}" if number else name


def _convert(members: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    """The variables of the TensorFlow checkpoint that the network needs, by their names there.

    A checkpoint's data file is its variables one after the other, in the order of their names. Beside the weights
    there are two moments of the optimizer for each that was trained.
    """
    trained: dict[str, tuple[int, ...]] = {}
    fixed: dict[str, tuple[int, ...]] = {}
    for kind, shapes in (("conv2d", _CONVOLUTIONS), ("dense", _DENSE)):
        for number, shape in enumerate(shapes):
            name = _numbered(kind, number)
            trained |= {f"{name}/kernel": shape, f"{name}/bias": shape[-1:]}
    for number, channels in enumerate(_NORMALIZATIONS):
        name = _numbered("batch_normalization", number)
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
