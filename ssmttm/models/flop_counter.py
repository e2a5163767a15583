"""Torch's count of the operations that run, with attention counted by what its kernels are told to leave out."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode


def _forward(query: Tensor, key: Tensor, value: Tensor, dropout: float = 0.0, is_causal: bool = False, **_: Any) -> int:
    batch, heads, length, width = query.shape
    assert not is_causal or key.shape[2] == length
    pairs = length * (length + 1) // 2 if is_causal else length * key.shape[2]
    return 2 * batch * heads * pairs * (width + value.shape[-1])


def _backward(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, out: Tensor, logsumexp: Tensor, dropout: float,
    is_causal: bool, **_: Any,
) -> int:  # fmt: skip
    return 2 * _forward(query, key, value, is_causal=is_causal)


for _formula in (_forward, _backward):
    vars(_formula)["_get_raw"] = True  # formulas get tensors and not their shapes


def kernel_counter() -> FlopCounterMode:
    """A FlopCounterMode in which a causal kernel on a CPU costs the pairs up to each frame.

    What backward passes compute a second time isn't counted, as in the math of attention.
    """
    aten = torch.ops.aten
    kernels = {
        aten._scaled_dot_product_flash_attention_for_cpu: _forward,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _backward,
    }
    return FlopCounterMode(display=False, custom_mapping=kernels)
