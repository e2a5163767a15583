"""mamba-ssm's Triton kernels of gate and norm as operators of torch: see `ssd_kernels`.

They read outputs and gates once, where tensor operations write and read what is between, in single precision. They
have run in Triton's interpreter and through Triton's compiler, never on a GPU.
"""

from typing import Any

import torch
from torch import Tensor


@torch.library.custom_op("ssmttm::norm_kernels", mutates_args=())
def _norm(y: Tensor, z: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """RMS norm of y SiLU(z) times `weight [width]`, of y's type, and what it divided by, for `[rows, width]`.

    Columns must lie next to one another; rows may be apart.
    """
    from mamba_ssm.ops.triton.layernorm_gated import _layer_norm_fwd

    out, _, scale = _layer_norm_fwd(y, weight, None, eps, z=z, norm_before_gate=False, is_rms_norm=True)
    return out, scale


@torch.library.custom_op("ssmttm::norm_kernels_backward", mutates_args=())
def _norm_backward(
    grad: Tensor, y: Tensor, z: Tensor, weight: Tensor, scale: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of y, z and the weight."""
    from mamba_ssm.ops.triton.layernorm_gated import _layer_norm_bwd

    grad_z = z.new_empty(z.shape)
    given = grad.contiguous(), y, weight, None, eps, None, scale
    grad_y, grad_weight, *_ = _layer_norm_bwd(*given, z=z, norm_before_gate=False, is_rms_norm=True, dz=grad_z)
    return grad_y, grad_z, grad_weight


@_norm.register_fake
def _(y: Tensor, z: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    return torch.empty_like(y), y.new_empty(len(y), dtype=torch.float32)


@_norm_backward.register_fake
def _(grad: Tensor, y: Tensor, z: Tensor, weight: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(y), z.new_empty(z.shape), torch.empty_like(weight)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    y, z, weight, ctx.eps = inputs
    ctx.save_for_backward(y, z, weight, output[1])


def _gradients(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    return *_norm_backward(grad, *ctx.saved_tensors, ctx.eps), None


_norm.register_autograd(_gradients, setup_context=_keep)


def gated_norm(y: Tensor, z: Tensor, weight: Tensor, eps: float) -> Tensor:
    """`rms_norm(y * silu(z)) * weight`, of y's type, for y and z `[batch, length, width]`; the weight in float32."""
    out, _ = _norm(y.flatten(0, 1), z.flatten(0, 1), weight, eps)
    return out.view(y.shape)
