"""Stand-ins for the compiled extensions of causal-conv1d and mamba-ssm, by what their interfaces say.

They show that our calls mean what we compute ourselves; the CUDA code behind the real ones runs on a GPU alone.
"""

import types

import torch
import torch.nn.functional as F


def causal_conv1d_cuda():
    """As causal-conv1d's `cpp_functions` calls it: results are written into tensors that it is given."""

    def convolved(x, weight, bias, past, silu):
        assert x.stride(1) == 1 and x.shape[1] % 8 == 0 and x.stride(0) % 8 == 0 and x.stride(2) % 8 == 0
        before = x.new_zeros(*x.shape[:2], weight.shape[1] - 1) if past is None else past
        y = F.conv1d(torch.cat([before, x], 2), weight[:, None], bias, groups=len(weight))
        return F.silu(y) if silu else y

    def causal_conv1d_fwd(x, weight, bias, seq_idx, past, out, final, silu):
        assert seq_idx is None and final is None
        out.copy_(convolved(x, weight, bias, past, silu))

    def causal_conv1d_bwd(x, weight, bias, grad, seq_idx, past, grad_final, dx, dweight, dbias, dpast, silu):
        assert seq_idx is None and grad_final is None
        given = [t for t in (x, weight, bias, past) if t is not None]
        _, pull = torch.func.vjp(lambda *t: convolved(*t[:3], t[3] if len(t) > 3 else None, silu), *given)
        for into, value in zip((dx, dweight, dbias, dpast), pull(grad)):
            if into is not None:
                into.copy_(value)

    module = types.ModuleType("causal_conv1d_cuda")
    module.causal_conv1d_fwd, module.causal_conv1d_bwd = causal_conv1d_fwd, causal_conv1d_bwd
    return module


def selective_scan_cuda(most_frames=2048):
    """By mamba-ssm's own reference, `selective_scan_ref`."""

    def scanned(u, dt, a, b, c):
        from mamba_ssm.ops.selective_scan_interface import selective_scan_ref

        return selective_scan_ref(u, dt, a, b, c)

    def fwd(u, dt, a, b, c, d, z, dt_bias, softplus):
        assert all(t.is_contiguous() and t.dtype == torch.float32 for t in (u, dt, a, b, c))
        assert d is None and z is None and dt_bias is None and not softplus
        kept = u.new_zeros(*u.shape[:2], -(-u.shape[2] // most_frames), 2 * a.shape[1])
        return [scanned(u, dt, a, b, c), kept]

    def bwd(u, dt, a, b, c, d, z, dt_bias, grad, kept, out, dz, softplus, recompute):
        assert grad.is_contiguous() and not recompute and kept.shape[-1] == 2 * a.shape[1]
        _, pull = torch.func.vjp(scanned, u, dt, a, b, c)
        return [*(t.contiguous() for t in pull(grad)), None, None]

    module = types.ModuleType("selective_scan_cuda")
    module.fwd, module.bwd = fwd, bwd
    return module
