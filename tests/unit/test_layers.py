"""Which room of the package may use which. Reads every import, also those inside functions."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ssmttm

PACKAGE = Path(ssmttm.__file__).parent

SMALL = (
    "errors",
    "wording",
    "numbers",
    "files",
    "tensors",
    "tabular",
    "seeds",
    "progress",
    "device",
    "threads",
    "plugins",
)
"""Files that every room may use; among themselves they use `errors`, `files` and `threads` alone."""

MAY_USE = {
    "rows": (),
    "frame_noise": (),
    "study_rows": (),
    "tables": ("rows", "study_rows"),
    "settings": (),
    "choices": ("settings",),
    "config": ("choices", "settings"),
    "spec": ("config", "settings"),
    "questions": (),
    "rates": ("config", "settings", "spec"),
    "tuning": ("rates", "settings"),
    "run_table": ("choices", "config", "questions", "rates", "settings", "spec"),
    "released": ("settings", "spec"),
    "given": ("config", "released", "run_table", "settings", "spec", "tuning"),
    "remote": ("released", "settings"),
    "starting": ("config",),
    "planning": ("choices", "config", "settings"),
    "cluster": (),
    "provenance": ("tables",),
    "statistics": (),
    "audio": (),
    "licenses": (),
    "fetch": (),
    "sources": ("audio", "fetch", "licenses", "rows", "settings"),
    "pretrained": ("audio",),
    "dataset": ("audio", "licenses", "pretrained", "rows", "settings", "tables"),
    "captions": ("audio", "fetch", "pretrained", "rows", "settings"),
    "vocoder": ("audio", "frame_noise", "pretrained"),
    "codecs": ("audio", "pretrained", "settings", "spec", "vocoder"),
    "text": ("pretrained", "settings", "spec"),
    "models": ("settings",),
    "training": (
        "audio", "codecs", "given", "models", "provenance", "released", "rows", "settings", "spec", "tables", "vocoder",
    ),
    "generation": (
        "audio", "choices", "codecs", "frame_noise", "given", "models", "released", "settings", "text", "vocoder",
    ),
    "accounting": ("codecs", "config", "models", "settings", "spec", "text", "training"),
    "evaluation": (
        "accounting", "audio", "choices", "codecs", "dataset", "fetch", "generation", "models", "pretrained",
        "provenance", "released", "rows", "settings", "sources", "spec", "statistics", "tables", "text", "training",
    ),
    "study": ("choices", "questions", "settings", "statistics", "study_rows", "tables"),
    "report": (
        "accounting", "audio", "choices", "dataset", "licenses", "rows", "study", "study_rows", "tables",
    ),
    "forecast": (
        "accounting", "choices", "codecs", "models", "run_table", "settings", "spec", "tables", "text", "training",
    ),
    "listening": ("audio", "dataset", "statistics", "tables"),
    "contracts": (
        "audio", "choices", "codecs", "evaluation", "fetch", "licenses", "models", "pretrained", "settings", "sources",
        "tables", "text",
    ),
    "publishing": ("dataset", "generation", "models", "study"),
    "records": (
        "config", "evaluation", "given", "models", "released", "run_table", "settings", "spec", "statistics", "tables",
        "text", "training",
    ),
    "stages": (
        "accounting", "audio", "captions", "choices", "codecs", "config", "contracts", "dataset", "evaluation",
        "forecast", "generation", "given", "licenses", "listening", "models", "pretrained", "provenance", "publishing",
        "records", "released", "report", "rows", "run_table", "settings", "sources", "spec", "starting", "statistics",
        "study", "tables", "text", "training", "tuning", "vocoder",
    ),
    "cli": ("cluster", "config", "given", "listening", "spec", "stages"),
    "__main__": ("cli",),
}  # fmt: skip
"""From the ground up: each room, and the ones below it that it may use."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


MODULES = modules()


def room(module: str) -> str:
    return module.split(".")[1]


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of the package that `module` imports, at its top or anywhere inside."""

    def named() -> Iterator[str]:
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: write imports in full"
                assert node.module is not None
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield whole if whole in MODULES else node.module

    return frozenset(name for name in named() if name in MODULES and name not in ("ssmttm", module))


INSIDE = [module for module in MODULES if module != "ssmttm"]


def test_every_room_has_its_place():
    assert {room(module) for module in INSIDE} == {*SMALL, *MAY_USE}


def test_rooms_stand_above_what_they_may_use():
    floors = list(MAY_USE)
    for name, below in MAY_USE.items():
        assert all(floors.index(other) < floors.index(name) for other in below), name


@pytest.mark.parametrize("module", INSIDE)
def test_a_module_uses_only_rooms_below_its_own(module):
    allowed = {"errors", "files", "threads"} if room(module) in SMALL else {*SMALL, *MAY_USE[room(module)]}
    used = {room(other) for other in imports(module)} - {room(module)}
    assert used <= allowed, f"{module} may not use {', '.join(sorted(used - allowed))}"


def test_no_room_may_use_one_that_it_never_does():
    used: dict[str, set[str]] = {}
    for module in INSIDE:
        used.setdefault(room(module), set()).update(room(other) for other in imports(module))
    idle = {name: sorted(set(below) - used[name]) for name, below in MAY_USE.items() if set(below) - used[name]}
    assert not idle


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter({module: imports(module) for module in INSIDE}).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


STAGE_LINES = 95


@pytest.mark.parametrize("path", sorted((PACKAGE / "stages").glob("*.py")), ids=lambda path: path.stem)
def test_a_stage_is_thin(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= STAGE_LINES, "move the library in it to its room"
