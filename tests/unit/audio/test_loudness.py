import numpy as np
import pyloudnorm
import pytest

from ssmttm.audio.loudness import PEAK_CEILING, loudness, normalize


def sine(dbfs: float, seconds: float = 20.0, rate: int = 48000, frequency: float = 997.0) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


@pytest.mark.parametrize("dbfs", [-40.0, -33.0, -23.0, -6.0])
@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100, 48000, 96000])
def test_a_sine_of_997_hz_in_both_channels_is_as_loud_as_its_level(dbfs: float, rate: int) -> None:
    # EBU Tech 3341: at -23 dBFS in both channels it measures -23 LUFS; one channel alone is 3.01 LU less.
    assert loudness(sine(dbfs, 5.0, rate), rate) + 3.01 == pytest.approx(dbfs, abs=0.1)


def test_quiet_stretches_do_not_count() -> None:
    # EBU Tech 3341, case 3: 10 s at -36 dBFS, 60 s at -23 dBFS, 10 s at -36 dBFS measure -23 LUFS.
    parts = [sine(-36.0, 10.0, 8000), sine(-23.0, 60.0, 8000), sine(-36.0, 10.0, 8000)]
    reference = loudness(sine(-23.0, 10.0, 8000), 8000)
    assert loudness(np.concatenate(parts), 8000) == pytest.approx(reference, abs=0.1)


def test_a_mean_of_stretches_is_one_of_energies() -> None:
    # EBU Tech 3341, case 5: 20 s at -26, 20.1 s at -20, 20 s at -26 dBFS measure -23 LUFS.
    parts = [sine(-26.0, 20.0), sine(-20.0, 20.1), sine(-26.0, 20.0)]
    assert loudness(np.concatenate(parts), 48000) + 3.01 == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate", [22050, 24000, 44100])
def test_it_agrees_with_pyloudnorm_on_noise_of_every_colour_and_dynamics(rate: int) -> None:
    generator = np.random.default_rng(rate)
    for tilt in (0.0, 0.5, 1.0, 1.5):
        spectrum = np.fft.rfft(generator.standard_normal(6 * rate))
        spectrum *= np.maximum(np.fft.rfftfreq(6 * rate, 1 / rate), 20.0) ** -tilt
        envelope = np.repeat(generator.uniform(0.01, 1.0, 12), rate // 2)
        wave = np.fft.irfft(spectrum) * envelope
        wave = (0.1 * wave / wave.std()).astype(np.float32)
        reference = pyloudnorm.Meter(rate).integrated_loudness(wave.astype(np.float64))
        assert loudness(wave, rate) == pytest.approx(reference, abs=0.1)


@pytest.mark.parametrize(
    "wave", [np.zeros(48000), np.full(100_000, 1e-9), np.ones(100), np.zeros(0)], ids=["zero", "faint", "short", "none"]
)
def test_silence_and_less_than_a_block_have_no_loudness(wave: np.ndarray) -> None:
    assert loudness(wave.astype(np.float32), 48000) == -np.inf


def test_a_loud_spike_and_huge_samples_do_not_overflow() -> None:
    wave = sine(-20.0, 2.0)
    wave[1000] = 1e6
    assert np.isfinite(loudness(wave, 48000))
    assert np.isfinite(normalize(wave, loudness(wave, 48000), -18.0)).all()


def test_no_sample_exceeds_the_ceiling_whatever_the_input() -> None:
    generator = np.random.default_rng(1)
    for _ in range(30):
        wave = (generator.standard_normal(8000) * 10 ** generator.uniform(-3, 1)).astype(np.float32)
        levelled = normalize(wave, loudness(wave, 8000), generator.uniform(-30, 0))
        assert levelled.dtype == np.float32
        assert np.abs(levelled).max() <= PEAK_CEILING


def test_normalizing_leaves_the_input_alone() -> None:
    wave = sine(-30.0, 1.0)
    before = wave.copy()
    normalize(wave, -30.0, -10.0)
    np.testing.assert_array_equal(wave, before)
