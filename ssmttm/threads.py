"""How many threads the numeric libraries take, and how these wait for work. Imports none of them."""

import os

PARAMETERS_PER_THREAD = 16_000_000
"""Of a model that generates: with fewer, sharing a step's products costs more than it saves (benchmarks/threads.py:
a second thread makes 8 million parameters slower and 40 million faster)."""

_WAITING = {
    "OMP_WAIT_POLICY": "PASSIVE",  # GNU's OpenMP, in the wheels of torch and faiss, and any other
    "KMP_BLOCKTIME": "0",  # LLVM's and Intel's
    "OPENBLAS_THREAD_TIMEOUT": "4",  # NumPy's and SciPy's products: 2^4 cycles
}


def wait_asleep() -> None:
    """Let threads that wait for work sleep, where the environment doesn't say otherwise.

    By default they spin, and take the time of whatever else runs: a small model then generates at a
    fraction of its speed. The libraries read this once, when they are loaded, so call it before.
    """
    for name, value in _WAITING.items():
        os.environ.setdefault(name, value)


def set_threads(threads: int | None) -> None:
    """Bound torch, and what goes by it, to `threads` CPU threads; None leaves its own choice."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


def set_threads_for(parameters: int) -> None:
    """Bound torch to as many threads as make a step of a model of so many parameters faster.

    It depends on the model and the machine alone, never on its load, so that results repeat.
    """
    import torch

    set_threads(max(1, min(torch.get_num_threads(), parameters // PARAMETERS_PER_THREAD)))
