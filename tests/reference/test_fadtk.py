"""Against fadtk 1.1.0: its Fréchet distance of given arrays, without its model loader, which wants five packages."""

import importlib
import importlib.util
import logging
import sys

import numpy as np
import pytest
from conftest import Hollow

from ssmttm.metrics.frechet import frechet_distance

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("fadtk") is None, reason="make reference-metrics installs and runs this"
)


@pytest.fixture
def fadtk(monkeypatch):
    for name in ("hypy_utils", "hypy_utils.tqdm_utils", "hypy_utils.logging_utils", "hypy_utils.nlp_utils"):
        monkeypatch.setitem(sys.modules, name, Hollow(name))
    sys.modules["hypy_utils.logging_utils"].setup_logger = logging.getLogger
    for name in ("fadtk.model_loader", "fadtk.fad_batch"):
        monkeypatch.setitem(sys.modules, name, Hollow(name))
    package = Hollow("fadtk")  # in place of its __init__, which loads the models
    package.__path__ = list(importlib.util.find_spec("fadtk").submodule_search_locations)
    monkeypatch.setitem(sys.modules, "fadtk", package)
    return importlib.import_module("fadtk.fad")


@pytest.mark.parametrize(("n", "m", "dim"), [(500, 400, 16), (3000, 2000, 128)])
def test_the_frechet_distance_is_fadtks(fadtk, n, m, dim):
    generator = np.random.default_rng(dim)
    mixing = generator.normal(size=(dim, dim)) / np.sqrt(dim)
    x = generator.normal(size=(n, dim)) @ mixing
    y = generator.normal(0.2, 1.1, size=(m, dim)) @ mixing + 0.1
    theirs = fadtk.calc_frechet_distance(*fadtk.calc_embd_statistics(x), *fadtk.calc_embd_statistics(y))
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-6)
