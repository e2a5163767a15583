import numpy as np
import pytest

from ssmttm.audio.coded import decode_audio, encode_audio, limit_peak, resample


def tone(seconds=1.0, rate=24000, level=0.5):
    return (level * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("format", ["FLAC", "WAV"])
def test_lossless_formats_keep_samples_to_16_bits(format):
    wave, rate = decode_audio(encode_audio(tone(), 24000, format))
    assert rate == 24000
    np.testing.assert_allclose(wave, tone(), atol=2**-15)


def test_mp3_keeps_the_level():
    wave, _ = decode_audio(encode_audio(tone(), 24000, "MP3"))
    assert np.sqrt(np.mean(wave[2400:-2400] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("wave", [np.zeros((4, 2), np.float32), np.array([0.0, np.nan], np.float32)])
def test_what_is_not_finite_mono_is_refused(wave):
    with pytest.raises(ValueError, match="mono"):
        encode_audio(wave, 24000)


def test_a_loud_wave_is_turned_down_as_a_whole_and_others_are_left():
    loud = limit_peak(tone(level=2.0))
    assert np.abs(loud).max() == pytest.approx(0.99, abs=1e-6)
    np.testing.assert_allclose(loud / 0.99, tone(level=1.0), atol=1e-3)
    np.testing.assert_array_equal(limit_peak(tone()), tone())
    assert limit_peak(np.zeros(0, np.float32)).shape == (0,)


def test_resampling_keeps_pitch_and_length():
    wave = resample(tone(), 24000, 16000)
    assert len(wave) == 16000
    spectrum = np.abs(np.fft.rfft(wave))
    assert spectrum.argmax() == 440
