"""mamba-ssm without its compiled extensions: importing the package itself would import those, which take a GPU."""

import importlib.machinery
import sys
import types


def bare_mamba_ssm() -> None:
    """Put a package `mamba_ssm` into sys.modules that has its modules and version, and imports nothing itself."""
    spec = importlib.machinery.PathFinder.find_spec("mamba_ssm")
    assert spec is not None and spec.submodule_search_locations is not None
    module = types.ModuleType("mamba_ssm")
    module.__path__, module.__spec__ = list(spec.submodule_search_locations), spec
    sys.modules["mamba_ssm"] = module
