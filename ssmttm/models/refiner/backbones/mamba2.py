"""Bidirectional Mamba-2 with AdaLN: one mixer from the first frame to the last, one back, summed."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from ssmttm.models.cost import Cost
from ssmttm.models.mixers.mamba2 import Mixer
from ssmttm.models.refiner.adaptive import AdaptiveBlock, SequenceMap
from ssmttm.models.refiner.backbone import Backbone
from ssmttm.models.refiner.config import RefinerConfig


class BothDirections(SequenceMap):
    """Two Mamba-2 mixers with weights of their own."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        self.onward = Mixer(config)
        self.back = Mixer(config)

    def forward(self, x: Tensor) -> Tensor:
        """See `SequenceMap`."""
        return self.onward(x)[0] + self.back(x.flip(1))[0].flip(1)

    def flops(self, length: int) -> Cost:
        """See `SequenceMap`."""
        return self.onward.flops(length) + self.back.flops(length)


class Network(Backbone):
    """`layers` blocks."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        blocks = (AdaptiveBlock(config, BothDirections(config)) for _ in range(config.layers))
        self.blocks = cast(Sequence[AdaptiveBlock], nn.ModuleList(blocks))

    def forward(self, x: Tensor, vector: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """See `Backbone`."""
        for block in self.blocks:
            x = block(x, vector, context, mask)
        return x

    def flops(self, length: int, tokens: int) -> Cost:
        """See `Backbone`."""
        return sum((block.flops(length, tokens) for block in self.blocks), Cost())
