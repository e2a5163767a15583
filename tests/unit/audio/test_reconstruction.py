import numpy as np
import pytest
import torch
from scipy.signal import get_window
from transformers.audio_utils import mel_filter_bank

from ssmttm.audio.reconstruction import mel_distance, si_sdr
from ssmttm.audio.spectral_distance import log_spectral_distance

RATE = 24000


def noise(seed, samples=RATE):
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def published_mel_distance(wave, original):
    """The mel loss of audiotools with its defaults, in NumPy, with the filters of transformers."""
    total = 0.0
    for window, bands in ((2048, 150), (512, 80)):
        bank = mel_filter_bank(window // 2 + 1, bands, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
        mels = []
        for signal in (wave, original):
            padded = np.pad(signal.astype(np.float64), window // 2, mode="reflect")
            frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 4]
            mels.append(np.abs(np.fft.rfft(frames * get_window("hann", window))) @ bank)
        a, b = mels
        total += np.abs(np.log10(np.maximum(a, 1e-5) ** 2) - np.log10(np.maximum(b, 1e-5) ** 2)).mean()
        total += np.abs(a - b).mean()
    return total


def test_the_mel_distance_is_the_published_one():
    wave, original = noise(0), noise(1) * np.linspace(0, 1, RATE, dtype=np.float32)
    assert mel_distance(wave, original, RATE) == pytest.approx(published_mel_distance(wave, original), rel=1e-4)


def test_distances_of_equal_signals_are_nothing_and_grow_with_the_difference():
    original, other = noise(0), noise(1)
    pairs = [original + share * other for share in (0, 0.1, 1)]
    mel = [mel_distance(wave, original, RATE) for wave in pairs]
    spectral = [float(log_spectral_distance(*torch.tensor(np.stack([wave, original]))[:, None])) for wave in pairs]
    for distances in (mel, spectral):
        assert distances[0] == 0
        assert distances == sorted(distances)


def test_a_signal_ten_times_as_loud_is_twenty_decibels_away():
    wave = torch.from_numpy(noise(0, 4 * RATE))[None]
    assert float(log_spectral_distance(10 * wave, wave)) == pytest.approx(20, rel=0.01)


def test_si_sdr_is_the_ratio_of_powers_whatever_the_scale():
    original, other = noise(0).astype(np.float64), noise(1).astype(np.float64)
    original, other = original - original.mean(), other - other.mean()
    other -= (other @ original) / (original @ original) * original
    mixed = original + 0.1 * other * np.sqrt((original @ original) / (other @ other))
    assert si_sdr(mixed, original) == pytest.approx(20)
    assert si_sdr(-3 * mixed + 1, original) == pytest.approx(20)
    assert si_sdr(original, original) > 200


def test_nothing_compares_with_silence():
    with pytest.raises(ValueError, match="silent"):
        si_sdr(noise(0), np.zeros(RATE))
