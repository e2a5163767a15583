"""Steps of a generation on a GPU as one CUDA graph: a frame is one launch instead of hundreds.

A step of one frame is little work in many kernels, and takes as long as launching these takes. So the first steps run
as they are, then one is recorded, and replayed for each further frame on the tensors that it was recorded with. Written
without a GPU: tested with a stand-in that records and replays torch's operations on a CPU, not yet on a GPU.
"""

import os
from collections.abc import Callable

import torch
from torch import Tensor

from ssmttm.models.kernels.packages import SWITCH
from ssmttm.models.lm import MusicLM

WARMING = 3
"""Calls before one is recorded: kernels are compiled, chosen and loaded in them, which a recording doesn't bear."""

GRAPH = "one CUDA graph for each step"


def why_not(model: MusicLM, device: torch.device) -> str | None:
    """Why steps of `model` on `device` are not recorded; None if they can be."""
    if device.type != "cuda":
        return f"CUDA graphs are for GPUs of the type cuda; this is {device.type}"
    if os.environ.get(SWITCH) == "plain":
        return f"{SWITCH} is plain"
    kinds = (type(block.mixer).__module__.rpartition(".")[2] for block in model.blocks if not block.mixer.recordable)
    if growing := sorted(set(kinds)):
        return f"the state of {' and '.join(growing)} grows or is looked at in between"
    return None


class Recorded:
    """A function of tensors on a GPU whose kernels are recorded as a CUDA graph; one that can't be is called as it is.

    Its arguments are tensors of the same shapes in every call. It may change other tensors in place, such as a state,
    which must stay where they are; of everything else that changes, it must depend on its arguments alone.
    """

    def __init__(
        self, function: Callable[..., Tensor], why_not: str | None, tell: Callable[[str], None] | None = None
    ) -> None:
        """`why_not` is a reason not to record; `tell` hears how calls are launched, once that is settled."""
        self._function, self._tell = function, tell
        self._warmed = 0
        self._stream: torch.cuda.Stream | None = None  # of warming and recording
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: list[Tensor] = []
        self._output: Tensor | None = None
        self._plain = False
        if why_not is not None:
            self._go_on_plain(why_not)

    def __call__(self, *given: Tensor) -> Tensor:
        """What the function returns for `given`, as a tensor of its own."""
        if self._plain:
            return self._function(*given)
        if self._graph is None and self._warmed < WARMING:
            return self._warm(given)
        if self._graph is None:
            self._record(given)
        return self._function(*given) if self._plain else self._replay(given)

    def _warm(self, given: tuple[Tensor, ...]) -> Tensor:
        """A call as it is, but on the stream that is recorded later: libraries set up what they keep for each."""
        self._warmed += 1
        outside = torch.cuda.current_stream(given[0].device)
        if self._stream is None:
            self._stream = torch.cuda.Stream(given[0].device)
        self._stream.wait_stream(outside)
        with torch.cuda.stream(self._stream):
            output = self._function(*given)
        outside.wait_stream(self._stream)
        return output

    def _record(self, given: tuple[Tensor, ...]) -> None:
        """Record a call, in which nothing is computed, so that no state changes, also if it fails."""
        inputs, graph = [t.clone() for t in given], torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                output = self._function(*inputs)
        except Exception as error:  # whatever CUDA, Triton or a library says of what can't be recorded
            reason = str(error).partition("\n")[0]
            self._go_on_plain(f"recording a step failed, {type(error).__name__}: {reason}")
            return
        self._inputs, self._output, self._graph = inputs, output, graph
        if self._tell is not None:
            self._tell(GRAPH)

    def _replay(self, given: tuple[Tensor, ...]) -> Tensor:
        assert self._graph is not None and self._output is not None
        for place, tensor in zip(self._inputs, given, strict=True):
            if place.shape != tensor.shape:
                raise ValueError(f"recorded for shape {tuple(place.shape)}, called with {tuple(tensor.shape)}")
            place.copy_(tensor)
        self._graph.replay()
        return self._output.clone()

    def _go_on_plain(self, reason: str) -> None:
        self._plain = True
        if self._tell is not None:
            self._tell(f"one by one ({reason})")
