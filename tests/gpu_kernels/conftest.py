"""mamba-ssm's kernels on a CPU, by Triton's interpreter, in the environment that `make gpu-kernels-test` sets up.

What a GPU has and a CPU hasn't is stood in for here, and here alone: mamba-ssm's package without its compiled
extensions, a device to be on and its properties, and for those extensions plain functions of torch. In the main
environment, which has neither Triton nor mamba-ssm, nothing of this happens and the tests are skipped.
"""

import contextlib
import dataclasses
import importlib.util
import os
import sys
import types
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

THERE = all(importlib.util.find_spec(name) for name in ("mamba_ssm", "triton"))
if THERE:
    os.environ["TRITON_INTERPRET"] = "1"  # read when kernels are defined
    os.environ["MAMBA_DETERMINISTIC"] = "1"  # one configuration of each kernel: there is nothing to measure
    from bare import bare_mamba_ssm

    bare_mamba_ssm()


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def interpreter(monkeypatch):
    """Kernels run on CPU tensors."""
    if not THERE:
        return
    import torch
    from triton.runtime import interpreter as triton_interpreter

    monkeypatch.setattr(torch.cuda, "device", lambda index: contextlib.nullcontext())
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: types.SimpleNamespace(multi_processor_count=1)
    )
    builder = triton_interpreter.interpreter_builder  # checks of overflows take more time than all the rest
    monkeypatch.setattr(builder, "options", dataclasses.replace(builder.options, sanitize_overflow=False))


@pytest.fixture
def chosen(monkeypatch):
    """Kernels are chosen on a CPU as they would be on a GPU that has all packages but causal-conv1d."""
    from ssmttm.models.kernels import packages

    def without(distribution, device):
        return packages.plain("not here") if distribution == "causal-conv1d" else None

    monkeypatch.setattr(packages, "_without", without)
    monkeypatch.setattr(packages, "shared_bytes", lambda device: 101_376)
    cached = packages._choose_ssd, packages._choose_selective, packages.choose_step
    for choice in cached:
        choice.cache_clear()
    yield
    for choice in cached:
        choice.cache_clear()
