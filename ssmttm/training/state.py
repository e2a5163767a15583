"""What a killed run needs to go on: one safetensors file, replaced atomically."""

import hashlib
import json
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.checkpoint import check_shapes, read_tensors
from ssmttm.tensors import save_tensors
from ssmttm.training.average import WeightAverage
from ssmttm.training.budget import Plan

FILE = "state.safetensors"


def saved_progress(folder: Path) -> str:
    """How far the newest state inside `folder`, of any identity, is: `step 40 of 1000 is saved`."""
    for path in sorted(folder.glob(f"*/{FILE}"), key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(SafetensorError, OSError, ValueError, KeyError):
            with safe_open(path, "pt") as file:
                facts = json.loads(file.metadata()["state"])
            return f"step {facts['step']} of {facts['steps']} is saved"
    return "no state is saved yet"


def state_folder(folder: Path, identity: str) -> Path:
    """The folder inside `folder` for states of one identity: states of different specs never meet."""
    return folder / hashlib.sha256(identity.encode()).hexdigest()[:16]


@dataclass
class TrainState:
    """Everything of a run between two optimizer steps.

    The data order and all randomness follow from the seed and the step, so neither is stored.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage
    plan: Plan
    step: int = 0  # optimizer steps done
    seconds: float = 0.0  # spent on them, without validation

    def __post_init__(self) -> None:
        self.curve: list[dict[str, Any]] = []  # one row per step

    @property
    def sound(self) -> bool:
        """Whether all weights are finite and no step lacks its row: a state to go on from."""
        return len(self.curve) == self.step and all(p.isfinite().all() for p in self.model.parameters())

    def save(self, folder: Path, identity: str) -> None:
        """Write to `folder`; `identity`, a JSON object, says which spec, code and data the state belongs to."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.weights.items()}
        for name, moments in zip(self._names(), self._moments(), strict=True):
            tensors |= {f"optimizer.{name}.{k}": v for k, v in moments.items()}
        tensors |= _pack(self.curve)
        facts = {"identity": identity, "step": self.step, "seconds": self.seconds, "steps": self.plan.steps}
        save_tensors(folder / FILE, tensors, {"state": json.dumps(facts)})

    def restore(self, folder: Path, identity: str) -> bool:
        """Take over the state in `folder`; False if there is none.

        Raises UserError for a file that is damaged, a pickle, or of another spec, code, data set,
        plan or model size.
        """
        path = folder / FILE
        if not path.is_file():
            return False
        facts, tensors = read_tensors(path, "state")
        if facts is None:
            raise UserError(f"{path}: safetensors, but not a training state; delete it to start afresh")
        differing = differences(json.loads(facts["identity"]), json.loads(identity))
        if facts["steps"] != self.plan.steps:
            differing.append(f"steps ({facts['steps']} there, {self.plan.steps} here)")
        if differing:
            raise UserError(
                f"{path}: a training state of another run: it differs in {', '.join(differing)}; "
                f"set that back, or delete the file to start afresh"
            )
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}, "curve": {}}
        for key, tensor in tensors.items():
            group, _, name = key.partition(".")
            groups[group][name] = tensor
        weights = self.model.state_dict()
        check_shapes(path, groups["model"], weights)
        self.model.load_state_dict(groups["model"])
        device = next(iter(weights.values())).device
        self.average.weights = {k: v.to(device) for k, v in groups["average"].items()}
        state = self.optimizer.state_dict()
        state["state"] = {
            i: {k: groups["optimizer"][f"{name}.{k}"] for k in ("step", "exp_avg", "exp_avg_sq")}
            for i, name in enumerate(self._names())
            if f"{name}.step" in groups["optimizer"]
        }
        self.optimizer.load_state_dict(state)
        self.step, self.seconds, self.curve = facts["step"], facts["seconds"], _unpack(groups["curve"])
        return True

    def _names(self) -> list[str]:
        """Parameter names in the optimizer's order."""
        by_id = {id(p): name for name, p in self.model.named_parameters()}
        return [by_id[id(p)] for group in self.optimizer.param_groups for p in group["params"]]

    def _moments(self) -> list[dict[str, Tensor]]:
        return [self.optimizer.state.get(p, {}) for g in self.optimizer.param_groups for p in g["params"]]


_WHOLE = ("step", "tokens")
_PER_CODEBOOK = ("codebook_losses", "validation_codebook_losses")


def _pack(curve: list[dict[str, Any]]) -> dict[str, Tensor]:
    """The columns of the curve as double precision, None as NaN: numbers survive bitwise, and in little space."""
    width = len(curve[0]["codebook_losses"]) if curve else 1
    columns = {}
    for name in curve[0] if curve else ():
        nothing = [math.nan] * width if name in _PER_CODEBOOK else math.nan
        values = [nothing if row[name] is None else row[name] for row in curve]
        columns[f"curve.{name}"] = torch.tensor(values, dtype=torch.float64)
    return columns


def _unpack(columns: dict[str, Tensor]) -> list[dict[str, Any]]:
    def value(name: str, found: Any) -> Any:
        if isinstance(found, list):
            return None if math.isnan(found[0]) else found
        if math.isnan(found):
            return None
        return int(found) if name in _WHOLE else found

    lists = {name: column.tolist() for name, column in columns.items()}
    return [
        {name: value(name, found) for name, found in zip(lists, row, strict=True)}
        for row in zip(*lists.values(), strict=True)
    ]


def differences(a: Any, b: Any, prefix: str = "") -> list[str]:
    """Dotted names of the leaves in which two JSON objects differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = sorted({*a, *b})
        return [d for k in keys for d in differences(a.get(k), b.get(k), f"{prefix}.{k}" if prefix else k)]
    return [] if a == b else [prefix]
