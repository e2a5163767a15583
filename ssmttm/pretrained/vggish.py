"""VGGish (Hershey et al. 2017) in torch, with weights under the names of harritaylor/torchvggish."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SAMPLE_RATE = 16000
FRAMES = 96  # per window, 10 ms apart: 0.96 s
BANDS = 64
_WINDOW, _HOP, _FFT = 400, 160, 512
_LOG_OFFSET = 0.01
LEAST = (FRAMES - 1) * _HOP + _WINDOW
"""Samples of one window: 15,600."""
_CONVOLUTIONS = (0, 3, 6, 8, 11, 13)
_POOLED = (3, 6, 11)  # layers before which the map is halved
WIDTHS = (64, 128, 256, 256, 512, 512)
HIDDEN = (4096, 4096, 128)


@cache
def _filter_bank() -> torch.Tensor:
    """Triangles between 125 and 7,500 Hz that are linear in mel, as in the released TensorFlow code, [257, 64]."""
    mel = 1127.0 * np.log1p(np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1) / 700.0)
    edges = np.linspace(1127.0 * np.log1p(125 / 700.0), 1127.0 * np.log1p(7500 / 700.0), BANDS + 2)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return torch.from_numpy(weights)


def log_mel(wave: np.ndarray) -> torch.Tensor:
    """Windows of log(mel magnitude + 0.01), float32 [windows, 1, 96, 64], of mono samples at 16 kHz.

    Frames of 25 ms every 10 ms, unpadded; whole windows only, without overlap. ValueError when
    `wave` is shorter than `LEAST` samples.
    """
    if len(wave) < LEAST:
        raise ValueError(f"{len(wave)} samples are no window of {LEAST}")
    frames = torch.from_numpy(np.ascontiguousarray(wave, np.float64)).unfold(0, _WINDOW, _HOP)
    window = torch.hann_window(_WINDOW, dtype=torch.float64)
    magnitude = torch.fft.rfft(frames * window, _FFT).abs()
    mel = torch.log(magnitude @ _filter_bank() + _LOG_OFFSET)
    count = len(mel) // FRAMES
    return mel[: count * FRAMES].reshape(count, 1, FRAMES, BANDS).float()


class VGGish(nn.Module):
    """Six convolutions and three dense layers; the last has no activation.

    Widths are free for tests; those of the published network are the defaults.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, hidden: tuple[int, ...] = HIDDEN) -> None:
        super().__init__()
        inputs = (1, *widths[:-1])
        self.features = nn.ModuleDict(
            {str(i): nn.Conv2d(a, b, 3, padding=1) for i, a, b in zip(_CONVOLUTIONS, inputs, widths)}
        )
        flat = widths[-1] * (FRAMES // 16) * (BANDS // 16)
        self.embeddings = nn.ModuleDict(
            {str(2 * i): nn.Linear(a, b) for i, (a, b) in enumerate(zip((flat, *hidden[:-1]), hidden))}
        )

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """[n, 1, 96, 64] -> [n, 128]."""
        x = windows
        for number, layer in zip(_CONVOLUTIONS, self.features.values()):
            x = F.relu(layer(F.max_pool2d(x, 2) if number in _POOLED else x))
        x = F.max_pool2d(x, 2).permute(0, 2, 3, 1).flatten(1)  # the dense weights are from a channels-last network
        first, second, last = self.embeddings.values()
        return last(F.relu(second(F.relu(first(x)))))


def lay_out(state: dict[str, torch.Tensor]) -> VGGish:
    """A network of the shapes that `state` has; KeyError when layers lack."""
    widths = tuple(len(state[f"features.{i}.bias"]) for i in _CONVOLUTIONS)
    return VGGish(widths, tuple(len(state[f"embeddings.{i}.bias"]) for i in (0, 2, 4)))
