"""Slow forms of the state-space recurrence of Mamba-2, with the symbols of `ssmttm.models.kernels.ssd`."""

import torch
from torch import Tensor


def ssd_step(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """One frame: x [batch, H, P], dt [batch, H], b and c [batch, N]; returns y [batch, H, P] and the state."""
    decay = torch.exp(dt * a)
    state = state * decay[..., None, None] + (dt[..., None] * x)[..., None] * b[:, None, None, :]
    return torch.einsum("bhpn,bn->bhp", state, c), state


def ssd_recurrent(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The recurrence as written, frame by frame: slow, and the truth that `ssd_chunked` is tested against."""
    outputs = []
    for t in range(x.shape[1]):
        y, state = ssd_step(x[:, t], dt[:, t], a, b[:, t], c[:, t], state)
        outputs.append(y)
    return torch.stack(outputs, 1), state


def ssd_quadratic(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The same as one masked matrix product, like attention (the paper's dual form, section 5)."""
    log_decay = (dt * a).cumsum(1)  # [batch, length, H]
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
    weights = (log_decay[:, :, None] - log_decay[:, None]).masked_fill(later[..., None], -torch.inf).exp()
    weights = weights * torch.einsum("bin,bjn->bij", c, b)[..., None] * dt[:, None]
    y = torch.einsum("bijh,bjhp->bihp", weights, x)
    to_end = (log_decay[:, -1:] - log_decay).exp() * dt
    end = torch.einsum("bjh,bjhp,bjn->bhpn", to_end, x, b)
    if state is not None:
        y = y + torch.einsum("bih,bhpn,bin->bihp", log_decay.exp(), state, c)
        end = end + log_decay[:, -1].exp()[..., None, None] * state
    return y, end
