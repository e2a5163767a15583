import numpy as np
import pytest
from tiny_embedders import vggish

from ssmttm.audio.coded import encode_audio
from ssmttm.contracts.holding import music
from ssmttm.errors import UserError
from ssmttm.evaluation import embedding_cache
from ssmttm.evaluation.embedder import load_embedder


class Counted:
    """An embedder that counts the clips it is given, and may break off."""

    def __init__(self, embedder, fail_after=10**9):
        self._embedder, self.clips, self.fail_after = embedder, 0, fail_after

    def __getattr__(self, name):
        return getattr(self._embedder, name)

    def analyze_many(self, clips):
        if self.clips >= self.fail_after:
            raise KeyboardInterrupt
        self.clips += len(clips)
        return self._embedder.analyze_many(clips)


@pytest.fixture(scope="module")
def files():
    return [encode_audio(music(1.0 + seed / 4, 16000, seed), 16000) for seed in range(6)]


@pytest.fixture
def embedder(models):
    return Counted(load_embedder("vggish", models))


def same(a, b):
    """To rounding: a batch of other clips may sum in another order."""
    return all(np.allclose(x.windows, y.windows, atol=1e-5) for x, y in zip(a, b, strict=True))


def test_a_clip_is_embedded_once(embedder, files, tmp_path):
    first = embedding_cache.Cached(embedder, tmp_path).analyze_many(files + files[:2])
    assert embedder.clips == len(files)
    again = embedding_cache.Cached(embedder, tmp_path).analyze_many(files[::-1])
    assert embedder.clips == len(files)
    assert same(first[: len(files)], again[::-1]) and same(first[-2:], first[:2])
    fresh = [embedder.analyze(*embedding_cache.decode(data, "x")) for data in files]
    for a, b in zip(first, fresh):
        np.testing.assert_allclose(a.windows, b.windows, atol=1e-5)


def test_work_that_broke_off_goes_on_where_it_stopped(models, files, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding_cache, "_TOGETHER", 2)
    broken = Counted(load_embedder("vggish", models), fail_after=4)
    with pytest.raises(KeyboardInterrupt):
        embedding_cache.Cached(broken, tmp_path).analyze_many(files)
    rest = Counted(load_embedder("vggish", models))
    embedding_cache.Cached(rest, tmp_path).analyze_many(files)
    assert (broken.clips, rest.clips) == (4, 2)


@pytest.mark.parametrize("damage", [lambda b: b[:-7], lambda b: b"", lambda b: b"\xff" * 64])
def test_a_damaged_entry_is_written_anew(embedder, files, tmp_path, damage):
    first = embedding_cache.Cached(embedder, tmp_path).analyze_many(files)
    entries = sorted(tmp_path.rglob("*.safetensors"))
    entries[0].write_bytes(damage(entries[0].read_bytes()))
    assert same(first, embedding_cache.Cached(embedder, tmp_path).analyze_many(files))
    assert embedder.clips == len(files) + 1


def test_other_weights_have_entries_of_their_own(embedder, files, tmp_path):
    weights = vggish(tmp_path, seed=9)
    other = Counted(load_embedder("vggish", {"vggish": weights}))
    first = embedding_cache.Cached(embedder, tmp_path / "cache").analyze_many(files)
    second = embedding_cache.Cached(other, tmp_path / "cache").analyze_many(files)
    assert other.clips == len(files) and not same(first, second)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_bad_clip_is_named(embedder, files, tmp_path):
    store = embedding_cache.Cached(embedder, tmp_path)
    with pytest.raises(UserError, match="clip 2 of 2: not readable as audio"):
        store.analyze_many([files[0], b"RIFF no audio"])
    short = encode_audio(music(0.3, 16000), 16000)
    with pytest.raises(UserError, match=r"b: vggish needs at least 0.975 s of audio, got 0.300 s"):
        store.analyze_many([files[0], short], ["a", "b"])
