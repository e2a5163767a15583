"""What one kind of model brings to the only training loop: its clips, its losses, what they cost."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ssmttm.settings import TrainingSettings

Forward = Any
"""The task's model, perhaps within what joins processes, which passes its attributes on."""


class Clips(Protocol):
    """The clips of one split."""

    @property
    def clip_ids(self) -> Sequence[str]:
        """Their names."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Rows:
    """A part of one step's batch. All that is random follows from seed, step and position, never from the parts."""

    indices: np.ndarray  # of training clips
    positions: range  # places of these clips in the whole batch
    count: int  # clips of the whole batch
    step: int
    seed: int


@dataclass(frozen=True)
class Fit:
    """How the clips of a step are computed: how many at once, and whether blocks are computed twice."""

    micro_batch: int
    checkpointing: bool


class Task(ABC):
    """One kind of model under training, with its data.

    A loss is made of named parts, of which the loop keeps each in the curve.
    """

    model: nn.Module
    """Everything that is trained; there after `build`."""
    parts: tuple[str, ...]
    train: Clips
    validation: Clips
    test: Clips
    product = "model.safetensors"
    """File name of what `save` writes."""

    def fit(self, settings: TrainingSettings, device: torch.device) -> Fit:
        """How a step is computed on `device`; the configured micro-batch, or the whole share of a process."""
        micro = settings["micro_batch"]
        return Fit(settings["batch_size"] // settings["processes"] if micro == "auto" else micro, False)

    @abstractmethod
    def build(self, device: torch.device, fit: Fit) -> None:
        """Make `model` on `device`, from torch's global generator alone."""

    @abstractmethod
    def losses(self, forward: Forward, rows: Rows, device: torch.device) -> Tensor:
        """The parts of the loss of training clips, `[parts]`, means over the clips; `model` is in training mode."""

    def expect(self, indices: np.ndarray) -> None:  # noqa: B027 a task needn't
        """These training clips are asked for in the next step: what is slow to read may be fetched meanwhile."""

    @abstractmethod
    def held_out(self, clips: Clips, indices: np.ndarray, device: torch.device) -> Tensor:
        """The parts of the loss of clips of `validation` or `test`, `[parts]`: always the same; in evaluation mode."""

    def objective(self, parts: Tensor) -> Tensor:
        """The loss that is minimized, and reported, from its parts `[parts]`."""
        return parts.mean()

    @property
    @abstractmethod
    def clip_flops(self) -> float:
        """FLOPs of the forward pass of one clip."""

    @property
    @abstractmethod
    def clip_tokens(self) -> int:
        """Numbers that are predicted for one clip: codes, or samples."""

    @abstractmethod
    def save(self, path: Path, more: Mapping[str, object]) -> None:
        """Write what training makes, with where it comes from and `more` as metadata."""

    def blocks(self) -> Iterable[nn.Module]:
        """Parts of the model that are alike, which torch.compile takes one by one."""
        return ()

    def record(self) -> dict[str, object]:
        """What the manifest says of the model and its data besides what every run says."""
        return {}
