"""Clips at one loudness: a few peaks must not make everything quiet, and nothing is clipped."""

import numpy as np
import pytest

from ssmttm.audio.limiter import MOST_DB, leveled, limit
from ssmttm.audio.loudness import loudness

RATE = 24000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)


def spiky(noise):
    """Noise with four peaks a second."""
    wave = (noise * np.random.default_rng(1).normal(size=2 * RATE)).astype(np.float32)
    wave[::6000] = 0.9
    return wave


@pytest.mark.parametrize("wave", [TONE, TONE / 50, spiky(0.06)], ids=["loud", "quiet", "spiky"])
def test_clips_come_to_the_loudness_that_is_asked_for_without_clipping(wave):
    made = leveled(wave, RATE, -18.0, 0.89)
    assert loudness(made.wave, RATE) == pytest.approx(-18.0, abs=0.06)
    assert np.abs(made.wave).max() <= 0.8901 and made.short < 0.06


def test_a_clip_with_room_for_its_peaks_is_only_scaled():
    made = leveled(TONE / 50, RATE, -18.0, 0.89)
    assert made.limited == 0 and np.allclose(made.wave, TONE / 50 * 10 ** (made.gain / 20))


def test_peaks_are_turned_down_and_what_is_far_from_them_is_not():
    wave = spiky(0.06)
    made = limit(wave, RATE, 0.3)
    assert np.abs(made).max() <= 0.3001
    far = np.arange(len(wave)) % 6000
    assert np.array_equal(made[(far > 500) & (far < 5500)], wave[(far > 500) & (far < 5500)])
    assert np.all(np.abs(made) <= np.abs(wave) + 1e-7), "nothing gets louder"


def test_a_clip_of_little_else_than_peaks_stays_quieter_and_says_by_how_much():
    made = leveled(spiky(0.001), RATE, -18.0, 0.89)
    assert made.limited <= MOST_DB + 1e-9 and made.short > 1
    assert loudness(made.wave, RATE) == pytest.approx(-18.0 - made.short, abs=0.01)


def test_silence_is_left_alone():
    silence = np.zeros(RATE, np.float32)
    made = leveled(silence, RATE, -18.0, 0.89)
    assert made.gain is None and made.wave is silence
