"""PaSST (Koutini et al. 2022), the audio spectrogram transformer without its patchout, in torch.

Weights are under the names of the published checkpoints (kkoutini/PaSST).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SAMPLE_RATE = 32000
BANDS = 128
_FFT, _WINDOW, _HOP = 1024, 800, 320
_TOP_HZ = 15000.0  # in evaluation: half the rate less half of the range that training varied
_EPSILON = 1e-6


@cache
def _filter_bank() -> torch.Tensor:
    """Kaldi's mel triangles from 0 to 15 kHz, [513, 128]; the highest bin is in none."""
    edges = np.linspace(0.0, 1127.0 * np.log1p(_TOP_HZ / 700.0), BANDS + 2)
    mel = 1127.0 * np.log1p(np.arange(_FFT // 2) * SAMPLE_RATE / _FFT / 700.0)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    return torch.from_numpy(np.pad(weights, ((0, 1), (0, 0)))).float()


def log_mel(waves: torch.Tensor) -> torch.Tensor:
    """The network's input, [n, 1, 128, frames] with a frame every 10 ms, of samples [n, samples] at 32 kHz."""
    emphasized = waves[:, 1:] - 0.97 * waves[:, :-1]
    window = torch.hann_window(_WINDOW, periodic=False)
    spectrum = torch.stft(emphasized, _FFT, _HOP, _WINDOW, window, center=True, return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    mel = torch.log(power.transpose(1, 2) @ _filter_bank() + 1e-5)
    return ((mel + 4.5) / 5.0).transpose(1, 2)[:, None]


@dataclass(frozen=True)
class Layout:
    """Sizes of one checkpoint."""

    dim: int
    depth: int
    heads: int
    hidden: int
    classes: int
    patch: int
    stride: int
    columns: int
    rows: int


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, dim = x.shape
        query, key, value = self.qkv(x).reshape(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.proj(attended.transpose(1, 2).reshape(n, length, dim))


class _Block(nn.Module):
    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(layout.dim, eps=_EPSILON) for _ in range(2))
        self.attn = _Attention(layout.dim, layout.heads)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(layout.dim, layout.hidden), "fc2": nn.Linear(layout.hidden, layout.dim)}
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


class Passt(nn.Module):
    """Samples to an embedding and class logits."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        dim = layout.dim
        self.layout = layout
        self.cls_token, self.dist_token = (nn.Parameter(torch.zeros(1, 1, dim)) for _ in range(2))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, 2, dim))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, dim, layout.rows, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, dim, 1, layout.columns))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, dim, layout.patch, layout.stride)})
        self.blocks = nn.ModuleList(_Block(layout) for _ in range(layout.depth))
        self.norm = nn.LayerNorm(dim, eps=_EPSILON)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, layout.classes))

    def forward(self, waves: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[n, samples] of at most 10 s -> embeddings [n, dim] and logits [n, classes]."""
        x = self.patch_embed["proj"](log_mel(waves))
        x = x + self.time_new_pos_embed[..., : x.shape[-1]] + self.freq_new_pos_embed
        x = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token, self.dist_token], 1) + self.new_pos_embed
        x = torch.cat([tokens.expand(len(x), -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        embedding = self.norm(x)[:, :2].mean(1)
        return embedding, self.head(embedding)


def lay_out(state: dict[str, torch.Tensor], depth: int) -> Passt:
    """A network of `depth` blocks and of the shapes that `state` has; heads are 64 wide, as in all published ones."""
    dim, _, patch, _ = state["patch_embed.proj.weight"].shape
    rows, columns = state["freq_new_pos_embed"].shape[2], state["time_new_pos_embed"].shape[3]
    # The published strides are 10 and 16; each leaves its own number of rows.
    stride = next((s for s in (10, 16) if (BANDS - patch) // s + 1 == rows), 0)
    if not stride:
        raise ValueError(f"{rows} rows of patches fit no known stride")
    hidden, classes = len(state["blocks.0.mlp.fc1.bias"]), len(state["head.1.bias"])
    return Passt(Layout(dim, depth, max(dim // 64, 1), hidden, classes, patch, stride, columns, rows))
