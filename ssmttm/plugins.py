"""Plug-ins: one module per mixer, metric, embedder, codec, text encoder or source; its name is its key.

Ours are the files of a package. Another installed package brings its own by entry points, in the groups of `KINDS`
(`ssmttm.mixers` and so on), each of which names a module. They are looked up only where a name isn't ours, or where
all names are listed; nothing of such a package is imported before it is loaded.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Collection
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NamedTuple

from ssmttm.errors import UserError


class Kind(NamedTuple):
    """What other packages may bring."""

    word: str
    """What messages call one."""
    package: str
    """Where ours are."""
    needs: tuple[str, ...]
    """What its module has."""


KINDS = {
    "mixers": Kind("mixer", "ssmttm.models.mixers", ("Mixer",)),
    "metrics": Kind("metric", "ssmttm.evaluation.metrics", ("BETTER", "DEFINITION", "INTERVAL", "evaluate")),
    "embedders": Kind("embedder", "ssmttm.evaluation.embedders", ("SETTINGS", "load")),
    "codecs": Kind("codec", "ssmttm.codecs", ("fit", "hop", "latent_widths", "load")),
    "sources": Kind("source", "ssmttm.sources", ("list_tracks", "fetch")),
    "text_encoders": Kind("encoder", "ssmttm.text", ("load", "width")),
}
"""By the name of its entry points' group without `ssmttm.`."""

NOT_OURS = {
    "ssmttm.codecs": ("base",),
    "ssmttm.sources": ("collect", "contract", "exclusions", "limits", "texts"),
    "ssmttm.text": ("base",),
}
"""Modules in a folder of plug-ins that are none."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OF = {kind.package: name for name, kind in KINDS.items()}


class Plugin(NamedTuple):
    """A plug-in of another package."""

    kind: str
    """A key of `KINDS`."""
    name: str
    module: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """The package that brings it."""
        return f"{self.distribution} {self.version}"

    def __str__(self) -> str:
        return f"{KINDS[self.kind].word} {self.name!r} of {self.origin}"


_used: set[Plugin] = set()


def names(package: str) -> list[str]:
    """Names of our own plug-ins in `package`: its modules but for those of `NOT_OURS` and those that start with `_`."""
    modules = {module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)}
    return sorted(name for name in modules - {*NOT_OURS.get(package, ())} if not name.startswith("_"))


def installed(kind: str) -> list[Plugin]:
    """What other packages bring of `kind`, by name, also what can't be used: names of ours, and names brought twice."""
    return list(_installed(kind, tuple(sys.path)))


@cache
def _installed(kind: str, path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """The same; `path` is where packages are looked for, of which each is listed once."""
    found = importlib.metadata.entry_points(group=f"ssmttm.{kind}")
    rows = ((entry, entry.dist) for entry in found)
    return tuple(sorted(Plugin(kind, e.name, e.value, d.name, d.version) for e, d in rows if d is not None))


def find(kind: str, name: str) -> Plugin | None:
    """The plug-in `name` of another package; None if it is one of ours, or there is none.

    Raises UserError where two packages bring one of that name.
    """
    word, package, _ = KINDS[kind]
    if not usable(name) or name in names(package):
        return None
    found = [plugin for plugin in installed(kind) if plugin.name == name]
    if len(found) > 1:
        origins = " and ".join(plugin.origin for plugin in found)
        raise UserError(f"two installed packages bring a {word} {name!r}: {origins}; uninstall one of them")
    return found[0] if found else None


def known(kind: str) -> list[str]:
    """Every name of `kind` that can be asked for: ours, then those of other packages."""
    ours = names(KINDS[kind].package)
    others = {plugin.name for plugin in installed(kind) if usable(plugin.name)}
    return [*ours, *sorted(others.difference(ours))]


def usable(name: str) -> bool:
    """Whether a plug-in may have this name, which stands in paths."""
    return bool(_NAME.fullmatch(name))


def exists(kind: str, name: str) -> bool:
    """Whether there is a plug-in of that name, ours or another package's; UserError as `find`."""
    return name in names(KINDS[kind].package) or find(kind, name) is not None


def load(package: str, name: str, word: str, where: str) -> ModuleType:
    """The plug-in `name` of `package`, a `word` such as "codec", or that of another package.

    Raises UserError that says `where` it was asked for and which there are, if there is none of that name; and for
    another package's that can't be imported, or lacks what its kind has.
    """
    if name in names(package):
        return importlib.import_module(f"{package}.{name}")
    kind = _OF.get(package)
    plugin = find(kind, name) if kind else None
    if plugin is None:
        listed = ", ".join(known(kind) if kind else names(package))
        raise UserError(f"{where}: no {word} {name!r}; there are {listed}")
    return _imported(plugin)


def _imported(plugin: Plugin) -> ModuleType:
    if not all(part.isidentifier() for part in plugin.module.split(".")):
        raise UserError(f"the {plugin}: its entry point is {plugin.module!r}; it should name a module, as a.b")
    try:
        module = importlib.import_module(plugin.module)
    except Exception as error:  # whatever another package's code does
        raise UserError(
            f"the {plugin} can't be imported: {plugin.module}: {type(error).__name__}: {error}; {remedy(plugin)}"
        ) from error
    if lacking := [name for name in KINDS[plugin.kind].needs if not hasattr(module, name)]:
        raise UserError(f"the {plugin}: {plugin.module} has no `{lacking[0]}`; {remedy(plugin)}")
    _used.add(plugin)
    return module


def remedy(plugin: Plugin) -> str:
    """What to do where a plug-in isn't what it should be."""
    return f"what is wrong with it: ssmttm plugin test {plugin.name}"


def blamed(error: BaseException) -> Plugin | None:
    """The loaded plug-in in whose package an exception was raised, or through whose code it came last; None if none."""
    places = [(plugin, Path(file)) for plugin in sorted(_used) if (file := _origin(plugin.module))]
    trace: TracebackType | None = error.__traceback__
    found: Plugin | None = None
    while trace is not None:
        code = Path(trace.tb_frame.f_code.co_filename)
        own = [plugin for plugin, file in places if code == file]
        beside = [plugin for plugin, file in places if "." in plugin.module and code.is_relative_to(file.parent)]
        found = next(iter([*own, *beside]), found)
        trace = trace.tb_next
    return found


def used() -> dict[str, str]:
    """The other packages whose plug-ins this process has loaded, with their versions."""
    return {plugin.distribution: plugin.version for plugin in sorted(_used)}


def file_of(module: str) -> Path | None:
    """The Python file of a module, which is not imported for it; None if there is none."""
    origin = _origin(module)
    return Path(origin) if origin and origin.endswith(".py") else None


def _origin(module: str) -> str | None:
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    name = top
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec.origin if spec is not None else None


def stated(plugin: Plugin, constant: str, default: Any, allowed: Collection[Any] | None = None) -> Any:
    """What the plug-in's module says of itself as `constant`, a literal at its top, or `default`; nothing is imported.

    Raises UserError for what is no literal, and for values that aren't among the `allowed` ones.
    """
    path = file_of(plugin.module)
    if path is None:
        raise UserError(f"the {plugin}: {plugin.module} is no Python file here; is the package installed whole?")
    value = default
    for name, node in _constants(path, path.stat().st_mtime_ns):
        if name == constant:
            try:
                value = ast.literal_eval(node)
            except ValueError:
                raise UserError(f"the {plugin}: {path}: {constant} must be a literal, for it is read alone") from None
    given = [value] if value is None or isinstance(value, str) else value
    if allowed is not None and not (isinstance(given, Collection) and set(given) <= set(allowed)):
        raise UserError(f"the {plugin}: {path}: {constant} is {value!r}; it may have {', '.join(map(str, allowed))}")
    return value


@cache
def _constants(path: Path, stamp: int) -> tuple[tuple[str, ast.expr], ...]:
    """Names and values of the assignments at the top of a file."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            found += [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found.append((node.target.id, node.value))
    return tuple(found)
