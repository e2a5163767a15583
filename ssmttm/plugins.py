"""Plug-ins: one module per mixer, metric, embedder, codec, text encoder or source; its file's name is its key."""

import importlib
import pkgutil
from collections.abc import Collection
from types import ModuleType

from ssmttm.errors import UserError


def names(package: str, shared: Collection[str] = ()) -> list[str]:
    """Names of the plug-ins in `package`: its modules but for `shared` and those whose name starts with `_`."""
    modules = {module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)}
    return sorted(name for name in modules - set(shared) if not name.startswith("_"))


def load(package: str, name: str, kind: str, where: str, shared: Collection[str] = ()) -> ModuleType:
    """The plug-in `name` of `package`, a `kind` such as "codec".

    Raises UserError that says `where` it was asked for and which there are, if there is none of that name.
    """
    known = names(package, shared)
    if name not in known:
        raise UserError(f"{where}: no {kind} {name!r}; there are {', '.join(known)}")
    return importlib.import_module(f"{package}.{name}")
