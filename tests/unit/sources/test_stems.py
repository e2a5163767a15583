from pathlib import Path

import numpy as np
import pytest
import soundfile
from debs import tone

from ssmttm.audio.streams import TooLong, Undecodable
from ssmttm.sources.debian.stems import is_stem, mix


def stem(path: Path, wave: np.ndarray, rate: int = 8000) -> Path:
    soundfile.write(path, wave, rate, format="FLAC", subtype="PCM_24")
    return path


def test_stems_add_up_in_sync_and_shorter_ones_end_in_silence(tmp_path: Path) -> None:
    waves = [tone(2.0), tone(9.1, frequency=330.0), 0.3 * tone(20.0, frequency=70.0)]
    stems = [stem(tmp_path / f"{i}.flac", wave) for i, wave in enumerate(waves)]
    mix(stems, tmp_path / "mix.flac", 30.0)
    found, rate = soundfile.read(tmp_path / "mix.flac", dtype="float32")
    expected = np.zeros(20 * 8000, np.float32)
    for wave in waves:
        expected[: len(wave)] += wave
    assert rate == 8000
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < 1e-4


def test_a_mix_that_is_too_loud_is_turned_down_as_a_whole(tmp_path: Path) -> None:
    stems = [stem(tmp_path / f"{i}.flac", 3.0 * tone(3.0)) for i in range(2)]  # peaks of 0.75 each
    mix(stems, tmp_path / "mix.flac", 30.0)
    found, _ = soundfile.read(tmp_path / "mix.flac", dtype="float32")
    assert np.abs(found).max() == pytest.approx(0.99, abs=1e-3)
    assert np.corrcoef(found, tone(3.0))[0, 1] > 0.9999


def test_stereo_and_slower_stems_meet_at_the_highest_rate(tmp_path: Path) -> None:
    low = stem(tmp_path / "low.flac", tone(2.0, 8000))
    high = stem(tmp_path / "high.flac", np.stack([tone(2.0, 16000, 330.0)] * 2, axis=1), 16000)
    mix([low, high], tmp_path / "mix.flac", 30.0)
    found, rate = soundfile.read(tmp_path / "mix.flac", dtype="float32")
    expected = tone(2.0, 16000) + tone(2.0, 16000, 330.0)
    assert (rate, len(found)) == (16000, 32000)
    assert np.abs(found - expected)[500:-500].max() < 2e-3


def test_the_same_stems_give_the_same_bytes(tmp_path: Path) -> None:
    stems = [stem(tmp_path / f"{i}.flac", tone(2.0, frequency=200.0 + i)) for i in range(2)]
    for name in ("a", "b"):
        mix(stems, tmp_path / name, 30.0)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_bad_or_endless_stem_leaves_no_mix(tmp_path: Path) -> None:
    good, bad = stem(tmp_path / "good.flac", tone(5.0)), tmp_path / "bad.flac"
    bad.write_bytes(b"no audio")
    with pytest.raises(Undecodable):
        mix([good, bad], tmp_path / "mix.flac", 30.0)
    with pytest.raises(TooLong):
        mix([good, good], tmp_path / "mix.flac", 4.0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.flac", "good.flac"]


def test_names_of_stems() -> None:
    assert all(map(is_stem, ["a/guitar.ogg", "song.OGG", "drums_1.opus", "Rhythm.ogg", "vocals_2.ogg", "keys.mp3"]))
    assert not any(map(is_stem, ["preview.ogg", "crowd.ogg", "songs.ogg", "my song.ogg", "guitar hero.ogg"]))
