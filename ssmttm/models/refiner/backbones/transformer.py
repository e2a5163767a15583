"""A Transformer with AdaLN: every frame attends to all frames (Peebles and Xie 2023, arXiv 2212.09748)."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from ssmttm.models.cost import Cost
from ssmttm.models.dropout import AttentionDropout
from ssmttm.models.positions import sinusoidal
from ssmttm.models.refiner.adaptive import AdaptiveBlock, SequenceMap
from ssmttm.models.refiner.backbone import Backbone
from ssmttm.models.refiner.config import RefinerConfig


class SelfAttention(SequenceMap):
    """Multi-head attention over the whole sequence."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        self.heads, self.d_model = config.attention_heads, config.d_model
        self.dropout = AttentionDropout(config.dropout)
        self.proj = nn.Linear(config.d_model, 3 * config.d_model, bias=False)
        self.out = nn.Linear(config.d_model, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        """See `SequenceMap`."""
        query, key, value = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.proj(x).chunk(3, -1))
        return self.out(self.dropout(query, key, value).transpose(1, 2).flatten(2))

    def flops(self, length: int) -> Cost:
        """See `SequenceMap`."""
        weights = self.proj.weight.numel() + self.out.weight.numel()
        return Cost(weights=2 * length * weights, attention=2 * 2 * length**2 * self.d_model)


class Network(Backbone):
    """`layers` blocks over frames that know their place."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        blocks = (AdaptiveBlock(config, SelfAttention(config)) for _ in range(config.layers))
        self.blocks = cast(Sequence[AdaptiveBlock], nn.ModuleList(blocks))

    def forward(self, x: Tensor, vector: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """See `Backbone`."""
        x = x + sinusoidal(torch.arange(x.shape[1], device=x.device), x.shape[-1]).to(x.dtype)
        for block in self.blocks:
            x = block(x, vector, context, mask)
        return x

    def flops(self, length: int, tokens: int) -> Cost:
        """See `Backbone`."""
        return sum((block.flops(length, tokens) for block in self.blocks), Cost())
