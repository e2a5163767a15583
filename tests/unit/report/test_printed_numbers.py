import numpy as np
import pytest

from ssmttm.numbers import budget_name, clock, millions, minus, power_of_ten, significant
from ssmttm.report.figures.curves import smooth
from ssmttm.report.figures.spectrogram import mel_spectrogram, spectrogram_png
from ssmttm.wording import listed


def test_a_budget_is_named_by_its_measure():
    found = [budget_name(*budget) for budget in (("iterations", 1200.0), ("flops", 6e12), ("gpu_hours", 1.5))]
    assert found == ["1,200 iterations", "6.00×10¹² FLOPs", "1.5 GPU-hours"]


def test_numbers_are_printed_with_three_digits_and_units():
    assert [significant(v) for v in (3.14159, 0.000123, 12345.6, -2.0, 0)] == [
        "3.14",
        "0.000123",
        "12,346",
        "−2.00",
        "0",
    ]
    assert [minus(v) for v in ("-0.00", "-0.01", "-10.00", "-1.5e-05")] == ["0.00", "−0.01", "−10.00", "−1.5e−05"]
    assert significant(9.999) == "10.00" and power_of_ten(6.02e12) == "6.02×10¹²"
    assert (millions(1234567), millions(45678)) == ("1.23 M", "45.7 k")
    assert (clock(5.2), clock(65), clock(3725)) == ("5 s", "1 min 05 s", "1 h 02 min")
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_smoothing_keeps_a_constant_and_the_first_value():
    assert smooth(np.full(50, 3.0)) == pytest.approx(np.full(50, 3.0))
    assert smooth(np.array([8.0, 1.0]))[0] == 8.0


def test_a_tone_lights_its_own_band_and_silence_none():
    rate = 24000
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    bands = mel_spectrogram(tone, rate).mean(axis=1)
    mel = 15.0, 15 + 27 * np.log(12) / np.log(6.4)  # of 1 kHz and of Nyquist, by Slaney's scale
    expected = mel[0] / mel[1] * 89 - 1
    assert abs(bands.argmax() - expected) <= 1
    assert (mel_spectrogram(np.zeros(100), rate) == -70).all()
    assert spectrogram_png(tone, rate).startswith(b"\x89PNG")
