"""pyproject.toml, requirements.lock and environment.yml describe one environment."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ssmttm.choices import ELSEWHERE, PACKAGES
from ssmttm.pretrained import minilm, musicnn

ROOT = Path(__file__).resolve().parents[2]
LINES, DEV_LINES = (
    (ROOT / name).read_text(encoding="utf-8").splitlines() for name in ("requirements.lock", "requirements-dev.lock")
)
LOCK = {canonicalize_name(Requirement(line).name): Requirement(line) for line in LINES + DEV_LINES}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
_OWN = [requirement for extra in ("slurm", "tensorboard", "listen") for requirement in EXTRAS[extra]]
USED = [Requirement(r) for r in [*PROJECT["dependencies"], *_OWN]]
"""What the checkout's own environment runs with."""
ROOTS = [*USED, *map(Requirement, EXTRAS["dev"])]
IN_PART = {"demucs", "mlcroissant"}
"""Packages of which only a part is used: not all of their own dependencies are wanted, and the others are declared."""


def closure(roots: list[Requirement]) -> set[str]:
    """Everything that these requirements need on this Python, by what is installed."""
    seen: dict[str, set[str]] = {}

    def visit(requirement: Requirement) -> None:
        name = canonicalize_name(requirement.name)
        extras = {"", *requirement.extras}
        if name in seen and extras <= seen[name]:
            return
        seen.setdefault(name, set()).update(extras)
        if name not in IN_PART:
            for text in importlib.metadata.requires(name) or []:
                needed = Requirement(text)
                if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                    visit(needed)

    for requirement in roots:
        visit(requirement)
    return set(seen)


def test_the_lock_pins_exact_versions_torch_first_and_no_addresses():
    assert LINES[0].startswith("torch==")
    for line in LINES + DEV_LINES:
        assert re.fullmatch(r'[A-Za-z0-9._-]+==[A-Za-z0-9.]+( ; python_version >= "[\d.]+")?', line), line


def test_the_locks_are_the_closure_of_the_dependencies_and_nothing_else():
    assert {name for name, r in LOCK.items() if r.marker is None or r.marker.evaluate()} == closure(ROOTS)
    assert {canonicalize_name(Requirement(line).name) for line in LINES} == closure(USED)


def test_what_is_installed_is_what_is_locked():
    for name, requirement in LOCK.items():
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(importlib.metadata.version(name)), name


def test_locked_versions_satisfy_the_dependencies():
    for requirement in ROOTS:
        (pin,) = LOCK[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(pin.version, prereleases=True), requirement


def test_conda_users_get_the_same_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == LINES


PINS = sorted((ROOT / "workflow" / "envs").glob("*.txt"))


def test_only_pinned_environments_are_made_beside_the_main_one():
    assert {path.stem for path in PINS} == {"gpu-kernels", "reference-metrics", *PACKAGES}
    assert [path.name for path in (ROOT / "workflow" / "envs").iterdir() if path.suffix != ".txt"] == []
    for package in ELSEWHERE.values():
        assert package in PACKAGES


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_other_environments_have_the_locked_versions_where_they_share_packages(path):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r'[A-Za-z0-9._-]+==[A-Za-z0-9.]+( ; python_version >= "[\d.]+")?', line), line
    pins = {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}
    assert len(pins) == len(lines)
    assert {
        name: str(pin) for name, pin in pins.items() if name in LOCK and pin.specifier != LOCK[name].specifier
    } == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_an_environment_of_a_package_has_it_and_all_that_its_shared_packages_need(package):
    pins = {
        canonicalize_name(Requirement(line).name)
        for line in (ROOT / "workflow" / "envs" / f"{package}.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    }
    assert {canonicalize_name(package), "torch", "setuptools", "safetensors"} <= pins
    for name in pins & set(LOCK):
        if LOCK[name].marker is None and name != "torch":
            needed = [Requirement(text) for text in importlib.metadata.requires(name) or []]
            missing = {
                canonicalize_name(r.name) for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})
            }
            assert missing <= pins, name


def test_packages_are_not_installed_for_their_weights_alone():
    for weights in (minilm.WEIGHTS, musicnn.WEIGHTS):
        requirement = Requirement(weights.requirement)
        assert re.fullmatch(r"==[\d.]+", str(requirement.specifier)), "another release has other weights"
        assert canonicalize_name(requirement.name) not in LOCK


def test_cuda_builds_of_torchvision_and_torchaudio_stay_out():
    assert not {"torchvision", "torchaudio", "tensorflow"} & set(LOCK)


MODULES = {
    "PIL": "pillow", "boolean": "boolean.py", "debian": "python-debian", "faiss": "faiss-cpu", "yaml": "pyyaml",
    "selective_scan_cuda": "mamba-ssm", "chromaprint": "pyacoustid",
}  # fmt: skip
"""Modules that are called otherwise than the package that brings them, written as there."""
ASKED_FOR = {"h5py": "named by the message of ssmttm/pretrained/openl3.py", "_typeshed": "only for the type checker"}
"""Modules that no extra brings."""
BY_OTHERS = {
    "einops": "demucs",
    "julius": "demucs",
    "snakemake-executor-plugin-slurm": "Snakemake",
    "tensorboard": "torch",
}
"""Packages that another one imports for us, and which."""


def imported() -> set[str]:
    """Packages whose modules the package, the workflow and setup.py import, by the names that pip knows them by."""
    found = set()
    for path in [*(ROOT / "ssmttm").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module).split(".")[0])
    others = found - sys.stdlib_module_names - {"ssmttm"} - ASKED_FOR.keys()
    return {canonicalize_name(MODULES.get(name, name)) for name in others}


def test_what_is_imported_is_declared_and_what_is_declared_is_used():
    declared = {canonicalize_name(Requirement(r).name) for r in PROJECT["dependencies"]}
    optional = {canonicalize_name(Requirement(r).name) for x, rs in EXTRAS.items() if x != "dev" for r in rs}
    assert imported() <= declared | optional
    assert declared <= imported() | BY_OTHERS.keys()


def test_every_dependency_has_a_floor():
    assert not [r for r in PROJECT["dependencies"] if ">=" not in r]


@pytest.mark.parametrize("name", ["Dockerfile", "ssmttm.def"])
def test_containers_install_the_lock_as_it_is(name):
    text = (ROOT / "containers" / name).read_text(encoding="utf-8")
    assert re.findall(r"python:(3\.\d+)-slim", text)[-1] == "3.11"
    assert "--no-deps -r" in text and "requirements.lock" in text
    assert "head -n 1" in text  # torch first, with what it needs
    assert "://" not in text.replace("docker://", "")
    assert "requirements-dev.lock" not in text
