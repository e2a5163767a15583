import numpy as np
import pytest
import soxr

from ssmttm.dataset.quality import bandwidth, measure, remove_offset

RATE = 24000


def sine(peak: float, frequency: float = 440.0, seconds: float = 4.0, rate: int = RATE) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float = 4.0, rate: int = RATE) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(round(seconds * rate))).astype(np.float32)


@pytest.mark.parametrize("offset", [0.0, 0.25, -0.4])
def test_the_offset_is_found_and_removed(offset: float) -> None:
    wave, found = remove_offset(sine(0.3) + np.float32(offset))
    assert found == pytest.approx(offset, abs=1e-6)
    assert abs(wave.mean()) < 1e-6
    assert measure(wave, RATE, found).dc_offset == found


def test_an_offset_of_a_long_loud_clip_is_exact() -> None:
    wave = np.full(RATE * 120, 0.1, np.float32)  # single precision sums would drift
    assert remove_offset(wave)[1] == pytest.approx(float(np.float32(0.1)), abs=1e-9)


def test_clipping_is_counted_at_full_scale_with_the_offset_put_back() -> None:
    wave = np.clip(sine(1.5), -1.0, 1.0)
    expected = np.mean(np.abs(wave) == 1.0)
    assert 0.3 < expected < 0.6
    assert measure(wave, RATE).clipped == pytest.approx(expected, abs=0.02)
    assert measure(sine(0.9), RATE).clipped == 0
    one_sided = np.clip(sine(1.5), -0.5, 1.0)
    centred, offset = remove_offset(one_sided)
    assert measure(centred, RATE, offset).clipped == pytest.approx(np.mean(one_sided == 1.0), abs=0.02)


@pytest.mark.parametrize("rate", [44100, 48000, 22050])
def test_clipping_before_resampling_is_still_seen(rate: int) -> None:
    wave = np.clip(sine(2.0, 200.0, 4.0, rate), -1.0, 1.0)
    found = measure(soxr.resample(wave, rate, RATE, quality="HQ"), RATE).clipped
    assert found == pytest.approx(np.mean(np.abs(wave) == 1.0), rel=0.25)


@pytest.mark.parametrize("cutoff", [1000.0, 4000.0, 8000.0, 11000.0])
def test_bandwidth_is_where_a_low_passed_noise_ends(cutoff: float) -> None:
    spectrum = np.fft.rfft(noise())
    spectrum[np.fft.rfftfreq(4 * RATE, 1 / RATE) > cutoff] = 0
    assert bandwidth(np.fft.irfft(spectrum).astype(np.float32), RATE) == pytest.approx(0.99 * cutoff, rel=0.03)


def test_bandwidth_of_a_tone_is_its_frequency_at_any_level() -> None:
    for peak in (1e-4, 0.5, 1e3):
        assert bandwidth(sine(peak, 3000.0), RATE) == pytest.approx(3000.0, abs=20.0)


def test_silence_is_the_share_of_quiet_frames() -> None:
    wave = sine(0.5)
    wave[: 3 * RATE] = 0
    assert measure(wave, RATE).silence == pytest.approx(0.75, abs=0.01)
    assert measure(sine(1.3e-3), RATE).silence == 1.0  # -60.7 dBFS root mean square
    assert measure(sine(1.5e-3), RATE).silence == 0.0  # -59.5


def test_crest_is_the_peak_over_the_root_mean_square() -> None:
    assert measure(sine(0.5), RATE).crest_db == pytest.approx(3.01, abs=0.01)
    assert measure(np.sign(sine(0.5)) * np.float32(0.5), RATE).crest_db == pytest.approx(0.0, abs=0.01)
    spike = np.zeros(10_000, np.float32)
    spike[5] = 1.0
    assert measure(spike, RATE).crest_db == pytest.approx(40.0, abs=0.5)


def test_digital_silence_has_figures_too() -> None:
    found = measure(np.zeros(RATE, np.float32), RATE)
    assert (found.clipped, found.dc_offset, found.bandwidth_hz, found.silence, found.crest_db) == (0, 0, 0, 1, 0)
