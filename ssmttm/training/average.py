"""An exponential moving average of the weights, one update per optimizer step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Averaged weights in single precision: a copy after the first step, then a <- d a + (1 - d) w.

    After t updates d is at most (1 + t) / (10 + t), so that the first weights of a short run don't stay in it.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Average the parameters of `model`; a `decay` of 0 keeps nothing and does nothing."""
        self.decay = decay
        self.parameters = dict(model.named_parameters()) if decay > 0 else {}
        self.weights: dict[str, Tensor] = {}
        self.updates = 0
        """How often it has taken weights in: once per optimizer step."""

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are now."""
        if not self.weights:
            self.weights = {name: p.detach().clone() for name, p in self.parameters.items()}
        else:
            decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
            for name, average in self.weights.items():
                average.lerp_(self.parameters[name], 1 - decay)
        self.updates += 1

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
