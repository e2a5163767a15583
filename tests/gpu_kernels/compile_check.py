"""Compile every kernel of mamba-ssm that we use for one kind of GPU, without one, and print the shared memory of each.

    python tests/gpu_kernels/compile_check.py 90 bfloat16 512 256 64 [forward]

In a process without TRITON_INTERPRET. Kernels aren't launched: where a launch would be, each is compiled instead, by
the ptxas that comes with Triton, in the one configuration that mamba-ssm's deterministic mode leaves, the one with the
smallest blocks. Prints JSON: bytes of shared memory by kernel, and whether products are in TF32. With `forward`, the
scan's kernels of the forward pass alone.
"""

import contextlib
import json
import os
import sys
import types
import warnings

import torch
import triton
from bare import bare_mamba_ssm
from triton.backends.compiler import GPUTarget


class Driver:
    """What the launcher asks a driver for."""

    def __init__(self, capability: int) -> None:
        self.target = GPUTarget("cuda", capability, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def get_current_target(self) -> GPUTarget:
        return self.target

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")


def main(capability: int, dtype: str, size: int, chunk: int, channels: int, forward: bool, heads: int = 4) -> None:
    os.environ["MAMBA_DETERMINISTIC"] = "1"
    warnings.simplefilter("ignore")
    triton.runtime.driver.set_active(Driver(capability))
    found: dict[str, dict[str, object]] = {}
    launch = triton.runtime.jit.JITFunction.run
    mixer = ""

    def compiled(self, *args, **kwargs):
        kernel = launch(self, *args, **{**kwargs, "warmup": True})
        tf32 = "tf32" in kernel.asm["ptx"]
        found[self.fn.__name__ + mixer] = {
            "shared": kernel.metadata.shared,
            "tf32": tf32,
            "cubin": len(kernel.asm["cubin"]),
        }

    triton.runtime.jit.JITFunction.run = compiled
    bare_mamba_ssm()
    torch.cuda.device = lambda index: contextlib.nullcontext()
    torch.cuda.get_device_properties = lambda device: types.SimpleNamespace(multi_processor_count=132)
    from ssmttm.models.kernels import norm_kernels, packages, ssd_kernels, state_update

    packages.set_product_precision()

    def zeros(*shape: int, dtype: torch.dtype = getattr(torch, dtype)) -> torch.Tensor:
        return torch.zeros(*shape, dtype=dtype, requires_grad=True)

    whole = torch.float32
    given = [
        zeros(1, 2 * chunk, heads, channels), zeros(1, 2 * chunk, heads, dtype=whole), zeros(heads, dtype=whole),
        zeros(1, 2 * chunk, 1, size), zeros(1, 2 * chunk, 1, size), zeros(heads, dtype=whole),
        zeros(1, heads, channels, size, dtype=whole),
    ]  # fmt: skip
    y, end = ssd_kernels.scan(*given, chunk)
    if not forward:
        torch.autograd.grad(y.float().sum() + end.sum(), given)
        gate, weight = zeros(1, 2 * chunk, heads * channels), zeros(heads * channels, dtype=whole)
        out = norm_kernels.gated_norm(given[0].flatten(2), gate, weight, 1e-5)
        torch.autograd.grad(out.float().sum(), [given[0], gate, weight])
        with torch.no_grad():
            inner, frame = heads * channels, zeros(1, size, dtype=whole)
            x, one = zeros(1, heads, channels, dtype=whole), zeros(heads, dtype=whole)
            state_update.ssd_step_(x, zeros(1, heads, dtype=whole), one, frame, frame, one, x, given[-1].detach())
            mixer, x = " of Mamba-1", x.flatten(1)
            a, state = zeros(size, inner, dtype=whole), zeros(1, size, inner, dtype=whole).detach()
            state_update.selective_step_(x, x, a, frame, frame, a[0], x, state)
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6]), forward=sys.argv[6:] == ["forward"])
