"""Against fadtk 1.1.0: its Fréchet distance of given arrays, without its model loader, which wants five packages."""

import importlib.util

import numpy as np
import pytest
from conftest import part_of

from ssmttm.evaluation.metrics.frechet import frechet_distance

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("fadtk") is None, reason="make reference-metrics installs and runs this"
)


@pytest.mark.parametrize(("n", "m", "dim"), [(500, 400, 16), (3000, 2000, 128)])
def test_the_frechet_distance_is_fadtks(monkeypatch, n, m, dim):
    fadtk = part_of(monkeypatch, "fadtk", "fad", ("model_loader", "fad_batch"))
    generator = np.random.default_rng(dim)
    mixing = generator.normal(size=(dim, dim)) / np.sqrt(dim)
    x = generator.normal(size=(n, dim)) @ mixing
    y = generator.normal(0.2, 1.1, size=(m, dim)) @ mixing + 0.1
    theirs = fadtk.calc_frechet_distance(*fadtk.calc_embd_statistics(x), *fadtk.calc_embd_statistics(y))
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-6)
