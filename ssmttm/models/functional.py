"""Small fused operations with hand-written gradients: fewer passes over memory than autograd's."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        scale = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(eps).rsqrt_()
        normed = x * scale
        ctx.save_for_backward(normed, scale, weight)
        return normed * weight

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        normed, scale, weight = ctx.saved_tensors
        product = grad * normed
        grad_weight = product.flatten(0, -2).sum(0)
        along = (product @ weight[:, None]) / normed.shape[-1]
        return torch.addcmul(grad * weight, normed, along, value=-1).mul_(scale), grad_weight, None


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension (Zhang and Sennrich 2019)."""

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalize `x [..., width]`."""
        return _RMSNorm.apply(x, self.weight.to(x.dtype), self.eps)


class _CausalConvSiLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, padded: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        width = weight.shape[0]
        length = padded.shape[1] - width + 1
        y = torch.addcmul(bias, padded[:, :length], weight[0])
        for i in range(1, width):
            y.addcmul_(padded[:, i : i + length], weight[i])
        ctx.save_for_backward(padded, weight, y)
        return F.silu(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        padded, weight, y = ctx.saved_tensors
        width, length = weight.shape[0], y.shape[1]
        grad = torch.ops.aten.silu_backward(grad.contiguous(), y)
        grad_padded = torch.zeros_like(padded)
        grad_weight = torch.empty_like(weight)
        for i in range(width):
            grad_padded[:, i : i + length].addcmul_(grad, weight[i])
            grad_weight[i] = (grad * padded[:, i : i + length]).sum((0, 1))
        return grad_padded, grad_weight, grad.sum((0, 1))


def causal_conv_silu(padded: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """SiLU of a causal depthwise convolution.

    Args:
        padded: `[batch, width - 1 + length, channels]`, the past before the first frame included.
        weight: `[width, channels]`, the last row for the current frame.
        bias: `[channels]`.

    Returns:
        `[batch, length, channels]`.
    """
    return _CausalConvSiLU.apply(padded, weight.to(padded.dtype), bias.to(padded.dtype))
