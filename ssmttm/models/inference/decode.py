"""Parts of a generation step that differ from training: in place, few passes over memory, little overhead per call.

Symbols are those of `ssmttm.models.kernels.ssd`; a state is the mixer's, with h under "ssm".
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.models.functional import RMSNorm
from ssmttm.models.mixer import State

RECENT = 16
"""Frames that are kept beside a large state before they are added to it."""
LARGE_BYTES = 4 << 20
"""Bytes of state from which memory, not the number of calls, is what a step waits for; on a CPU."""


def rms_norm(x: Tensor, norm: RMSNorm) -> Tensor:
    """`norm(x)` by torch's own kernel: for a few frames, an autograd function costs more than the arithmetic."""
    return F.rms_norm(x, norm.weight.shape, norm.weight, norm.eps)


def is_large(ssm: Tensor) -> bool:
    """Whether steps of a state wait for memory: then its update is put off."""
    return ssm.device.type == "cpu" and ssm.numel() * ssm.element_size() >= LARGE_BYTES


def ssd_step_(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: State) -> Tensor:
    """One step of the recurrence of `ssmttm.models.kernels.ssd`, by its symbols; returns y `[batch, H, P]`.

    `state` is changed in place. A large state on a CPU is only read in most steps: its update is put off
    (`_put_off`), and `settle_` must come before anything else reads it.
    """
    ssm = state["ssm"]
    if is_large(ssm):
        return _put_off(x, dt, a, b, c, state)
    ssm.mul_(torch.exp(dt * a)[..., None, None])
    rows = ssm.view(len(ssm), -1, ssm.shape[-1])
    rows.baddbmm_((x * dt[..., None]).flatten(1)[..., None], b[:, None])
    return torch.bmm(rows, c[..., None]).view_as(x)


def _put_off(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: State) -> Tensor:
    """The step in its dual form, as within a chunk: with l the summed dt a since h was last written,

    y_t = exp(l_t) h c_t + sum over recent j <= t of (c_t . b_j) exp(l_t - l_j) dt_j x_j.
    """
    if "recent" not in state:
        batch, heads, channels, size = state["ssm"].shape
        state["recent"] = torch.zeros((), dtype=torch.int64)  # how many frames the next three hold
        state["recent_x"] = x.new_empty(batch, heads, RECENT, channels)  # dt x
        state["recent_b"] = b.new_empty(batch, RECENT, size)
        state["recent_l"] = dt.new_empty(batch, heads, RECENT)
    last = int(state["recent"])
    count = last + 1
    summed = dt * a if last == 0 else torch.addcmul(state["recent_l"][..., last - 1], dt, a)
    state["recent_x"][:, :, last] = x * dt[..., None]
    state["recent_b"][:, last] = b
    state["recent_l"][..., last] = summed
    state["recent"].fill_(count)
    scores = torch.bmm(c[:, None], state["recent_b"][:, :count].transpose(1, 2))  # [batch, 1, count]
    weights = (summed[..., None] - state["recent_l"][..., :count]).exp_().mul_(scores)
    y = torch.matmul(weights[:, :, None], state["recent_x"][:, :, :count])[:, :, 0]
    # one product per sequence: batched ones with a vector are slower
    carried = torch.stack([torch.mv(h.view(-1, len(row)), row) for h, row in zip(state["ssm"], c, strict=True)])
    y = y.addcmul_(carried.view_as(y), summed.exp()[..., None])
    if count == RECENT:
        settle_(state)
    return y


@torch.no_grad()
def settle_(state: State) -> Tensor:
    """Add the frames that were put off, if any, to h `[batch, H, P, N]`, in place; returns it."""
    ssm = state["ssm"]
    count = int(state["recent"]) if "recent" in state else 0
    if count:
        logs = state["recent_l"][..., :count]
        last = logs[..., -1:]
        recent = state["recent_x"][:, :, :count] * (last - logs).exp()[..., None]
        ssm.mul_(last.exp()[..., None])
        ssm.view(len(ssm), -1, ssm.shape[-1]).baddbmm_(
            recent.transpose(2, 3).flatten(1, 2), state["recent_b"][:, :count]
        )
        state["recent"].zero_()
    return ssm
