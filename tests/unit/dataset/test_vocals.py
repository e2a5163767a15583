import subprocess
import sys

import numpy as np
import pytest

from ssmttm.dataset.vocals import make_filter, voice_probability
from ssmttm.errors import UserError
from ssmttm.pretrained.musicnn import NO_VOICES, TAGS, VOICES, Analysis

RATE = 24000
SETTINGS = {"mode": "keep", "threshold": 0.3, "model": None}


def noise(seconds=4.0):
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def hears(monkeypatch, *windows):
    """musicnn answers with these {tag: probability}, one per window."""
    posterior = np.zeros((len(windows), len(TAGS)), np.float32)
    for row, tags in zip(posterior, windows):
        for tag, probability in tags.items():
            row[TAGS.index(tag)] = probability

    class Stub:
        def analyze(self, wave, hop):
            return Analysis(np.zeros((len(windows), 200), np.float32), posterior)

    monkeypatch.setattr("ssmttm.pretrained.musicnn.load_musicnn", Stub)


def test_keep_gives_back_the_very_clip():
    wave = noise()
    kept, probability = make_filter(SETTINGS, RATE)(wave)
    assert kept is wave
    assert probability is None


def test_keep_loads_no_network():
    code = (
        "import sys; from ssmttm.dataset.vocals import make_filter; import numpy as np;"
        f"make_filter({SETTINGS!r}, 24000)(np.zeros(9));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("probability", [0.29, 0.31])
def test_a_clip_is_dropped_from_the_threshold_on(monkeypatch, probability):
    hears(monkeypatch, {"male vocal": probability})
    kept, heard = make_filter(SETTINGS | {"mode": "drop"}, RATE)(noise())
    assert heard == pytest.approx(probability)
    assert (kept is None) == (probability >= 0.3)


def test_each_word_for_voices_counts_and_no_other(monkeypatch):
    for tag in TAGS:
        hears(monkeypatch, {tag: 0.5})
        assert voice_probability(noise(), RATE) == pytest.approx(0.5 if tag in VOICES else 0.0), tag


def test_words_that_share_a_voice_add_up(monkeypatch):
    hears(monkeypatch, {"vocal": 0.1, "singing": 0.1, "female": 0.2})
    assert voice_probability(noise(), RATE) == pytest.approx(1 - 0.9 * 0.9 * 0.8)


def test_a_voice_in_half_of_the_clip_counts_half(monkeypatch):
    hears(monkeypatch, {"vocal": 0.8}, {})
    assert voice_probability(noise(), RATE) == pytest.approx(0.4)


def test_noise_has_no_voice_for_the_real_tagger():
    kept, probability = make_filter(SETTINGS | {"mode": "drop"}, RATE)(noise())
    assert 0 < probability < 0.3
    assert kept is not None


def test_the_level_of_a_clip_decides_nothing():
    loud, quiet = (voice_probability(level * noise(3.0), RATE) for level in (1.0, 0.003))
    assert loud == pytest.approx(quiet, rel=1e-3)
    assert voice_probability(np.zeros(3 * RATE, np.float32), RATE) == 0


def test_voices_and_their_absence_are_tags_of_the_tagger():
    assert set(VOICES) | set(NO_VOICES) == {
        t for t in TAGS if any(w in t for w in ("vocal", "voice", "male", "man", "sing", "choir", "choral", "opera"))
    }


def test_separation_takes_out_what_the_model_hears(monkeypatch):
    class Stub:
        def without_vocals(self, wave, sample_rate):
            assert sample_rate == RATE
            return wave * np.float32(0.5)

    asked = []

    def load_separator(model, device):
        asked.append((model, device))
        return Stub()

    monkeypatch.setattr("ssmttm.pretrained.demucs.load_separator", load_separator)
    separate = make_filter(SETTINGS | {"mode": "separate", "model": "folder"}, RATE, "cpu")
    for _ in range(2):
        kept, probability = separate(noise())
        np.testing.assert_array_equal(kept, noise() * np.float32(0.5))
        assert probability is None
    assert asked == [("folder", "cpu")], "the model is loaded once"


def test_separation_without_a_model_says_how_to_get_one():
    with pytest.raises(UserError, match=r"data\.vocals\.model: .*hf download"):
        make_filter(SETTINGS | {"mode": "separate"}, RATE)


def test_an_unknown_mode_names_the_known_ones():
    with pytest.raises(UserError, match="keep, drop, separate"):
        make_filter(SETTINGS | {"mode": "mute"}, RATE)
