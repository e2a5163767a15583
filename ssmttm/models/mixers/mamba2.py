"""Mamba-2: gated state-space mixer with a short causal convolution (Dao and Gu 2024, arXiv 2405.21060, section 7)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.config import Shape
from ssmttm.models.cost import Cost
from ssmttm.models.functional import RMSNorm
from ssmttm.models.inference.decode import is_large, rms_norm, settle_, ssd_step_
from ssmttm.models.kernels import mamba2_cpu, mamba2_gpu, mamba2_plain, packages, state_update
from ssmttm.models.kernels.ssd import ssd_flops
from ssmttm.models.mixer import SequenceMixer, State

_LOOPED = (torch.float32, torch.float64)
LARGE = 1 << 18
"""Elements of x from which a CPU waits for memory, and the compiled loops are faster than tensor operations."""


class Mixer(SequenceMixer):
    """[z, x, B, C, dt] = W_in u; x, B, C through convolution and SiLU; SSD; gate before norm; W_out."""

    recordable = True

    def __init__(self, config: Shape) -> None:
        super().__init__()
        self.inner = config.expand * config.d_model
        self.size = config.d_state
        self.channels = config.head_dim
        self.heads = self.inner // self.channels
        self.width = config.d_conv
        self.chunk = config.chunk
        self.d_model = config.d_model
        mixed = self.inner + 2 * self.size
        self.in_proj = nn.Linear(config.d_model, self.inner + mixed + self.heads, bias=False)
        bound = 1 / math.sqrt(self.width)
        self.conv_weight = nn.Parameter(torch.empty(self.width, mixed).uniform_(-bound, bound))
        self.conv_bias = nn.Parameter(torch.empty(mixed).uniform_(-bound, bound))
        dt = torch.exp(torch.empty(self.heads).uniform_(math.log(1e-3), math.log(1e-1)))
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))  # inverse of softplus
        self.a_log = nn.Parameter(torch.empty(self.heads).uniform_(1, 16).log())
        self.d = nn.Parameter(torch.ones(self.heads))
        self.norm = RMSNorm(self.inner)
        self.out_proj = nn.Linear(self.inner, config.d_model, bias=False)

    def forward(self, x: Tensor, state: State | None = None, mask: Tensor | None = None) -> tuple[Tensor, State | None]:
        """See `SequenceMixer.forward`."""
        projected = self.in_proj(x)
        inputs = mamba2_plain.Inputs(
            projected,
            self.conv_weight,
            self.conv_bias,
            self.dt_bias,
            -self.a_log.exp(),
            self.d,
            self.norm.weight,
            past=None if state is None else state["conv"],
            state=None if state is None else settle_(state),
            mask=mask,
            chunk=self.chunk,
            eps=self.norm.eps,
        )
        looping = x.device.type == "cpu" and projected[..., : self.inner].numel() >= LARGE
        form = mamba2_cpu if looping else mamba2_gpu if mamba2_gpu.takes(inputs) else mamba2_plain
        y, ssm = form.mamba2_inner(inputs)
        out = self.out_proj(y)
        if state is None:
            return out, None
        mixed = projected[..., self.inner : self.inner + self.inner + 2 * self.size]
        if mask is not None:
            mixed = mixed * mask[..., None]
        before = self.width - 1
        recent = torch.cat([state["conv"].to(mixed.dtype), mixed[:, -before:]], 1)[:, -before:]
        return out, {"conv": recent, "ssm": ssm}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """See `SequenceMixer.step`; the state is updated in place, and nothing can be differentiated."""
        projected, conv, ssm = self.in_proj(x), state["conv"], state["ssm"]
        if projected.device.type == "cpu" and projected.dtype == ssm.dtype in _LOOPED and not is_large(ssm):
            from ssmttm.models.kernels.mamba2_step import mamba2_step_  # with Numba, which nothing else here needs

            weights = (self.conv_weight, self.conv_bias, self.dt_bias, self.a_log, self.d, self.norm.weight)
            y = mamba2_step_(projected, weights, self.norm.eps, conv, ssm)
        else:
            y = self._step_inside(projected, state)
        return self.out_proj(y), state

    @torch.no_grad()
    def _step_inside(self, projected: Tensor, state: State) -> Tensor:
        z, mixed, dt = projected.split([self.inner, self.inner + 2 * self.size, self.heads], -1)
        window = torch.cat([state["conv"], mixed[:, None]], 1)
        state["conv"].copy_(window[:, 1:])
        mixed = F.silu((window * self.conv_weight).sum(1) + self.conv_bias)
        u, b, c = mixed.split([self.inner, self.size, self.size], -1)
        u = u.view(-1, self.heads, self.channels)
        dt, a, ssm = F.softplus(dt + self.dt_bias), -self.a_log.exp(), state["ssm"]
        if dt.dtype == ssm.dtype and packages.choose_step(ssm.device, ssm.dtype, self.size).kernels:
            gated = state_update.ssd_step_(u, dt, a, b, c, self.d, z.unflatten(1, u.shape[1:]), ssm).flatten(1)
        else:
            y = ssd_step_(u, dt, a, b, c, state)
            gated = torch.addcmul(y, u, self.d[:, None]).flatten(1) * F.silu(z)
        return rms_norm(gated, self.norm)

    def init_state(self, batch: int, device: torch.device, dtype: torch.dtype) -> State:
        """See `SequenceMixer.init_state`."""
        mixed = self.inner + 2 * self.size
        return {
            "conv": torch.zeros(batch, self.width - 1, mixed, device=device, dtype=dtype),
            "ssm": torch.zeros(batch, self.heads, self.channels, self.size, device=device, dtype=dtype),
        }

    def backend(self, device: torch.device, dtype: torch.dtype) -> str:
        """See `SequenceMixer.backend`."""
        if device.type == "cpu":
            return f"tensor operations, or Numba's loops from {LARGE:,} numbers"
        choice = packages.choose_ssd(device, dtype, self.chunk, self.channels, self.size)
        if choice.kernels and packages.convolves(device, dtype, self.conv_weight.shape[1], self.width):
            return f"{choice.name}, causal-conv1d {packages.PINS['causal-conv1d']}"
        return choice.name

    def step_backend(self, device: torch.device, dtype: torch.dtype) -> str:
        """See `SequenceMixer.step_backend`."""
        if device.type == "cpu":
            return "Numba's loops, or tensor operations where the state is large"
        return packages.choose_step(device, dtype, self.size).name

    def flops(self, length: int) -> Cost:
        """See `SequenceMixer.flops`; the convolution counts as elementwise work of the scan."""
        weights = 2 * length * (self.in_proj.weight.numel() + self.out_proj.weight.numel())
        convolution = 2 * length * self.conv_weight.numel()
        skip = 2 * length * self.inner
        scan = ssd_flops(length, self.heads, self.channels, self.size, self.chunk)
        return Cost(weights=weights, scan_elementwise=convolution + skip) + scan

    def state_bytes(self, length: int, element_size: int = 4) -> int:
        """See `SequenceMixer.state_bytes`: constant in `length`."""
        mixed = self.inner + 2 * self.size
        return element_size * (self.inner * self.size + (self.width - 1) * mixed)
