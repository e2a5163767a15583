"""Captions as models take them in: projected, normalized, padding moved out of the way, a trained null for none."""

import torch
from torch import Tensor, nn

from ssmttm.models.cost import Cost


class CaptionCondition(nn.Module):
    """Caption embeddings to a context of the model's width."""

    def __init__(self, text_width: int, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(text_width, width)
        self.norm = nn.LayerNorm(width)
        self.null_condition = nn.Parameter(torch.randn(width))

    def forward(self, text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Caption embeddings `[batch, tokens, text_width]` -> context `[batch, tokens, width]` and its mask.

        Tokens where `mask` is False are left out, the others moved to the right in their order,
        so that neither padding nor batch-mates change a result. A row without any token becomes
        the learned null condition, one token long. What is given is never changed.
        """
        order = torch.argsort(mask.to(torch.uint8), dim=1, stable=True)
        text = torch.gather(text, 1, order[..., None].expand_as(text))
        mask = torch.gather(mask, 1, order)
        context = self.norm(self.projection(text.to(self.projection.weight.dtype)))
        empty = ~mask.any(1)
        last = torch.where(empty[:, None], self.null_condition.to(context.dtype), context[:, -1])
        context = torch.cat([context[:, :-1], last[:, None]], 1)
        return context, torch.cat([mask[:, :-1], (mask[:, -1] | empty)[:, None]], 1)

    def flops(self, tokens: int) -> Cost:
        """FLOPs of one caption of `tokens` tokens, padding included."""
        return Cost(weights=2 * tokens * self.projection.weight.numel())
