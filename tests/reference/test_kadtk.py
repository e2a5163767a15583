"""Against kadtk 1.1.0: its kernel distance of given arrays, without its model loader, which wants other packages."""

import importlib.util

import numpy as np
import pytest
import torch
from conftest import part_of
from kernel_rows import kernel_distance

from ssmttm.evaluation.metrics.kernel import AUDIO_SCALE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("kadtk") is None, reason="make reference-metrics installs and runs this"
)


@pytest.mark.parametrize(("n", "m", "dim"), [(80, 62, 6), (400, 301, 128)])
def test_the_kernel_distance_is_the_packages(monkeypatch, n, m, dim):
    kad = part_of(monkeypatch, "kadtk", "kad", ("emb_loader", "model_loader"))
    rng = np.random.default_rng(dim)
    x, y = rng.normal(size=(n, dim)), rng.normal(size=(m, dim)) + 0.2
    tensors = (torch.tensor(a) for a in (x, y))
    theirs = kad.calc_kernel_audio_distance(*tensors, (None, None), "cpu", precision=torch.float64).item()
    # They take the bandwidth in float32, and of an even number of distances the lower middle one.
    assert AUDIO_SCALE * kernel_distance(x, y) == pytest.approx(theirs, rel=1e-4)
