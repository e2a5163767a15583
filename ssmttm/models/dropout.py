"""Dropout whose masks belong to clips: how a batch is cut into pieces never changes a result."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ssmttm.models.eager import eager
from ssmttm.models.kernels.attention import attend
from ssmttm.seeds import stable_int

# One for all threads: on a GPU the backward pass, which recomputes checkpointed blocks, runs in another one.
_seeds: Sequence[int] | None = None


@contextmanager
def clip_seeds(seeds: Sequence[int]) -> Iterator[None]:
    """Draw the masks of row i from `seeds[i]` alone, in forward and backward passes inside the block.

    A mask follows from its clip's seed and the place in the model, so that a recomputed forward
    pass draws it again. Outside such a block, masks come from torch's global generator.
    """
    global _seeds
    before, _seeds = _seeds, tuple(seeds)
    try:
        yield
    finally:
        _seeds = before


def _seeds_of(rows: int, site: int) -> list[int] | None:
    if _seeds is None:
        return None
    if len(_seeds) != rows:
        raise ValueError(f"clip_seeds holds {len(_seeds)} seeds, but the batch has {rows} clips")
    return [stable_int("dropout", seed, site) for seed in _seeds]


class _Masked(torch.autograd.Function):
    """x * keep * scale, which saves one byte per element."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, keep: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(keep)
        ctx.scale = scale
        return torch.ops.aten.native_dropout_backward(x, keep, scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (keep,) = ctx.saved_tensors
        return torch.ops.aten.native_dropout_backward(grad.contiguous(), keep, ctx.scale), None, None


class Dropout(nn.Module):
    """Zeroes a share `p` of `x [batch, …]` in training and scales the rest; identity in evaluation."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.site = 0  # number of this place in the model, see number_sites

    @property
    def active(self) -> bool:
        """Whether anything is dropped now."""
        return self.training and self.p > 0

    def forward(self, x: Tensor) -> Tensor:
        """Drop from `x [batch, …]`."""
        return self._drop(x) if self.active else x

    @eager
    def _drop(self, x: Tensor) -> Tensor:
        keep = torch.empty(x.shape, dtype=torch.bool, device=x.device)
        seeds = _seeds_of(len(x), self.site)
        if seeds is None:
            keep.bernoulli_(1 - self.p)
        else:
            generator = torch.Generator(x.device)
            for row, seed in zip(keep, seeds, strict=True):
                row.bernoulli_(1 - self.p, generator=generator.manual_seed(seed))
        return _Masked.apply(x, keep, 1 / (1 - self.p))


class AttentionDropout(Dropout):
    """Scaled dot-product attention that drops a share `p` of its weights in training."""

    def forward(  # type: ignore[override]  # of dropout it takes the share and the seeds alone
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """Attend, by the arguments of `ssmttm.models.kernels.attention.attend`."""
        return self._attend(query, key, value, mask, causal) if self.active else attend(query, key, value, mask, causal)

    @eager
    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        """Clip by clip: the attention kernels draw from the global generator only."""
        seeds = _seeds_of(len(query), self.site)
        if seeds is None:
            return attend(query, key, value, mask, causal, self.p)
        rows = []
        for i, seed in enumerate(seeds):
            torch.manual_seed(seed)
            one = slice(i, i + 1)
            own = mask if mask is None or len(mask) == 1 else mask[one]
            rows.append(attend(query[one], key[one], value[one], own, causal, self.p))
        return torch.cat(rows)


def number_sites(model: nn.Module) -> None:
    """Number the dropout places of `model` in the order of construction: no two share masks."""
    for site, module in enumerate(m for m in model.modules() if isinstance(m, Dropout)):
        module.site = site
