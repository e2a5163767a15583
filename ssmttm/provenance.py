"""What made a product: a fingerprint of the code, and a manifest of everything else.

Imports no torch, so that the workflow can compute fingerprints while it is parsed.
"""

import ast
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ssmttm import plugins

PACKAGE = Path(__file__).resolve().parent

_PACKAGES = (
    "torch", "transformers", "diffusers", "numba", "numpy", "scipy", "pyarrow", "pandas", "snakemake", "essentia",
    "librosa", "faiss-cpu", "av", "soxr", "triton", "mamba-ssm", "causal-conv1d",
)  # fmt: skip


_MODEL = {"cpu family": "family", "model": "model", "stepping": "stepping"}
"""What /proc/cpuinfo calls the numbers of a processor's model."""

_PLUMBING = frozenset(
    f"ssmttm.{name}"
    for name in (
        "choices", "config", "contracts.checks", "errors", "evaluation.kept", "files", "given", "plugins",
        "pretrained.packaged", "progress",
        "provenance", "released", "rates", "rows", "run_table", "settings", "spec", "tables", "tensors",
        "training.events", "training.handing", "training.lock", "training.products", "training.trackers",
        "training.watching",
    )
)  # fmt: skip
"""Modules that decide no number. What a stage takes from the config and the columns it writes are
tracked by themselves, so that a new metric or a new table retrains nothing."""

_FOLDERS = {
    "mixer": "models.mixers",
    "backbone": "models.refiner.backbones",
    "objective": "models.refiner.objectives",
    "metric": "evaluation.metrics",
    "embedder": "evaluation.embedders",
    "codec": "codecs",
    "encoder": "text",
}
"""Where a module that a stage loads by name lies."""

_KINDS = {
    "mixer": "mixers",
    "metric": "metrics",
    "embedder": "embedders",
    "codec": "codecs",
    "encoder": "text_encoders",
}
"""Of these, what other packages may bring: a key of `ssmttm.plugins.KINDS`."""


_WRITERS = ("write_table", "table_writer")
"""Functions of `ssmttm.tables` whose second argument names the table that is written."""


class _Module(NamedTuple):
    """What a module's text says, without docstrings."""

    sha256: str  # of its syntax tree
    imports: frozenset[str]  # modules, and names in them; those that start with a dot are relative
    writes: frozenset[str]  # tables of `ssmttm.tables`


def _module_path(module: str, root: Path) -> Path | None:
    """The file of one of our modules, below `root`, or of another package's."""
    if module.split(".")[0] != "ssmttm":
        return plugins.file_of(module)
    base = root.joinpath(*module.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _parsed(path: Path, stamp: tuple[int, int]) -> _Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    writes: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            imports.add(start)
            imports.update(f"{start}.{a.name}" if node.module else f"{start}{a.name}" for a in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _WRITERS:
            writes.update(str(a.value) for a in node.args[1:2] if isinstance(a, ast.Constant))
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
            ]
    return _Module(hashlib.sha256(_dump(tree).encode()).hexdigest(), frozenset(imports), frozenset(writes))


def _dump(node: Any) -> str:
    """Text of a syntax tree that is the same on every Python version: unlike `ast.dump`, absent fields don't show."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return f"{type(node).__name__}({','.join(f'{name}={_dump(value)}' for name, value in fields)})"
    return f"[{','.join(map(_dump, node))}]" if isinstance(node, list) else repr(node)


def fingerprint(*modules: str, root: Path = PACKAGE) -> str:
    """Sixteen hex digits for the code of `modules` and every `ssmttm` module they import.

    Of a module of another package, what it imports of its own package counts, too. Comments, docstrings and layout
    don't count, nor do imported modules that decide no number. A table or weights beside a module, of its name, count.
    Modules that are chosen by name at run time (mixers, metrics) must be listed by the caller.
    """
    return _digest(f"{name} {module.sha256}" for name, module in _used(modules, root))


def _used(modules: Sequence[str], root: Path) -> list[tuple[str, _Module]]:
    """`modules` and what they import, by path."""
    seen: dict[str, _Module] = {}
    packages = {"ssmttm", *(name.split(".")[0] for name in modules)}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        ours, path = name.split(".")[0] == "ssmttm", _module_path(name, root)
        if path is None:
            if name in modules:
                raise ValueError(f"no module {name} under {root}" if ours else f"no Python file of module {name} here")
            continue  # a name imported from a module, not a module
        inside = str(path.relative_to(root)) if ours else name
        if inside in seen or (name in _PLUMBING and name not in modules):
            continue
        stat = path.stat()
        seen[inside] = _parsed(path, (stat.st_mtime_ns, stat.st_size))
        imported = (_absolute(found, name, path) for found in seen[inside].imports)
        waiting.extend(found for found in imported if found.split(".")[0] in packages)
        for data in map(path.with_suffix, (".tsv", ".yaml", ".safetensors")):
            if data.is_file():
                sha256 = hashlib.sha256(data.read_bytes()).hexdigest()
                beside = str(data.relative_to(root)) if ours else f"{name}{data.suffix}"
                seen[beside] = _Module(sha256, frozenset(), frozenset())
    return sorted(seen.items())


def _absolute(imported: str, module: str, path: Path) -> str:
    """The full name of what `module`, whose file is `path`, imports."""
    dots = len(imported) - len(imported.lstrip("."))
    if not dots:
        return imported
    above = module.split(".")
    above = above[: len(above) - dots + (path.name == "__init__.py")]
    return ".".join([*above, *filter(None, [imported[dots:]])])


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def code_of(stage: str, **parts_by_name: str | Sequence[str]) -> str:
    """Fingerprint of a stage's code, with what it loads by name at run time (`mixer`, `metric`, …), one or several.

    What is loaded may be ours or another package's. Counts the columns of the tables that the code writes by name, and
    the page template for `report`.
    """
    from ssmttm.tables import SCHEMAS

    chosen = [
        module_of(kind, name)
        for kind, names in parts_by_name.items()
        for name in ([names] if isinstance(names, str) else names)
    ]
    modules = [f"ssmttm.stages.{stage}", *chosen]
    parts = [fingerprint(*modules)]
    for table in sorted(set().union(*(module.writes for _, module in _used(modules, PACKAGE)))):
        parts += [f"{field.name} {field.type}" for field in SCHEMAS[table]]
    if stage == "report":
        parts += [path.read_text(encoding="utf-8") for path in sorted((PACKAGE / "report").rglob("*.j2"))]
    return _digest(parts)


def module_of(kind: str, name: str) -> str:
    """The module of what a stage loads by `name` at run time, ours or another package's; `kind` as `mixer`."""
    plugin = plugins.find(_KINDS[kind], name) if kind in _KINDS else None
    return plugin.module if plugin else f"ssmttm.{_FOLDERS[kind]}.{name}"


def git_commit(folder: Path = PACKAGE.parent) -> str | None:
    """The checked-out commit, with `+changes` if files differ from it; None outside a checkout."""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def packages() -> dict[str, str]:
    """Versions of the packages that decide numbers, those of the plug-ins that were loaded among them."""
    versions = plugins.used()
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, with the numbers of its model: in a virtual machine the name is often that of a family."""
    entries: dict[str, str] = {}
    with suppress(OSError):
        for line in cpuinfo.read_text(encoding="utf-8").split("\n\n")[0].splitlines():
            key, _, value = line.partition(":")
            entries[key.strip()] = value.strip()
    name = entries.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{word} {entries[key]}" for key, word in _MODEL.items() if entries.get(key)]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def machine() -> dict[str, object]:
    """What this process runs on."""
    return {
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def manifest(stage: str, spec: object, **more: object) -> dict[str, object]:
    """A record of what made a product: spec, code, packages, machine, and what the stage adds."""
    return {
        "stage": stage,
        "spec": spec,
        "commit": git_commit(),
        "packages": packages(),
        "machine": machine(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:2]],
        **more,
    }
