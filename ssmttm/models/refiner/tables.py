"""What a codec's codes stand for, as refiners look it up."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssmttm.models.refiner.refiner import Refiner


@dataclass(frozen=True)
class Tables:
    """Latents by code (`ssmttm.codecs.base.LatentTables`)."""

    first: Tensor
    """`[size, C1]`, of level 1."""
    rest: Tensor
    """`[K - 1, size, C2]`: a frame's latents of levels 2 to K are the sum of its codes'."""

    def sums(self, codes: Tensor) -> Tensor:
        """Latents `[batch, frames, C2]` of codes `[batch, K - 1, frames]` of the levels above the first."""
        total = self.rest[0][codes[:, 0]]
        for k in range(1, len(self.rest)):
            total = total + self.rest[k][codes[:, k]]
        return total

    def normalized(self, refiner: Refiner) -> "Tables":
        """The same, normalized, so that lookups are: the sums are `refiner.normalized` of these sums."""
        rest = self.rest / refiner.rest_scale
        rest[0] -= refiner.rest_mean / refiner.rest_scale
        return Tables(refiner.clean(self.first), rest)

    def moments(self, codes: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """What `Refiner.set_statistics` takes, of codes `[clips, K, frames]`: means and covariances."""
        counts = torch.bincount(codes[:, 0].flatten().long(), minlength=len(self.first)).double()
        weights, first = counts / counts.sum(), self.first.double()
        centered = first - weights @ first
        rest = _Moments(self.rest.shape[-1])
        for part in codes.split(_TOGETHER):
            rest.add(self.sums(part[:, 1:].long()).flatten(0, 1).double())
        return (weights @ first, (centered * weights[:, None]).T @ centered), rest.result()


_TOGETHER = 16
"""Clips whose latents are in memory at once."""


class _Moments:
    """Sums over vectors, taken around the first part's mean, which is near that of all."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.origin: Tensor | None = None
        self.sums, self.squares = torch.zeros(width).double(), torch.zeros(width, width).double()

    def add(self, vectors: Tensor) -> None:
        if self.origin is None:
            self.origin = vectors.mean(0)
        vectors = vectors - self.origin
        self.count += len(vectors)
        self.sums += vectors.sum(0)
        self.squares += vectors.T @ vectors

    def result(self) -> tuple[Tensor, Tensor]:
        assert self.origin is not None
        mean = self.sums / self.count
        return self.origin + mean, self.squares / self.count - torch.outer(mean, mean)
