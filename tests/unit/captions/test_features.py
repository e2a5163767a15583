import os
import subprocess
import sys
import time

import numpy as np
import pytest

from ssmttm.captions import features
from ssmttm.errors import UserError

RATE = 24000


@pytest.fixture(params=["essentia", "librosa"])
def analyze(request):
    """By one of the libraries that listen."""
    return lambda wave, rate: features.analyze(wave, rate, request.param)


def clicks(bpm, seconds=10.0):
    """Short bursts at a steady tempo."""
    wave = np.zeros(int(seconds * RATE), np.float32)
    burst = np.sin(2 * np.pi * 200 * np.arange(1200) / RATE) * np.exp(-np.arange(1200) / 200)
    for start in np.arange(0, seconds - 0.1, 60 / bpm):
        at = int(start * RATE)
        wave[at : at + 1200] += burst
    return wave


def chord(frequencies, seconds=10.0):
    time = np.arange(int(seconds * RATE)) / RATE
    return np.sum([0.1 * np.sin(2 * np.pi * f * time) for f in frequencies], axis=0).astype(np.float32)


@pytest.mark.parametrize("bpm", [90, 120, 140])
def test_a_steady_tempo_is_found_with_confidence(analyze, bpm):
    found = analyze(clicks(bpm), RATE)
    assert found.tempo_bpm == pytest.approx(bpm, rel=0.03)
    assert found.tempo_confidence == 1.0
    assert found.onset_rate_hz == pytest.approx(bpm / 60, rel=0.25)


def test_the_key_of_a_scale_is_found(analyze):
    c_major = [261.63, 293.66, 329.63, 349.23, 392.0, 440.0, 493.88]
    notes = [chord([f], 0.5) for f in [*c_major, 523.25, 392.0, 329.63, 261.63, 392.0, 261.63]]
    found = analyze(np.concatenate(notes), RATE)
    assert (found.key, found.scale) == ("C", "major")
    assert found.key_strength > 0.7


def test_clips_do_not_influence_each_other(analyze):
    first = analyze(clicks(100), RATE)
    analyze(clicks(150), RATE)
    assert analyze(clicks(100), RATE) == first


def test_brighter_audio_has_a_higher_centroid(analyze):
    assert analyze(chord([2000]), RATE).spectral_centroid_hz > 2 * analyze(chord([300]), RATE).spectral_centroid_hz


@pytest.mark.parametrize("seconds", [0.2, 1.0, 6.0])
def test_silence_and_short_clips_have_finite_features(analyze, seconds):
    for wave in (np.zeros(int(seconds * RATE), np.float32), clicks(120, seconds)):
        found = analyze(wave, RATE)
        numbers = [v for v in vars(found).values() if isinstance(v, float)]
        assert np.isfinite(numbers).all()


def test_unusable_audio_is_refused(analyze):
    with pytest.raises(ValueError, match="finite mono"):
        analyze(np.zeros(0, np.float32), RATE)


def test_the_log_stays_silent(analyze, capfd):
    analyze(clicks(100, 1.0), RATE)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_a_library_that_is_missing_is_named_with_the_other_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "ssmttm.captions.by_essentia", None)
    monkeypatch.delattr("ssmttm.captions.by_essentia", raising=False)
    with pytest.raises(UserError, match="pip install essentia, or set analyzer: librosa"):
        features.analyze(clicks(100), RATE)
    assert features.analyze(clicks(100), RATE, "librosa").tempo_bpm == pytest.approx(100, rel=0.03)


LISTENS = """
from ssmttm.captions.by_librosa import librosa
import numpy as np
print(librosa.onset.onset_detect(y=np.random.default_rng(0).normal(size=48000), sr=24000))
"""


def test_processes_that_use_librosa_first_at_once_leave_no_spoiled_code(tmp_path):
    command, environment = [sys.executable, "-c", LISTENS], os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    together = []
    for _ in range(2):
        together.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        time.sleep(0.5)
    assert [process.wait(120) for process in together] == [0, 0]
    assert subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False).returncode == 0
