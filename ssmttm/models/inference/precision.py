"""Weights in half the bytes for generation; states, decays, norms and logits stay in single precision."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.lm import MusicLM

PRECISIONS = ("fp32", "bf16")
_FEW_ROWS = 8


class ReducedLinear(nn.Module):
    """A linear layer with bfloat16 weights between activations of any precision."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().bfloat16(), requires_grad=False)
        self.bias = None if linear.bias is None else nn.Parameter(linear.bias.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply to `x [..., in]`; the result has the type of `x`."""
        rows = x.reshape(-1, x.shape[-1]).to(self.weight.dtype)
        if len(rows) <= _FEW_ROWS and x.device.type == "cpu" and _tile_units():
            y = (self.weight @ rows.t()).t()  # reads the weights a fifth faster than F.linear
        else:
            y = F.linear(rows, self.weight)
        y = torch.empty_like(y, dtype=x.dtype, memory_format=torch.contiguous_format).copy_(y)
        return (y if self.bias is None else y.add_(self.bias)).view(*x.shape[:-1], -1)


@cache
def _tile_units() -> bool:
    """Whether the CPU has matrix units for bfloat16; without them, few rows on the right would be slow."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def set_precision(model: MusicLM, precision: str) -> MusicLM:
    """Make `model` ready to generate at `precision`; bf16 halves the weights of its blocks in place.

    The recurrent state, its decays and inputs, norms, embeddings and heads stay as they are; an
    attention cache takes the weights' type.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    if precision == "bf16":
        for module in [part for block in model.blocks for part in block.modules()]:
            for name, child in module.named_children():
                if isinstance(child, nn.Linear):
                    setattr(module, name, ReducedLinear(child))
    return model
