"""Kernels are compiled for GPUs without one, and their shared memory is what we take a GPU to need.

The interpreter accepts what the compiler refuses, such as a loop that changes a type. Each kind of GPU is a process of
its own, without TRITON_INTERPRET.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton", reason="make gpu-kernels-test installs it")
pytest.importorskip("mamba_ssm", reason="make gpu-kernels-test installs it")

from ssmttm.models.kernels import packages

SCRIPT = Path(__file__).with_name("compile_check.py")
MOST_SHARED = {80: 166_912, 86: 101_376, 90: 232_448, 120: 101_376}
"""Bytes that one block may take, as CUDA's programming guide has them."""

PAPER = (512, 256, 64)  # states, chunk, channels of a head
CASES = [(sm, torch.bfloat16, PAPER) for sm in MOST_SHARED]
CASES += [(90, torch.bfloat16, (128, 256, 128)), (86, torch.float32, (512, 256, 128))]
"""The paper's shape on all; and in each precision the shape that takes most of what was tried."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """What `compile_check` says of each case."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TRITON_", "MAMBA_"))}
    path = os.pathsep.join([str(SCRIPT.parents[2]), *filter(None, [kept.get("PYTHONPATH")])])
    environment = {**kept, "PYTHONPATH": path, "TRITON_CACHE_DIR": str(tmp_path_factory.mktemp("triton"))}
    found = {}
    for sm, dtype, shape in CASES:
        words = [str(sm), str(dtype).removeprefix("torch."), *map(str, shape)]
        done = subprocess.run(
            [sys.executable, SCRIPT, *words], env=environment, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stderr
        found[sm, dtype, shape] = json.loads(done.stdout)
    return found


def test_every_kernel_compiles_for_every_gpu(compiled):
    names = {frozenset(kernels) for kernels in compiled.values()}
    assert len(names) == 1  # the same kernels everywhere
    assert len(names.pop()) == 14 + 2 + 2  # of the scan; of gate and norm; of a step, of Mamba-2 and of Mamba-1
    assert all(kernel["cubin"] > 0 for kernels in compiled.values() for kernel in kernels.values())


def test_shared_memory_is_what_a_gpu_is_asked_for(compiled):
    most = {dtype: 0 for _, dtype, _ in CASES}
    for (sm, dtype, _), kernels in compiled.items():
        taken = max(kernel["shared"] for kernel in kernels.values())
        assert taken <= MOST_SHARED[sm]
        most[dtype] = max(most[dtype], taken)
    assert most == {dtype: packages.SHARED_BYTES[dtype] for dtype in most}


def test_products_of_single_precision_are_not_rounded(compiled):
    assert {
        kernel["tf32"] for (_, dtype, _), of in compiled.items() if dtype == torch.float32 for kernel in of.values()
    } == {False}


def test_by_default_triton_would_round_them(tmp_path):
    """So the test above can fail."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("TRITON_", "MAMBA_"))},
        "PYTHONPATH": str(SCRIPT.parents[2]), "TRITON_CACHE_DIR": str(tmp_path), "TRITON_F32_DEFAULT": "tf32",
    }  # fmt: skip
    words = [sys.executable, SCRIPT, "90", "float32", "16", "16", "16", "forward"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert any(kernel["tf32"] for kernel in json.loads(done.stdout).values())
