"""What a killed run needs to go on: one safetensors file, replaced atomically."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ssmttm.errors import UserError
from ssmttm.files import atomic_path

FILE = "state.safetensors"


@dataclass
class TrainState:
    """Everything of a run between two optimizer steps.

    The data order and all randomness follow from the seed and the step, so neither is stored.
    """

    step: int  # optimizer steps done
    seconds: float  # spent on them, without validation
    curve: list[dict[str, Any]]  # one row per step
    model: torch.nn.Module
    optimizer: torch.optim.Optimizer

    def save(self, folder: Path, identity: str) -> None:
        """Write to `folder`; `identity` says which spec, code and data the state belongs to."""
        tensors = {f"model.{k}": v.contiguous() for k, v in self.model.state_dict().items()}
        for name, moments in zip(self._names(), self._moments(), strict=True):
            tensors |= {f"optimizer.{name}.{k}": v.contiguous() for k, v in moments.items()}
        facts = {"identity": identity, "step": self.step, "seconds": self.seconds, "curve": self.curve}
        with atomic_path(folder / FILE) as path:
            save_file(tensors, path, {"state": json.dumps(facts, allow_nan=False)})

    def restore(self, folder: Path, identity: str) -> bool:
        """Take over the state in `folder`; False if there is none for this identity."""
        path = folder / FILE
        if not path.is_file():
            return False
        try:
            with safe_open(path, "pt") as f:
                facts = json.loads((f.metadata() or {}).get("state", "{}"))
                if facts.get("identity") != identity:
                    return False
                tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, json.JSONDecodeError) as error:
            raise UserError(f"{path}: not a readable training state ({error}); delete it to start afresh") from error
        self.model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        state = self.optimizer.state_dict()
        state["state"] = {
            i: {k: tensors[f"optimizer.{name}.{k}"] for k in ("step", "exp_avg", "exp_avg_sq")}
            for i, name in enumerate(self._names())
            if f"optimizer.{name}.step" in tensors
        }
        self.optimizer.load_state_dict(state)
        self.step, self.seconds, self.curve = facts["step"], facts["seconds"], facts["curve"]
        return True

    def _names(self) -> list[str]:
        """Parameter names in the optimizer's order."""
        by_id = {id(p): name for name, p in self.model.named_parameters()}
        return [by_id[id(p)] for group in self.optimizer.param_groups for p in group["params"]]

    def _moments(self) -> list[dict[str, torch.Tensor]]:
        return [self.optimizer.state.get(p, {}) for g in self.optimizer.param_groups for p in g["params"]]
