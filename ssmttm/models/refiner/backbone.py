"""The contract of a refiner's backbone, and how one is found by name."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ssmttm import plugins
from ssmttm.models.cost import Cost
from ssmttm.models.refiner.config import RefinerConfig


class Backbone(nn.Module, ABC):
    """Map from `[batch, length, d_model]` to the same shape, for any length; every frame may see all others."""

    @abstractmethod
    def forward(self, x: Tensor, vector: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Transform `x [batch, length, d_model]`.

        Args:
            x: inputs.
            vector: `[batch, d_model]`, the time of the process and the pooled caption.
            context: `[batch, tokens, d_model]`, the caption token by token.
            mask: `[batch, tokens]`, False at its padding.
        """

    @abstractmethod
    def flops(self, length: int, tokens: int) -> Cost:
        """FLOPs of `forward` over one sequence of `length` frames with `tokens` caption tokens."""


def build_backbone(config: RefinerConfig) -> Backbone:
    """Class `Network` of the file that `config` names."""
    package = "ssmttm.models.refiner.backbones"
    return plugins.load(package, config.backbone, "backbone", "refiner.backbone").Network(config)
