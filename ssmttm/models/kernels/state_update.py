"""mamba-ssm's Triton kernel of one step of the recurrence, of Mamba-2 and of Mamba-1, as an operator of torch.

A step reads and writes the state once, where tensor operations pass over it three times. Step sizes come computed, as
in `ssmttm.models.kernels.mamba2_gpu`. It has run in Triton's interpreter and through Triton's compiler, never on a GPU.
"""

import torch
from torch import Tensor


@torch.library.custom_op("ssmttm::state_update", mutates_args=("state",))
def _update(state: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, z: Tensor) -> Tensor:
    """One frame of H heads of P channels with states of N; changes `state [batch, H, P, N]`, which may be strided.

    x, dt and z are `[batch, H, P]`, a `[H, P, N]`, b and c `[batch, 1, N]`, d `[H, P]`. Where dt and a are expanded
    from one number for each head, they are read once for each.
    """
    from mamba_ssm.ops.triton.selective_state_update import selective_state_update

    none = dt.new_zeros(1, 1).expand(dt.shape[1:])  # a bias of step sizes: without one it fails
    y: Tensor = selective_state_update(state, x, dt, a, b, c, D=d, z=z, dt_bias=none, dt_softplus=False)
    return y


@_update.register_fake
def _(state: Tensor, x: Tensor, *given: Tensor) -> Tensor:
    return torch.empty_like(x)


def ssd_step_(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, z: Tensor, state: Tensor) -> Tensor:
    """Gated outputs (y + d x) SiLU(z) `[batch, H, P]` of a step of Mamba-2; `state [batch, H, P, N]` is changed.

    x and z are `[batch, H, P]`, dt `[batch, H]`, a and d `[H]`, b and c `[batch, N]`.
    """
    channels, size = state.shape[2:]
    shared = dt[..., None].expand(-1, -1, channels), a[:, None, None].expand(-1, channels, size)
    return _update(state, x, *shared, b[:, None], c[:, None], d[:, None].expand(-1, channels), z)


def selective_step_(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, z: Tensor, state: Tensor
) -> Tensor:
    """Gated outputs (y + d x) SiLU(z) `[batch, D]` of a step of Mamba-1; `state [batch, N, D]` is changed.

    x, dt and z are `[batch, D]`, a `[N, D]`, b and c `[batch, N]`, d `[D]`.
    """
    turned = state.transpose(1, 2)[:, None]
    frame = x[:, None], dt[:, None], a.t()[None], b[:, None], c[:, None], d[None], z[:, None]
    return _update(turned, *frame)[:, 0]
