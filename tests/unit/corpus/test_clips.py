import numpy as np
import pytest
from debs import tone

from ssmttm.corpus.clips import PEAK_CEILING, clip_starts, cut, loudness, normalize

SETTINGS = {
    "seconds": 2.0,
    "sample_rate": 8000,
    "loudness_lufs": -18.0,
    "silence_lufs": -50.0,
    "max_track_seconds": 60.0,
}


def test_clips_are_exact_disjoint_and_in_order() -> None:
    clips = list(cut(tone(7.3), SETTINGS))
    assert [c.start_s for c in clips] == [0.0, 2.0, 4.0]
    assert all(c.wave.shape == (16000,) and c.wave.dtype == np.float32 for c in clips)


@pytest.mark.parametrize("gain", [0.05, 0.3, 1.0, 3.9])
def test_every_clip_is_brought_to_the_target(gain: float) -> None:
    (clip,) = cut(gain * tone(2.0), SETTINGS)
    assert loudness(clip.wave, 8000) == pytest.approx(-18.0, abs=0.05)
    assert clip.loudness_lufs == pytest.approx(loudness(gain * tone(2.0), 8000))
    assert clip.peak == pytest.approx(np.abs(clip.wave).max())


def test_peaks_reduce_the_gain_instead_of_being_clipped() -> None:
    wave = 0.02 * tone(2.0)
    wave[::1000] = 0.9  # a few spikes over quiet sound
    (clip,) = cut(wave, SETTINGS)
    assert clip.peak == pytest.approx(PEAK_CEILING, abs=1e-6)
    np.testing.assert_allclose(clip.wave / clip.wave[0], wave / wave[0], atol=1e-5)  # scaled, not bent
    assert loudness(clip.wave, 8000) < -18.0


def test_no_sample_exceeds_the_ceiling_whatever_the_input() -> None:
    generator = np.random.default_rng(1)
    for _ in range(30):
        wave = (generator.standard_normal(8000) * 10 ** generator.uniform(-3, 1)).astype(np.float32)
        levelled = normalize(wave, loudness(wave, 8000), generator.uniform(-30, 0))
        assert np.abs(levelled).max() <= PEAK_CEILING


@pytest.mark.parametrize("wave", [np.zeros(16000, np.float32), 1e-4 * tone(2.0)])
def test_silence_has_no_wave(wave: np.ndarray) -> None:
    (clip,) = cut(wave, SETTINGS)
    assert clip.wave is None
    assert clip.loudness_lufs < -50


def test_a_cap_chooses_evenly_and_always_the_same() -> None:
    assert clip_starts(1000, 10, 4) == [120, 370, 620, 870]
    assert clip_starts(35, 10, 4) == [0, 10, 20]
    assert clip_starts(9, 10, None) == []
    for count in range(1, 60):
        for cap in range(1, 60):
            starts = clip_starts(count * 10 + 3, 10, cap)
            assert len(set(starts)) == len(starts) == min(cap, count)
            assert starts == sorted(starts) and starts[-1] + 10 <= count * 10
