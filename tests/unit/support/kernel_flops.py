"""Torch's count of the operations that run, with attention counted by what its kernels are told to leave out."""

import torch
from torch.utils.flop_counter import FlopCounterMode


def _forward(query, key, value, dropout=0.0, is_causal=False, **_):
    batch, heads, length, width = query.shape
    assert not is_causal or key.shape[2] == length
    pairs = length * (length + 1) // 2 if is_causal else length * key.shape[2]
    return 2 * batch * heads * pairs * (width + value.shape[-1])


def _backward(grad, query, key, value, out, logsumexp, dropout, is_causal, **_):
    return 2 * _forward(query, key, value, is_causal=is_causal)


_forward._get_raw = _backward._get_raw = True  # formulas get tensors and not their shapes


def kernel_counter():
    """A FlopCounterMode in which a causal kernel on a CPU costs the pairs up to each frame.

    What backward passes compute a second time isn't counted, as in the math of attention.
    """
    aten = torch.ops.aten
    kernels = {
        aten._scaled_dot_product_flash_attention_for_cpu: _forward,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _backward,
    }
    return FlopCounterMode(display=False, custom_mapping=kernels)
