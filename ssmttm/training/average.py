"""An exponential moving average of the weights, one update per optimizer step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Averaged weights in single precision: a copy after the first step, then a <- d a + (1 - d) w."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Average the parameters of `model`; a `decay` of 0 keeps nothing and does nothing."""
        self.decay = decay
        self.parameters = dict(model.named_parameters()) if decay > 0 else {}
        self.weights: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are now."""
        if not self.weights:
            self.weights = {name: p.detach().clone() for name, p in self.parameters.items()}
        else:
            for name, average in self.weights.items():
                average.lerp_(self.parameters[name], 1 - self.decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the block, the model computes with the averaged weights, if there are any."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for name, average in self.weights.items():
            parameter = self.parameters[name]
            self.weights[name], parameter.data = parameter.data, average
