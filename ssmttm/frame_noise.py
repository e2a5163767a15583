"""Random numbers that belong to frames: the same whichever pieces a generation is made in."""

from collections.abc import Callable

import torch
from torch import Tensor

from ssmttm.seeds import stable_int

_BLOCK = 64
"""Frames whose numbers are drawn at once."""


def normal(seeds: list[int], frames: range, width: int, what: str) -> Tensor:
    """Standard normal numbers `[batch, frames, width]`; each from its row's seed, its frame's number and `what`."""
    return _blocks(seeds, frames, width, what, torch.randn)


def uniform(seeds: list[int], frames: range, width: int, what: str) -> Tensor:
    """The same, uniform in [0, 1)."""
    return _blocks(seeds, frames, width, what, torch.rand)


def _blocks(seeds: list[int], frames: range, width: int, what: str, draw: Callable[..., Tensor]) -> Tensor:
    first, last = frames.start // _BLOCK, -(-frames.stop // _BLOCK)
    rows = []
    for seed in seeds:
        generators = (torch.Generator().manual_seed(stable_int(what, seed, block)) for block in range(first, last))
        rows.append(torch.cat([draw(_BLOCK, width, generator=g) for g in generators]))
    return torch.stack(rows)[:, frames.start - first * _BLOCK : frames.stop - first * _BLOCK]
