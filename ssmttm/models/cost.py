"""Floating-point operations, by what incurs them. A multiply-add counts as two."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """FLOPs of one forward pass over one sequence.

    `weights` are products with parameters, `attention` the score and value products, `scan` the
    state-space recurrence with its convolution, `head` the output projections. Norms,
    activations and softmax are not counted, for any variant.
    """

    weights: float = 0.0
    attention: float = 0.0
    scan_matmul: float = 0.0
    scan_elementwise: float = 0.0
    head: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(a + b for a, b in zip(self._values(), other._values(), strict=True)))

    def _values(self) -> tuple[float, ...]:
        return (self.weights, self.attention, self.scan_matmul, self.scan_elementwise, self.head)

    @property
    def matmul(self) -> float:
        """The part that `torch.utils.flop_counter.FlopCounterMode` sees."""
        return self.weights + self.attention + self.scan_matmul + self.head

    @property
    def total(self) -> float:
        """All of it."""
        return self.matmul + self.scan_elementwise


TRAINING_FACTOR = 3
"""Forward and backward over forward: the backward pass multiplies twice for each product."""
