"""Forward and backward of one Mamba-2 mixer, beside transformers' and beside its matrix products alone.

    python benchmarks/mixer.py [--shape small] [--shape paper] [--dtype fp32] [--dtype bf16] [--repeats 7]

All three are timed in turn, round by round, in one process; the figures are medians and ratios of medians. The
floor is the products of both projections and of the scan, forward and backward, as matrix products of
the same shapes and type, with nothing around them. Peak memory is that of a process of its own, less what it
has before the first pass.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ssmttm.models.config import ModelConfig
from ssmttm.models.mixer import build_mixer

SHAPES = {"small": (8, 512, 256, 64), "paper": (1, 2588, 1024, 512)}  # batch, length, width, state
CHUNKS = {"small": [64, 128], "paper": [128, 256]}


def ours(width: int, size: int, chunk: int) -> torch.nn.Module:
    config = ModelConfig(
        mixer="mamba2", feedforward="none", conditioning="prefix", layers=1, d_model=width, d_state=size, d_conv=4,
        expand=2, head_dim=64, chunk=chunk, attention_heads=8, feedforward_factor=2, dropout=0.0, final_norm=True,
        codebooks=1, codebook_size=1024, text_width=8,
    )  # fmt: skip
    return build_mixer(config, 1)


def theirs(width: int, size: int, chunk: int) -> torch.nn.Module:
    from transformers.models.mamba2.configuration_mamba2 import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    config = Mamba2Config(
        hidden_size=width, state_size=size, expand=2, head_dim=64, num_heads=2 * width // 64, n_groups=1,
        conv_kernel=4, chunk_size=chunk, use_bias=False, use_conv_bias=True, num_hidden_layers=1,
    )  # fmt: skip
    return Mamba2Mixer(config, layer_idx=0)


def precision(dtype: str) -> AbstractContextManager[Any]:
    return torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16")


def pass_of(mixer: torch.nn.Module, x: Tensor, dtype: str) -> Callable[[], None]:
    """Forward and backward with gradients of the weights and of the input."""

    def run() -> None:
        mixer.zero_grad(set_to_none=True)
        x.grad = None
        with precision(dtype):
            y = mixer(x)
            y = y[0] if isinstance(y, tuple) else y
        y.sum().backward()

    return run


def products_of(shape: str, chunk: int, dtype: str) -> Callable[[], None]:
    """The products of a mixer: each `[m, k] @ [k, n]` of the forward pass and its two of the backward pass."""
    batch, length, width, size = SHAPES[shape]
    inner, heads = 2 * width, 2 * width // 64
    tokens, chunks = batch * length, batch * -(-length // chunk)
    products = [
        (1, tokens, width, 2 * inner + 2 * size + heads),  # into the mixer
        (1, tokens, inner, width),  # out of it
        (chunks, chunk, size, chunk),  # C B^T
        (chunks * heads, chunk, chunk, 64),  # times x
        (chunks, inner, chunk, size),  # into the states
        (chunks, chunk, size, inner),  # out of the states
    ]
    kind = torch.bfloat16 if dtype == "bf16" else torch.float32
    work = []
    for n, rows, between, columns in products:
        left, right = (torch.randn(n, *s).to(kind) for s in ((rows, between), (between, columns)))
        out = torch.randn(n, rows, columns).to(kind)
        work += [(left, right, out), (out, right.mT, torch.empty_like(left)), (left.mT, out, torch.empty_like(right))]

    def run() -> None:
        for left, right, out in work:
            torch.bmm(left, right, out=out)

    return run


def contenders(shape: str, dtype: str, chunks: list[int]) -> dict[tuple[str, int], Callable[[], None]]:
    batch, length, width, size = SHAPES[shape]
    x = torch.randn(batch, length, width, requires_grad=True)
    found = {}
    for chunk in chunks:
        found["ours", chunk] = pass_of(ours(width, size, chunk), x, dtype)
        found["transformers", chunk] = pass_of(theirs(width, size, chunk), x, dtype)
    found["products", 64] = products_of(shape, 64, dtype)
    found["products", 128] = products_of(shape, 128, dtype)
    return found


def medians(passes: dict[tuple[str, int], Callable[[], None]], repeats: int) -> dict[tuple[str, int], float]:
    """Milliseconds of each, timed in turn."""
    for run in passes.values():
        run()
    times: dict[tuple[str, int], list[float]] = {key: [] for key in passes}
    for _ in range(repeats):
        for key, run in passes.items():
            started = time.perf_counter()
            run()
            times[key].append(time.perf_counter() - started)
    return {key: 1e3 * statistics.median(seconds) for key, seconds in times.items()}


def peak_memory(shape: str, dtype: str, who: str, chunk: int) -> float:
    """Peak GB of a process that does two passes, less what it holds before them."""
    command = [sys.executable, __file__, "--shape", shape, "--dtype", dtype, "--memory-of", f"{who}:{chunk}"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_memory(shape: str, dtype: str, who: str, chunk: int) -> float:
    batch, length, width, size = SHAPES[shape]
    mixer = {"ours": ours, "transformers": theirs}[who](width, size, chunk)
    small = torch.randn(1, 2 * chunk, width, requires_grad=True)
    pass_of(mixer, small, dtype)()  # libraries and compiled loops are loaded now
    run = pass_of(mixer, torch.randn(batch, length, width, requires_grad=True), dtype)
    before = peak_bytes()
    run()
    run()
    return (peak_bytes() - before) / 1e9


def peak_bytes() -> int:
    """Of this process; `getrusage` would count what its parent held when it started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return 1024 * int(line.split()[1])


def report(shape: str, dtype: str, repeats: int) -> None:
    found = medians(contenders(shape, dtype, CHUNKS[shape]), repeats)
    best = {}
    for who in ("ours", "transformers", "products"):
        best[who] = min((k for k in found if k[0] == who), key=found.__getitem__)
    times = {who: found[key] for who, key in best.items()}
    memory = {who: peak_memory(shape, dtype, *best[who]) for who in ("ours", "transformers")}
    print(
        f"| {shape} | {dtype} | {times['ours']:.0f} (chunk {best['ours'][1]}) "
        f"| {times['transformers']:.0f} (chunk {best['transformers'][1]}) | {times['products']:.0f} "
        f"| {times['transformers'] / times['ours']:.2f} | {times['ours'] / times['products']:.2f} "
        f"| {memory['ours']:.2f} | {memory['transformers']:.2f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", choices=SHAPES, help="default: both")
    parser.add_argument("--dtype", action="append", choices=("fp32", "bf16"), help="default: both")
    parser.add_argument("--repeats", type=int, help="timed rounds; default 9 for small, 5 for paper")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.memory_of:
        who, chunk = options.memory_of.split(":")
        print(measure_memory(options.shape[0], options.dtype[0], who, int(chunk)))
        return
    print(f"{options.threads} threads; milliseconds of a forward and backward pass; GB beyond what was held before")
    print("| shape | type | ours | transformers | products alone | faster by | over products | GB | transformers' GB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for shape in options.shape or SHAPES:
        for dtype in options.dtype or ("fp32", "bf16"):
            report(shape, dtype, options.repeats or (9 if shape == "small" else 5))


if __name__ == "__main__":
    main()
