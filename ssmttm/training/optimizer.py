"""AdamW, and what it leaves undecayed."""

import torch
from torch import Tensor, nn

from ssmttm.settings import TrainingSettings

_SPARED = ("bias", "dt_bias", "conv_weight", "conv_bias", "a_log", "d", "null_condition")


def decays(name: str, parameter: Tensor) -> bool:
    """Whether weight decay applies to the parameter called `name`.

    It does to the matrices of linear layers and to embeddings, which the paper's code decays, too
    (it decays everything). It doesn't to norms, biases, convolutions, the null condition, and a_log, d and
    dt_bias of the state-space mixers, whatever their shapes.
    """
    return parameter.ndim >= 2 and name.rsplit(".", 1)[-1] not in _SPARED


def build_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.AdamW:
    """AdamW with two groups: parameters that decay, and those that don't; on a CPU one operation for all."""
    first, second = settings["betas"]
    named = list(model.named_parameters())
    groups = [
        {"params": [p for n, p in named if decays(n, p)], "weight_decay": settings["weight_decay"]},
        {"params": [p for n, p in named if not decays(n, p)], "weight_decay": 0.0},
    ]
    fused = True if all(p.device.type == "cpu" for _, p in named) else None
    return torch.optim.AdamW(groups, lr=0.0, betas=(first, second), eps=settings["epsilon"], fused=fused)
