"""Mamba-1: gated selective state-space mixer with a short causal convolution (Gu and Dao 2023, arXiv 2312.00752)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import Cost
from ssmttm.models.functional import causal_conv_silu
from ssmttm.models.kernels import packages, selective_scan_kernels, state_update
from ssmttm.models.kernels.selective_scan import selective_scan, selective_scan_flops, selective_scan_step_
from ssmttm.models.mixer import SequenceMixer, State


class Mixer(SequenceMixer):
    """[x, z] = W_in u; x through convolution and SiLU; dt, B, C from x; selective scan; gate; W_out (section 3.4)."""

    recordable = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner = config.expand * config.d_model
        self.size = config.d_state
        self.width = config.d_conv
        self.chunk = config.chunk
        self.rank = math.ceil(config.d_model / 16)
        self.in_proj = nn.Linear(config.d_model, 2 * self.inner, bias=False)
        bound = 1 / math.sqrt(self.width)
        self.conv_weight = nn.Parameter(torch.empty(self.width, self.inner).uniform_(-bound, bound))
        self.conv_bias = nn.Parameter(torch.empty(self.inner).uniform_(-bound, bound))
        self.x_proj = nn.Linear(self.inner, self.rank + 2 * self.size, bias=False)
        self.dt_proj = nn.Linear(self.rank, self.inner)
        bound = 1 / math.sqrt(self.rank)
        nn.init.uniform_(self.dt_proj.weight, -bound, bound)
        dt = torch.exp(torch.empty(self.inner).uniform_(math.log(1e-3), math.log(1e-1)))
        self.dt_proj.bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))  # inverse of softplus
        self.a_log = nn.Parameter(torch.arange(1.0, self.size + 1).log().repeat(self.inner, 1))
        self.d = nn.Parameter(torch.ones(self.inner))
        self.out_proj = nn.Linear(self.inner, config.d_model, bias=False)

    def forward(self, x: Tensor, state: State | None = None, mask: Tensor | None = None) -> tuple[Tensor, State | None]:
        """See `SequenceMixer.forward`."""
        length = x.shape[1]
        u, z = self.in_proj(x).chunk(2, -1)
        if mask is not None:
            u = u * mask[..., None]
        past = u.new_zeros(x.shape[0], self.width - 1, self.inner) if state is None else state["conv"].to(u.dtype)
        padded = torch.cat([past, u], 1)
        u, dt, b, c = self._select(causal_conv_silu(padded, self.conv_weight, self.conv_bias))
        if mask is not None:
            dt = dt * mask[..., None]
        a = self._a()
        if state is None and selective_scan_kernels.takes(u, a):
            return self._finish(selective_scan_kernels.selective_scan(u, dt, a, b, c), u, z), None
        y, ssm = selective_scan(u, dt, a, b, c, self.chunk, None if state is None else state["ssm"])
        out = self._finish(y, u, z)
        if state is None:
            return out, None
        return out, {"conv": padded[:, length:].clone(), "ssm": ssm}

    @torch.no_grad()
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """See `SequenceMixer.step`; the state is updated in place, and nothing can be differentiated."""
        u, z = self.in_proj(x).chunk(2, -1)
        window = torch.cat([state["conv"], u[:, None]], 1)
        u, dt, b, c = self._select(F.silu((window * self.conv_weight).sum(1) + self.conv_bias))
        state["conv"].copy_(window[:, 1:])
        a, ssm = self._a(), state["ssm"]
        if u.dtype == ssm.dtype and packages.choose_step(ssm.device, ssm.dtype, self.size).kernels:
            y = state_update.selective_step_(u, dt, a, b, c, self.d, z, ssm)
            return self.out_proj(y.to(z.dtype)), state
        return self._finish(selective_scan_step_(u, dt, a, b, c, ssm), u, z), state

    def init_state(self, batch: int, device: torch.device, dtype: torch.dtype) -> State:
        """See `SequenceMixer.init_state`; the recurrence is kept in at least single precision."""
        return {
            "conv": torch.zeros(batch, self.width - 1, self.inner, device=device, dtype=dtype),
            "ssm": _single(torch.zeros(batch, self.size, self.inner, device=device, dtype=dtype)),
        }

    def _a(self) -> Tensor:
        return -_single(self.a_log).exp().t().contiguous()

    def _select(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Inputs of the scan from `u [..., inner]`: u, dt, B, C, in at least single precision."""
        low, b, c = self.x_proj(u).split([self.rank, self.size, self.size], -1)
        dt = F.softplus(_single(F.linear(low, self.dt_proj.weight.to(low.dtype))) + self.dt_proj.bias)
        return _single(u), dt, _single(b), _single(c)

    def _finish(self, y: Tensor, u: Tensor, z: Tensor) -> Tensor:
        y = (y + u * self.d) * F.silu(z)
        return self.out_proj(y.to(z.dtype))

    def backend(self, device: torch.device, dtype: torch.dtype) -> str:
        """See `SequenceMixer.backend`."""
        return "tensor operations" if device.type == "cpu" else packages.choose_selective(device, self.size).name

    def step_backend(self, device: torch.device, dtype: torch.dtype) -> str:
        """See `SequenceMixer.step_backend`."""
        return "tensor operations" if device.type == "cpu" else packages.choose_step(device, dtype, self.size).name

    def flops(self, length: int) -> Cost:
        """See `SequenceMixer.flops`; the convolution counts as elementwise work of the scan."""
        matrices = (self.in_proj, self.x_proj, self.dt_proj, self.out_proj)
        convolution = 2 * length * self.conv_weight.numel()
        skip = 2 * length * self.inner
        scan = selective_scan_flops(length, self.inner, self.size)
        return (
            Cost(
                weights=2 * length * sum(m.weight.numel() for m in matrices),
                scan_elementwise=convolution + skip,
            )
            + scan
        )

    def state_bytes(self, length: int, element_size: int = 4) -> int:
        """See `SequenceMixer.state_bytes`: constant in `length`."""
        return self.inner * (self.size * max(4, element_size) + (self.width - 1) * element_size)


def _single(x: Tensor) -> Tensor:
    """`x` in at least single precision."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
