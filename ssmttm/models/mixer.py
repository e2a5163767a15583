"""The contract of a sequence mixer, and how one is found by name."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ssmttm import plugins
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import Cost

State = dict[str, Tensor]


class SequenceMixer(nn.Module, ABC):
    """Causal map from `[batch, length, d_model]` to the same shape.

    `forward` over a sequence and `step` over its frames one by one give the same outputs. A
    state that `forward` is given is continued, so that a long input can be fed in pieces.
    """

    recordable = False
    """Whether steps on a GPU can be recorded and replayed: `step` changes the state's tensors in place, leaves their
    shapes as they are, and never looks at a number that is on the GPU, nor at one that changes on the CPU."""

    @abstractmethod
    def forward(self, x: Tensor, state: State | None = None, mask: Tensor | None = None) -> tuple[Tensor, State | None]:
        """Mix `x [batch, length, d_model]`.

        Args:
            x: inputs.
            state: from `init_state` or an earlier call; None starts afresh and returns no state.
            mask: `[batch, length]`, False at padding, which must stand on the left. Padding
                changes neither state nor later outputs; its own outputs mean nothing.

        Returns:
            Outputs and, if a state was given, the state after the last frame.
        """

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one frame `x [batch, d_model]`; returns its output and the next state."""

    @abstractmethod
    def init_state(self, batch: int, device: torch.device, dtype: torch.dtype) -> State:
        """The state before the first frame."""

    @abstractmethod
    def flops(self, length: int) -> Cost:
        """FLOPs of `forward` over one sequence of `length` frames."""

    @abstractmethod
    def state_bytes(self, length: int, element_size: int = 4) -> int:
        """Bytes of the state of one sequence after `length` frames."""

    def backend(self, device: torch.device, dtype: torch.dtype) -> str:
        """What computes `forward` there from no state, as a manifest names it; `dtype` is that of matrix products.

        Raises UserError if what would compute it is installed, but broken.
        """
        return "tensor operations"

    def step_backend(self, device: torch.device, dtype: torch.dtype) -> str:
        """What computes `step` there, for a state of `dtype`; raises as `backend` does."""
        return "tensor operations"


def backends(model: nn.Module, device: torch.device, dtype: torch.dtype) -> dict[str, str]:
    """What computes each kind of mixer in `model`: `SequenceMixer.backend` by the mixer's file."""
    mixers = [module for module in model.modules() if isinstance(module, SequenceMixer)]
    return {type(mixer).__module__.rpartition(".")[2]: mixer.backend(device, dtype) for mixer in mixers}


def step_backends(model: nn.Module, device: torch.device) -> dict[str, str]:
    """What computes steps of each kind of mixer in `model`, for states in single precision, as `backends`."""
    mixers = [module for module in model.modules() if isinstance(module, SequenceMixer)]
    return {type(mixer).__module__.rpartition(".")[2]: mixer.step_backend(device, torch.float32) for mixer in mixers}


def build_mixer(config: ModelConfig, layer: int) -> SequenceMixer:
    """The mixer of layer `layer`, counted from 1: class `Mixer` of the file that `config` names."""
    return plugins.load("ssmttm.models.mixers", config.mixer_of(layer), "mixer", "model.mixer").Mixer(config)
