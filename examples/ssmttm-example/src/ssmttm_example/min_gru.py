"""A mixer: minGRU, a gated recurrence whose gates see the input alone (Feng et al. 2024, arXiv 2410.01201)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import Cost
from ssmttm.models.mixer import SequenceMixer, State


class Mixer(SequenceMixer):
    """h_t = (1 - z_t) h_{t-1} + z_t W_h x_t, with z_t = sigmoid(W_z x_t); the output is W_o h_t."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner = config.expand * config.d_model
        self.gate = nn.Linear(config.d_model, self.inner)
        self.candidate = nn.Linear(config.d_model, self.inner, bias=False)
        self.out = nn.Linear(self.inner, config.d_model, bias=False)

    def forward(self, x: Tensor, state: State | None = None, mask: Tensor | None = None) -> tuple[Tensor, State | None]:
        """See `SequenceMixer.forward`. A padded frame keeps all of the state and adds nothing."""
        z = torch.sigmoid(self.gate(x))
        if mask is not None:
            z = z * mask[..., None]
        before = x.new_zeros(len(x), self.inner) if state is None else state["h"].to(x.dtype)
        h = recur(1 - z, z * self.candidate(x), before)
        return self.out(h), None if state is None else {"h": h[:, -1]}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """See `SequenceMixer.step`."""
        z = torch.sigmoid(self.gate(x))
        h = (1 - z) * state["h"].to(x.dtype) + z * self.candidate(x)
        return self.out(h), {"h": h}

    def init_state(self, batch: int, device: torch.device, dtype: torch.dtype) -> State:
        """See `SequenceMixer.init_state`."""
        return {"h": torch.zeros(batch, self.inner, device=device, dtype=dtype)}

    def flops(self, length: int) -> Cost:
        """See `SequenceMixer.flops`; the recurrence is counted as `step` computes it."""
        matrices = (self.gate, self.candidate, self.out)
        weights = 2 * length * sum(matrix.weight.numel() for matrix in matrices)
        return Cost(weights=weights, scan_elementwise=4 * length * self.inner)

    def state_bytes(self, length: int, element_size: int = 4) -> int:
        """See `SequenceMixer.state_bytes`: constant in `length`."""
        return self.inner * element_size


def recur(keep: Tensor, new: Tensor, before: Tensor) -> Tensor:
    """h_t = keep_t h_{t-1} + new_t of `[batch, length, width]`, from h_0 = `before`, in log2(length) passes."""
    new = torch.cat([before[:, None], new], 1)
    keep = F.pad(keep, (0, 0, 1, 0))
    shift = 1
    while shift < new.shape[1]:
        new = new + keep * F.pad(new, (0, 0, shift, 0))[:, :-shift]
        keep = keep * F.pad(keep, (0, 0, shift, 0))[:, :-shift]
        shift *= 2
    return new[:, 1:]
