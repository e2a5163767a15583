"""A U-Net of convolutions over time, set by time and caption through FiLM (Perez et al. 2018, arXiv 1709.07871).

One width at all three resolutions; at the lowest, frames attend to the caption.
"""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.blocks import CrossAttention
from ssmttm.models.cost import Cost
from ssmttm.models.dropout import Dropout
from ssmttm.models.refiner.adaptive import Modulation, norm
from ssmttm.models.refiner.backbone import Backbone
from ssmttm.models.refiner.config import RefinerConfig

_DEPTH = 2
"""How often the number of frames is halved."""


class Convolution(nn.Conv1d):
    """A convolution of `[batch, length, width]`; with a stride of s, to `length / s` frames."""

    def __init__(self, width: int, kernel: int, stride: int = 1) -> None:
        super().__init__(width, width, kernel, stride, padding=(kernel - stride) // 2)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)

    def flops(self, length: int) -> Cost:
        """FLOPs of `length` frames of output."""
        return Cost(weights=2 * length * self.weight.numel())


class ResidualBlock(nn.Module):
    """Two convolutions; the first one's input is scaled and shifted by the vector."""

    def __init__(self, config: RefinerConfig, attends: bool) -> None:
        super().__init__()
        width = config.d_model
        self.film = Modulation(width, 2)
        self.first = Convolution(width, 3)
        self.dropout = Dropout(config.dropout)
        self.second = Convolution(width, 3)
        self.cross = CrossAttention(config) if attends else None

    def forward(self, x: Tensor, vector: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Shapes as in `Backbone.forward`."""
        shift, scale = self.film.split(vector)
        y = self.first(F.silu(norm(x) * (1 + scale) + shift))
        x = x + self.second(self.dropout(F.silu(norm(y))))
        if self.cross is not None:
            x = x + self.cross(norm(x), self.cross.keys_values(context, mask))
        return x

    def flops(self, length: int, tokens: int) -> Cost:
        """FLOPs for `length` frames and `tokens` caption tokens."""
        cost = self.film.flops() + self.first.flops(length) + self.second.flops(length)
        return cost if self.cross is None else cost + self.cross.flops(length, tokens)


class Network(Backbone):
    """`layers` blocks at each resolution on the way down, and as many on the way up."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        width = config.d_model

        def level(depth: int) -> nn.ModuleList:
            return nn.ModuleList(ResidualBlock(config, depth == _DEPTH) for _ in range(config.layers))

        depths = range(_DEPTH)
        self.down = cast(Sequence[Sequence[ResidualBlock]], nn.ModuleList(level(i) for i in depths))
        self.middle = cast(Sequence[ResidualBlock], level(_DEPTH))
        self.up = cast(Sequence[Sequence[ResidualBlock]], nn.ModuleList(level(i) for i in depths))
        self.shorten = cast(Sequence[Convolution], nn.ModuleList(Convolution(width, 4, 2) for _ in depths))
        self.lengthen = cast(Sequence[Convolution], nn.ModuleList(Convolution(width, 3) for _ in depths))
        self.merge = cast(Sequence[nn.Linear], nn.ModuleList(nn.Linear(2 * width, width) for _ in depths))

    def forward(self, x: Tensor, vector: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """See `Backbone`; a length that can't be halved is padded with its last frame meanwhile."""
        length, skipped = x.shape[1], []
        x = torch.cat([x, x[:, -1:].expand(-1, -length % 2**_DEPTH, -1)], 1)
        for blocks, shorten in zip(self.down, self.shorten, strict=True):
            for block in blocks:
                x = block(x, vector, context, mask)
            skipped.append(x)
            x = shorten(x)
        for block in self.middle:
            x = block(x, vector, context, mask)
        for depth in reversed(range(_DEPTH)):
            x = self.lengthen[depth](x.repeat_interleave(2, 1))
            x = self.merge[depth](torch.cat([x, skipped[depth]], -1))
            for block in self.up[depth]:
                x = block(x, vector, context, mask)
        return x[:, :length]

    def flops(self, length: int, tokens: int) -> Cost:
        """See `Backbone`."""
        padded = length + -length % 2**_DEPTH
        cost = Cost()
        for depth in range(_DEPTH):
            frames = padded >> depth
            for block in (*self.down[depth], *self.up[depth]):
                cost += block.flops(frames, tokens)
            cost += self.shorten[depth].flops(frames // 2) + self.lengthen[depth].flops(frames)
            cost += Cost(weights=2 * frames * self.merge[depth].weight.numel())
        for block in self.middle:
            cost += block.flops(padded >> _DEPTH, tokens)
        return cost
