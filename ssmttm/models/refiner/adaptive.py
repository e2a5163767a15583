"""Blocks whose norms are set by time and caption: AdaLN-Zero (Peebles and Xie 2023, arXiv 2212.09748, section 3.2)."""

from abc import ABC, abstractmethod

import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.blocks import CrossAttention, FeedForward
from ssmttm.models.cost import Cost
from ssmttm.models.dropout import Dropout
from ssmttm.models.positions import sinusoidal
from ssmttm.models.refiner.config import RefinerConfig


def norm(x: Tensor) -> Tensor:
    """`x [..., width]` with mean 0 and variance 1 in each frame."""
    return F.layer_norm(x, x.shape[-1:])


class TimeEmbedding(nn.Sequential):
    """Times `[batch]`, 0 to 1, to vectors `[batch, width]`."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.width = width

    def forward(self, time: Tensor) -> Tensor:
        """See the class."""
        return super().forward(sinusoidal(1000 * time, self.width).to(next(self.parameters()).dtype))

    def flops(self) -> Cost:
        """FLOPs of one time."""
        return Cost(weights=2 * 2 * self.width**2)


class Modulation(nn.Linear):
    """From the vector `[batch, width]` to `parts` shifts, scales or gates `[batch, 1, width]`; all 0 at the start."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__(width, parts * width)
        self.parts = parts
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def split(self, vector: Tensor) -> tuple[Tensor, ...]:
        """The parts."""
        return self(vector)[:, None].chunk(self.parts, -1)

    def flops(self) -> Cost:
        """FLOPs of one vector."""
        return Cost(weights=2 * self.weight.numel())


class SequenceMap(nn.Module, ABC):
    """What lets frames see one another: `[batch, length, d_model]` to the same shape, in both directions."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Mix `x`."""

    @abstractmethod
    def flops(self, length: int) -> Cost:
        """FLOPs of `forward` over one sequence."""


class AdaptiveBlock(nn.Module):
    """Mixer, cross-attention to the caption, feed-forward; the first and last with AdaLN-Zero."""

    def __init__(self, config: RefinerConfig, mixer: SequenceMap) -> None:
        super().__init__()
        self.modulation = Modulation(config.d_model, 6)
        self.mixer = mixer
        self.mixer_dropout = Dropout(config.dropout)
        self.cross = CrossAttention(config)
        self.cross_dropout = Dropout(config.dropout)
        self.feedforward = FeedForward(config)
        self.feedforward_dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, vector: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Shapes as in `Backbone.forward`."""
        shift, scale, gate, shift2, scale2, gate2 = self.modulation.split(vector)
        x = x + gate * self.mixer_dropout(self.mixer(norm(x) * (1 + scale) + shift))
        x = x + self.cross_dropout(self.cross(norm(x), self.cross.keys_values(context, mask)))
        return x + gate2 * self.feedforward_dropout(self.feedforward(norm(x) * (1 + scale2) + shift2))

    def flops(self, length: int, tokens: int) -> Cost:
        """FLOPs for `length` frames and `tokens` caption tokens."""
        inner = self.mixer.flops(length) + self.cross.flops(length, tokens) + self.feedforward.flops(length)
        return inner + self.modulation.flops()
