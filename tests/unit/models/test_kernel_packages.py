"""Which kernels are chosen, and what is said where they can't be; with packages and a GPU that are made up."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ssmttm.errors import UserError
from ssmttm.models.config import ModelConfig
from ssmttm.models.kernels import mamba2_gpu, mamba2_plain, packages
from ssmttm.models.mixer import backends, build_mixer

ROOT = Path(__file__).resolve().parents[3]
GPU, CPU = torch.device("cuda", 0), torch.device("cpu")
PAPER = {"dtype": torch.bfloat16, "chunk": 256, "channels": 64, "size": 512}


@pytest.fixture
def installed(monkeypatch):
    """A machine with an RTX 4090 (99 KB of shared memory for a block), and these packages, whose imports succeed."""
    versions = dict(packages.PINS)
    imported = []

    def version(name):
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    metadata = SimpleNamespace(version=version, PackageNotFoundError=importlib.metadata.PackageNotFoundError)
    monkeypatch.setattr(packages, "importlib", SimpleNamespace(metadata=metadata, import_module=imported.append))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "RTX 4090")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(packages, "shared_bytes", lambda device: 101_376)
    monkeypatch.delenv(packages.SWITCH, raising=False)
    monkeypatch.setenv("TRITON_F32_DEFAULT", "")  # put back at the end
    monkeypatch.delenv("TRITON_F32_DEFAULT")
    caches = packages.usable, packages._choose_ssd, packages._choose_selective, packages._without
    for cached in caches:
        cached.cache_clear()
    yield SimpleNamespace(versions=versions, imported=imported)
    for cached in caches:
        cached.cache_clear()


def mixer(name="mamba2", **other):
    settings = {
        "mixer": name, "feedforward": "none", "conditioning": "prefix", "layers": 1, "d_model": 16, "d_state": 16,
        "d_conv": 4, "expand": 2, "head_dim": 16, "chunk": 32, "attention_heads": 2, "feedforward_factor": 2,
        "dropout": 0.0, "final_norm": True, "codebooks": 1, "codebook_size": 8, "text_width": 8,
    }  # fmt: skip
    return build_mixer(ModelConfig(**{**settings, **other}), 1)


def test_the_papers_shape_is_computed_by_kernels(installed):
    assert packages.choose_ssd(GPU, **PAPER) == (True, f"mamba-ssm {packages.PINS['mamba-ssm']}")
    assert packages.convolves(GPU, torch.bfloat16, 3072, 4)
    assert installed.imported == ["mamba_ssm.ops.triton.ssd_combined", "causal_conv1d.cpp_functions"]


def test_a_cpu_imports_nothing(installed):
    choice = packages.choose_ssd(CPU, **PAPER)
    assert not choice.kernels and not packages.convolves(CPU, torch.float32, 64, 4)
    assert not packages.choose_selective(CPU, 16).kernels
    assert not installed.imported


def test_a_cpu_loads_no_triton_mamba_ssm_or_compiler():
    heavy = "{'triton', 'mamba_ssm', 'torch._dynamo'}"
    code = f"import sys; from ssmttm.models.mixers import mamba1, mamba2; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"chunk": 50}, "model.chunk is 50"),
        ({"chunk": 512}, "model.chunk is 512"),
        ({"dtype": torch.float64}, "torch.float64"),
        ({"size": 1024}, "64 and 1024"),
        ({"channels": 256}, "256 and 512"),
    ],
)
def test_shapes_that_are_not_tried_go_to_tensor_operations_and_say_why(installed, changed, why):
    choice = packages.choose_ssd(GPU, **{**PAPER, **changed})
    assert not choice.kernels and choice.name.startswith("tensor operations (") and why in choice.name


def test_convolutions_that_its_kernels_do_not_take(installed):
    assert not packages.convolves(GPU, torch.bfloat16, 3076, 4)
    assert not packages.convolves(GPU, torch.bfloat16, 3072, 5)
    assert not packages.convolves(GPU, torch.float64, 3072, 4)


def test_a_gpu_with_too_little_shared_memory_is_named_with_both_figures(installed, monkeypatch):
    monkeypatch.setattr(packages, "shared_bytes", lambda device: 65_536)
    choice = packages.choose_ssd(GPU, **PAPER)
    assert not choice.kernels
    assert all(words in choice.name for words in ("RTX 4090", "65,536", "72,192", "d_state 512"))


def test_shared_memory_is_what_torch_says_or_a_kb_less_than_a_multiprocessor_has(monkeypatch):
    properties = SimpleNamespace(shared_memory_per_multiprocessor=102_400)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    assert packages.shared_bytes(GPU) == 101_376
    properties.shared_memory_per_block_optin = 90_000
    assert packages.shared_bytes(GPU) == 90_000


def test_without_the_package_or_by_the_switch_tensor_operations_compute(installed, monkeypatch):
    del installed.versions["mamba-ssm"]
    assert packages.choose_ssd(GPU, **PAPER) == (False, "tensor operations (mamba-ssm is not installed)")
    installed.versions["mamba-ssm"] = "1.0"  # which would be an error
    for cached in (packages._choose_ssd, packages._without):
        cached.cache_clear()
    monkeypatch.setenv(packages.SWITCH, "plain")
    assert packages.choose_ssd(GPU, **PAPER) == (False, "tensor operations (SSMTTM_KERNELS is plain)")


def test_memory_is_planned_for_a_gpu_where_none_is(installed, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert packages.choose_ssd(GPU, **PAPER).name == "tensor operations (no GPU is at hand)"


def test_another_version_is_one_message(installed):
    installed.versions["mamba-ssm"] = "2.2.4"
    with pytest.raises(UserError) as raised:
        packages.choose_ssd(GPU, **PAPER)
    for words in (
        "mamba-ssm 2.2.4",
        packages.PINS["mamba-ssm"],
        "ssmttm[gpu]",
        "SSMTTM_KERNELS=plain",
        "pip uninstall",
    ):
        assert words in str(raised.value)
    assert not installed.imported


def test_a_build_for_a_cuda_version_is_the_same_version(installed):
    installed.versions["mamba-ssm"] += "+cu12torch2.9"
    assert packages.choose_ssd(GPU, **PAPER).kernels


@pytest.mark.parametrize(
    "error",
    [ImportError("libcudart.so.12: cannot open"), OSError("undefined symbol: _ZN3c10"), RuntimeError("no driver")],
)
def test_a_broken_package_is_one_message_with_its_reason(installed, monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr(packages.importlib, "import_module", fail)
    for ask in (lambda: packages.choose_ssd(GPU, **PAPER), lambda: packages.choose_selective(GPU, 16)):
        with pytest.raises(UserError) as raised:
            ask()
        for words in ("mamba_ssm.ops.triton.ssd_combined", str(error), "SSMTTM_KERNELS=plain"):
            assert words in str(raised.value)


def test_products_of_single_precision_follow_torchs_setting(installed, monkeypatch):
    packages.set_product_precision()
    assert os.environ["TRITON_F32_DEFAULT"] == "ieee"
    monkeypatch.setenv("TRITON_F32_DEFAULT", "tf32")
    packages.set_product_precision()
    assert os.environ["TRITON_F32_DEFAULT"] == "tf32"  # what was set stays
    monkeypatch.delenv("TRITON_F32_DEFAULT")
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    packages.set_product_precision()
    assert "TRITON_F32_DEFAULT" not in os.environ


def test_a_mixer_names_its_backend(installed):
    pins = packages.PINS
    both = f"mamba-ssm {pins['mamba-ssm']}, causal-conv1d {pins['causal-conv1d']}"
    assert backends(mixer(), GPU, torch.bfloat16) == {"mamba2": both}
    assert backends(mixer(d_state=5), GPU, torch.bfloat16) == {"mamba2": f"mamba-ssm {pins['mamba-ssm']}"}
    assert backends(mixer("mamba1"), GPU, torch.bfloat16) == {"mamba1": f"mamba-ssm {pins['mamba-ssm']}"}
    assert backends(mixer("attention"), GPU, torch.bfloat16) == {"attention": "tensor operations"}
    assert "Numba" in backends(mixer(), CPU, torch.float32)["mamba2"]


def test_tensors_that_kernels_can_not_count_are_left_to_tensor_operations(installed):
    def inputs(length):
        """Of the paper's shape, on a GPU that isn't there: shapes are all that is looked at."""
        with torch.device("meta"):
            heads, inner, mixed = 32, 2048, 3072
            tensors = [torch.empty(s) for s in ((1, 1), mixed, heads, heads, heads, inner)]
            projected = SimpleNamespace(
                shape=(1, length, inner + mixed + heads), device=GPU, dtype=torch.bfloat16,
                numel=lambda: length * (inner + mixed + heads),
            )  # fmt: skip
            return mamba2_plain.Inputs(projected, torch.empty(4, mixed), *tensors[1:], None, None, None, 256, 1e-5)

    assert mamba2_gpu.takes(inputs(2588))
    assert not mamba2_gpu.takes(inputs(420_000))


def test_pins_are_those_of_the_extra_and_of_the_test_environment():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {f"{name}=={version}" for name, version in packages.PINS.items()}
    assert set(project["optional-dependencies"]["gpu"]) == wanted
    assert wanted <= set((ROOT / "workflow/envs/gpu-kernels.txt").read_text(encoding="utf-8").splitlines())
    locks = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
    lock = {line for path in locks for line in path.read_text(encoding="utf-8").splitlines()}
    pins = (ROOT / "workflow/envs/gpu-kernels.txt").read_text(encoding="utf-8").splitlines()
    beyond = [line for line in pins if not line.startswith("#") and line not in lock]
    assert {line.partition("==")[0] for line in beyond} == {"mamba-ssm", "causal-conv1d", "triton"}
