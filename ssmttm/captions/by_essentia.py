"""What essentia hears of a clip: rhythm, key, dynamics, brightness."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ssmttm.audio.algorithms import standard
from ssmttm.audio.coded import resample
from ssmttm.captions.estimates import Key, Rhythm

PROFILES = ("bgate", "edma", "krumhansl")
"""Key profiles from electronic music, from its subgenres, and from listeners' ratings of classical harmony."""
_RHYTHM_RATE = 44100
"""The tempo and onset algorithms assume this rate and can't be told another."""


def rhythm(wave: np.ndarray, sample_rate: int) -> Rhythm:
    """Tempo by two beat trackers, and onsets a second, of mono samples [n] at `sample_rate` Hz."""
    fast = resample(wave, sample_rate, _RHYTHM_RATE)
    return Rhythm(
        tempo_bpm=float(_algorithm("RhythmExtractor2013", method="degara")(fast)[0]),
        other_bpm=float(_algorithm("PercivalBpmEstimator", sampleRate=_RHYTHM_RATE)(fast)),
        onset_rate_hz=float(_algorithm("OnsetRate")(fast)[1]),
    )


def keys(wave: np.ndarray, sample_rate: int, profiles: Sequence[str]) -> list[Key]:
    """The best key by each of `profiles`."""
    found = (_algorithm("KeyExtractor", profileType=profile, sampleRate=sample_rate)(wave) for profile in profiles)
    return [Key(str(note), str(scale), float(strength)) for note, scale, strength in found]


def dynamic_complexity(wave: np.ndarray, sample_rate: int) -> float:
    """How far the loudness lies from its mean, in dB, mean over time."""
    return float(_algorithm("DynamicComplexity", sampleRate=sample_rate)(wave)[0])


def spectral_centroid(wave: np.ndarray, sample_rate: int) -> float:
    """In Hz, of the whole clip."""
    return float(_algorithm("SpectralCentroidTime", sampleRate=sample_rate)(wave))


@cache
def _created(name: str, **settings: Any) -> Any:
    """An essentia algorithm; creating a beat tracker takes longer than running it on a clip."""
    return getattr(standard, name)(**settings)


def _algorithm(name: str, **settings: Any) -> Any:
    """An essentia algorithm without what it remembers of the clip before."""
    algorithm = _created(name, **settings)
    algorithm.reset()
    return algorithm
