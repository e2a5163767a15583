"""OpenL3's audio network for 256 mel bands (Cramer et al. 2019) in torch, and its weights out of Keras files."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from ssmttm.audio.mel import filter_bank
from ssmttm.errors import UserError
from ssmttm.files import atomic_path

SAMPLE_RATE = 48000
WINDOW = SAMPLE_RATE  # samples
BANDS = 256
WIDTHS = (64, 64, 128, 128, 256, 256, 512, 512)
_FFT, _HOP, _FRAMES = 2048, 242, 199
_FLOOR, _RANGE_DB = 1e-10, 80.0
_POOL = (32, 24)  # leaves one value per channel: 512-d
_EPSILON = 1e-3  # Keras' own, in batch normalization


@cache
def _filter_bank() -> torch.Tensor:
    return torch.tensor(filter_bank(SAMPLE_RATE, _FFT, BANDS))


def log_mel(windows: torch.Tensor) -> torch.Tensor:
    """Decibels below each window's loudest bin, -80 to 0, [n, 1, 256, 199], of samples [n, 48000].

    As the network's own front end (kapre): magnitudes, not powers, of unpadded frames; zeros are
    added at the end only, to finish the last frame.
    """
    padded = F.pad(windows, (0, (_FRAMES - 1) * _HOP + _FFT - WINDOW))
    frames = padded.unfold(1, _FFT, _HOP) * torch.hann_window(_FFT)
    mel = torch.fft.rfft(frames).abs() @ _filter_bank().T
    decibel = 10 * torch.log10(mel.clamp(min=_FLOOR))
    decibel = decibel - decibel.amax((1, 2), keepdim=True)
    return decibel.clamp(min=-_RANGE_DB).transpose(1, 2)[:, None]


class OpenL3(nn.Module):
    """Eight convolutions, normalized before each, and a maximum over what is left of the map."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        inputs = (1, *widths[:-1])
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, eps=_EPSILON) for width in inputs)
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(inputs, widths))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Samples [n, 48000] -> [n, 512]."""
        x = self.norms[0](log_mel(windows))
        for i, convolve in enumerate(self.convolutions):
            x = convolve(x)
            if i < len(self.convolutions) - 1:
                x = F.relu(self.norms[i + 1](x))
                x = F.max_pool2d(x, 2) if i % 2 else x
        return F.max_pool2d(x, _POOL).flatten(1)


def read_keras(path: Path) -> dict[str, torch.Tensor]:
    """The weights of `openl3_audio_mel256_music.h5`, which Keras wrote, under this network's names.

    Raises UserError without the package h5py, for a file that is not HDF5, and for one whose layers
    are not eight normalizations and convolutions in turn.
    """
    try:
        import h5py
    except ImportError as error:
        raise UserError(f"{path}: reading it needs the Python package h5py; install it: pip install h5py") from error
    normalizations, convolutions = [], []
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            for layer in root.attrs["layer_names"]:
                group = root[_text(layer)]
                arrays = [np.asarray(group[_text(name)]) for name in group.attrs["weight_names"]]
                if len(arrays) == 4 and all(a.ndim == 1 for a in arrays):
                    normalizations.append(arrays)
                elif len(arrays) == 2 and arrays[0].ndim == 4 and arrays[0].shape[:2] == (3, 3):
                    convolutions.append(arrays)
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no Keras weights of OpenL3 ({error})") from error
    if (len(normalizations), len(convolutions)) != (len(WIDTHS), len(WIDTHS)):
        counts = f"{len(normalizations)} normalizations and {len(convolutions)} convolutions"
        raise UserError(f"{path}: {counts}, where OpenL3 has {len(WIDTHS)} of each")
    state = {}
    for i, arrays in enumerate(normalizations):
        for name, array in zip(("weight", "bias", "running_mean", "running_var"), arrays):
            state[f"norms.{i}.{name}"] = _tensor(array)
    for i, (kernel, bias) in enumerate(convolutions):
        state[f"convolutions.{i}.weight"] = _tensor(kernel.transpose(3, 2, 0, 1))
        state[f"convolutions.{i}.bias"] = _tensor(bias)
    return state


def convert(keras: Path, out: Path) -> None:
    """Write the weights of the Keras file as safetensors, which need no h5py."""
    state = read_keras(keras)
    with atomic_path(out) as temporary:
        save_file(state, temporary)


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
