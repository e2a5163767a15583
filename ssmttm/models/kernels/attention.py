"""Scaled dot-product attention, causal with padding as well, by kernels that leave later frames out."""

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, causal: bool = False, dropout: float = 0.0
) -> Tensor:
    """Attend from `query [batch, heads, length, width]` to `key` and `value [batch, heads, keys, width]`.

    Args:
        query: queries; also the type of what is returned.
        key: keys.
        value: values.
        mask: boolean, `[batch or 1, 1, length or 1, keys]`, False where nothing may be seen. With `causal` it is
            `[batch, 1, 1, keys]`, padding on the left; what padded frames see means nothing, and is finite.
        causal: frame i sees frames up to i. `length` is then that of the keys, and about half of all pairs are
            computed, by the kernels that torch's own function chooses for a causal mask; with dropout on a CPU, all.
        dropout: share of weights that is dropped.
    """
    if mask is None or not causal:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=causal)
    # torch's function takes a mask or causality, not both; its kernels take both.
    if query.device.type == "cpu" and dropout == 0:
        bias = _bias(mask, query.dtype)
        return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(query, key, value, 0.0, True, attn_mask=bias)[
            0
        ]
    if query.device.type == "cuda" and query.shape[-1] % 8 == 0:
        room = -mask.shape[-1] % 16  # the kernel wants rows of the bias aligned
        bias = F.pad(_bias(mask, query.dtype), (0, room))[..., : mask.shape[-1]]
        bias = bias.expand(*query.shape[:3], -1)
        learns = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
        return torch.ops.aten._scaled_dot_product_efficient_attention(query, key, value, bias, learns, dropout, True)[0]
    length = query.shape[2]
    earlier = torch.ones(length, length, dtype=torch.bool, device=query.device).tril()
    itself = torch.eye(length, dtype=torch.bool, device=query.device)  # no empty softmax at padding
    return F.scaled_dot_product_attention(query, key, value, attn_mask=(earlier & mask) | itself, dropout_p=dropout)


def _bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to scores: finite, so that a frame that sees padding only sees all of it alike."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min / 2)


def pairs(length: int) -> int:
    """Pairs of a frame and one that it sees, of `length` frames under a causal mask."""
    return length * (length + 1) // 2
