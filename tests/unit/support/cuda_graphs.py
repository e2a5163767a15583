"""A stand-in for CUDA graphs that works on a CPU: torch's operations are recorded with the tensors that they got.

As on a GPU, recording computes nothing that is kept: operations that write into a tensor only say so. A replay runs all
of them again on the memory of the recording. What reads a number off a tensor fails, as on a GPU. It shows that
inputs, states and outputs are the right memory, and that nothing that changes is left out; kernels, streams and what
CUDA itself refuses to record are no part of it.
"""

import contextlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS = {torch.ops.aten.nonzero.default, torch.ops.aten.masked_select.default}
"""Besides all that returns a number: the shape of what they return is on the GPU."""
NUMBERS = {"number", "bool", "int", "float"}


def place_of(tensor):
    return tensor.untyped_storage().data_ptr()


class CUDAGraph(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls, self.replays = [], 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        schema = operation._schema
        if operation in READS or NUMBERS & {str(r.type) for r in schema.returns}:
            raise RuntimeError(f"{operation}: operation not permitted when stream is capturing\nCUDA says more")
        if schema.is_mutable and len(schema.returns) == 1 and schema.returns[0].alias_info is not None:
            result = kwargs["out"] if "out" in kwargs else args[0]
            self.calls.append((operation, args, kwargs, None))
            return result
        if schema.is_mutable:  # an operator of ours: what it returns is new, what it writes isn't written
            fresh = [t.clone() if isinstance(t, torch.Tensor) else t for t in args]
            result = operation(*fresh, **kwargs)
        else:
            result = operation(*args, **kwargs)
        given = {place_of(t) for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        if any(place_of(t) not in given for t in tree_leaves(result)):  # views are there already
            self.calls.append((operation, args, kwargs, result))
        return result

    def replay(self):
        self.replays += 1
        for operation, args, kwargs, result in self.calls:
            again = operation(*args, **kwargs)
            if result is not None:
                for place, value in zip(tree_leaves(result), tree_leaves(again), strict=True):
                    if place.data_ptr() != value.data_ptr():
                        place.copy_(value)


@contextlib.contextmanager
def graph(recorder, stream=None, capture_error_mode="global"):
    assert stream is not None and capture_error_mode == "thread_local"
    with recorder:
        yield


class Stream:
    def __init__(self, device=None):
        self.waits = 0

    def wait_stream(self, other):
        self.waits += 1


def stand_in(monkeypatch):
    """Put it in place of torch's; returns the list of graphs that are made from now on."""
    made = []

    def new_graph():
        made.append(CUDAGraph())
        return made[-1]

    for name, thing in {
        "CUDAGraph": new_graph, "graph": graph, "Stream": Stream, "current_stream": Stream,
        "stream": lambda stream: contextlib.nullcontext(),
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, thing)
    return made
