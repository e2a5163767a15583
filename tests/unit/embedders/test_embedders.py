import numpy as np
import pytest

from ssmttm.audio import resample
from ssmttm.errors import UserError
from ssmttm.metrics.embedders.base import embedders, load_embedder


@pytest.mark.parametrize("name", embedders())
def test_an_embedder_keeps_its_contract(name):
    embedder = load_embedder(name)
    wave = np.random.default_rng(0).normal(0, 0.1, 5 * 24000).astype(np.float32)
    windows = embedder.embed(wave, 24000)
    posteriors = embedder.posteriors(wave, 24000)
    both = embedder.analyze(wave, 24000)
    assert embedder.name == name
    assert embedder.identity.split(":")[1].isalnum()
    assert windows.shape == (len(posteriors), embedder.dim)
    assert posteriors.shape[1] == len(embedder.classes)
    np.testing.assert_array_equal(both.windows, windows)
    np.testing.assert_allclose(both.posterior, posteriors.mean(0), rtol=1e-6)
    np.testing.assert_array_equal(embedder.embed(wave, 24000), windows)


@pytest.mark.parametrize("name", embedders())
def test_audio_at_another_rate_is_resampled(name):
    embedder = load_embedder(name)
    time = np.arange(4 * 24000) / 24000
    wave = (0.3 * np.sin(2 * np.pi * 440 * time * (1 + 0.1 * time))).astype(np.float32)
    native = embedder.embed(resample(wave, 24000, embedder.sample_rate), embedder.sample_rate)
    np.testing.assert_allclose(embedder.embed(wave, 24000), native, atol=1e-5)


def test_an_unknown_embedder_is_refused_by_name():
    with pytest.raises(UserError, match="no embedder 'vggish'; there are musicnn"):
        load_embedder("vggish")
