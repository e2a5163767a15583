"""Against the published tools, in the environment that `make reference-metrics` sets up.

Torchvision and torchaudio have no build for a CPU in the package index, and the tools import them
for paths that no test here takes. So hollow modules stand for them.
"""

import importlib
import importlib.machinery
import importlib.util
import logging
import sys
import types
from pathlib import Path

import pytest
from transformers import BartModel, BertModel, ClapModel, EncodecModel, RobertaModel
from transformers.utils import is_torchaudio_available, is_torchvision_available

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

HOLLOW = (
    "torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.ops", "torchvision.ops.misc",
    "torchaudio", "torchaudio.compliance", "torchaudio.transforms", "timm", "timm.models", "timm.models.hub",
    "timm.models._hub",
)  # fmt: skip


class Hollow(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


# transformers asks once what there is, and must not find the hollow ones.
assert BartModel and BertModel and ClapModel and EncodecModel and RobertaModel
is_torchaudio_available(), is_torchvision_available()
if importlib.util.find_spec("frechet_audio_distance"):
    for name in HOLLOW:
        module = Hollow(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        sys.modules[name] = module


def part_of(monkeypatch, package, part, hollow):
    """Module `part` of an installed `package` without its __init__; its modules `hollow` and hypy_utils are hollow."""
    tools = ("hypy_utils", "hypy_utils.tqdm_utils", "hypy_utils.logging_utils", "hypy_utils.nlp_utils")
    for name in (*tools, *(f"{package}.{name}" for name in hollow)):
        monkeypatch.setitem(sys.modules, name, Hollow(name))
    sys.modules["hypy_utils.logging_utils"].setup_logger = logging.getLogger
    outer = Hollow(package)
    outer.__path__ = list(importlib.util.find_spec(package).submodule_search_locations)
    monkeypatch.setitem(sys.modules, package, outer)
    monkeypatch.delitem(sys.modules, f"{package}.{part}", raising=False)
    return importlib.import_module(f"{package}.{part}")


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)
