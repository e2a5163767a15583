"""What a killed run needs to go on: one safetensors file, replaced atomically."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.checkpoint import check_shapes, read_tensors
from ssmttm.rows import StepRow
from ssmttm.spec import differences
from ssmttm.tables import SCHEMAS
from ssmttm.tensors import save_tensors
from ssmttm.training.average import WeightAverage
from ssmttm.training.budget import Plan

FILE = "state.safetensors"


def saved_progress(folder: Path) -> str:
    """How far the newest state inside `folder`, of any identity, is: `step 40 of 1000 is saved`."""
    for path in sorted(folder.glob(f"*/{FILE}"), key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(SafetensorError, OSError, ValueError, KeyError):
            with safe_open(path, "pt") as file:
                progress = json.loads(file.metadata()["state"])
            return f"step {progress['step']} of {progress['steps']} is saved"
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
        self.curve: list[StepRow] = []  # one row per step

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
        tensors["curve.table"] = _packed(self.curve)
        progress = {"identity": identity, "step": self.step, "seconds": self.seconds, "steps": self.plan.steps}
        save_tensors(folder / FILE, tensors, {"state": json.dumps(progress)})

    def restore(self, folder: Path, identity: str) -> bool:
        """Take over the state in `folder`; False if there is none.

        Raises UserError for a file that is damaged, a pickle, or of another spec, code, data set,
        plan or model size.
        """
        path = folder / FILE
        if not path.is_file():
            return False
        progress, tensors = read_tensors(path, "state")
        if progress is None:
            raise UserError(f"{path}: safetensors, but not a training state; delete it to start afresh")
        differing = differences(json.loads(progress["identity"]), json.loads(identity))
        if progress["steps"] != self.plan.steps:
            differing.append(f"steps ({progress['steps']} there, {self.plan.steps} here)")
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
        self.average.updates = progress["step"]
        self.average.weights = {k: v.to(device) for k, v in groups["average"].items()}
        state = self.optimizer.state_dict()
        state["state"] = {
            i: {k: groups["optimizer"][f"{name}.{k}"] for k in ("step", "exp_avg", "exp_avg_sq")}
            for i, name in enumerate(self._names())
            if f"{name}.step" in groups["optimizer"]
        }
        self.optimizer.load_state_dict(state)
        self.step, self.seconds, self.curve = progress["step"], progress["seconds"], _unpacked(groups["curve"]["table"])
        return True

    def _names(self) -> list[str]:
        """Parameter names in the optimizer's order."""
        by_id = {id(p): name for name, p in self.model.named_parameters()}
        return [by_id[id(p)] for group in self.optimizer.param_groups for p in group["params"]]

    def _moments(self) -> list[dict[str, Tensor]]:
        return [self.optimizer.state.get(p, {}) for g in self.optimizer.param_groups for p in g["params"]]


def _packed(curve: list[StepRow]) -> Tensor:
    """The curve as the bytes of its table: every number stays bitwise the same."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(curve, SCHEMAS["curve"]), sink, compression="zstd")
    return torch.frombuffer(bytearray(sink.getvalue()), dtype=torch.uint8)


def _unpacked(table: Tensor) -> list[StepRow]:
    return pq.read_table(pa.BufferReader(table.numpy())).to_pylist()
