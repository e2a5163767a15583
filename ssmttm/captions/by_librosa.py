"""What librosa hears of a clip, for whom essentia's license won't do: rhythm, key, dynamics, brightness.

The quantities of `by_essentia` by other algorithms; `benchmarks/captions.py` says how far the two agree.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import ndimage, signal

from ssmttm.captions.estimates import Key, Rhythm
from ssmttm.files import one_at_a_time
from ssmttm.pretrained.packaged import cache_folder

# numba compiles librosa's functions when they are imported first, and keeps them beside librosa. Two processes that do
# so at once leave files that end every later process with a segmentation fault (numba's issue 10128).
with one_at_a_time(cache_folder() / "librosa.lock"):
    import librosa
    import librosa.beat
    import librosa.core.constantq
    import librosa.feature.rhythm
    import librosa.onset
    import librosa.util.utils

PROFILES = ("albrecht", "krumhansl", "temperley")
_PITCHES = {
    "albrecht": (
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    ),
    "krumhansl": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    "temperley": (
        (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
        (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
    ),
}
"""Key profiles, major and minor, from the tonic up: counted in scores (Albrecht and Shanahan 2013), from listeners'
ratings (Krumhansl and Kessler 1982), from theory (Temperley 1999)."""
_NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_OCTAVES, _BINS = 5, 36
_NEIGHBORS = 15
"""Bins over whose median a tone rises."""
_SURE = 0.75
"""A correlation of this chroma that is as rare as one of 1 of essentia's: as many keys are certain by both."""
_HOP = 512
_ONSET_RISE, _ONSET_WAIT = 0.14, 2
"""How far an onset rises over the mean around it, and frames to the next: as many as essentia hears."""
_WIDE_OCTAVES = 2.0
_HIGH_PASS_HZ = 200.0
_SMOOTHING_S = 0.035
_LOUDNESS_S = 0.2
_LOUDER = 0.9
"""A frame that is one dB softer counts this much less for the mean loudness."""
_INAUDIBLE_DB = -90.0


def rhythm(wave: np.ndarray, sample_rate: int) -> Rhythm:
    """Tempo by a beat tracker and by the autocorrelation of onsets, and onsets a second, of mono samples [n].

    The second tempo hardly prefers the usual ones, as the tracker does.
    """
    onsets = librosa.onset.onset_strength(y=wave, sr=sample_rate, hop_length=_HOP)
    if not onsets.any():
        return Rhythm(0.0, 0.0, 0.0)
    heard: dict[str, Any] = {"onset_envelope": onsets, "sr": sample_rate, "hop_length": _HOP}
    starts = librosa.onset.onset_detect(**heard, delta=_ONSET_RISE, wait=_ONSET_WAIT)
    return Rhythm(
        tempo_bpm=_tempo(librosa.beat.beat_track(**heard, trim=False)[1], sample_rate),
        other_bpm=float(librosa.feature.tempo(**heard, std_bpm=_WIDE_OCTAVES)[0]),
        onset_rate_hz=len(starts) * sample_rate / len(wave),
    )


def _tempo(frames: np.ndarray, sample_rate: int) -> float:
    """BPM of beats at these frames: the slope of a line through them; 0 for fewer than three."""
    if len(frames) < 3:
        return 0.0
    return float(60 * sample_rate / (_HOP * np.polyfit(np.arange(len(frames)), frames, 1)[0]))


def keys(wave: np.ndarray, sample_rate: int, profiles: Sequence[str]) -> list[Key]:
    """The key that fits the mean chroma best, by each of `profiles`."""
    chroma = _chroma(wave, sample_rate)
    if chroma.std() == 0:
        return [Key(_NOTES[0], "major", 0.0) for _ in profiles]
    return [max(_fits(chroma, profile), key=lambda fit: fit.strength) for profile in profiles]


def _fits(chroma: np.ndarray, profile: str) -> Iterator[Key]:
    for scale, pitches in zip(("major", "minor"), _PITCHES[profile]):
        for place, note in enumerate(_NOTES):
            fit = float(np.corrcoef(chroma, np.roll(pitches, place))[0, 1])
            yield Key(note, scale, float(np.clip(fit / _SURE, 0.0, 1.0)))


def _chroma(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """How much of each pitch class is played, from C up: of what stands out of the spectrum around it."""
    lowest = librosa.note_to_hz("C2")
    tones = np.abs(
        librosa.cqt(wave, sr=sample_rate, fmin=lowest, n_bins=_OCTAVES * _BINS, bins_per_octave=_BINS, tuning=0.0)
    )
    risen = np.sqrt(np.maximum(tones - ndimage.median_filter(tones, (_NEIGHBORS, 1)), 0.0)).mean(1)
    chroma: np.ndarray = np.roll(risen, 1).reshape(_OCTAVES, len(_NOTES), -1).sum((0, 2))
    return chroma


def dynamic_complexity(wave: np.ndarray, sample_rate: int) -> float:
    """How far the loudness lies from its mean, in dB, mean over time; both as Vickers (2001) defines them."""
    heard = signal.sosfilt(signal.butter(1, _HIGH_PASS_HZ, "highpass", fs=sample_rate, output="sos"), wave)
    keep = np.exp(-1 / (_SMOOTHING_S * sample_rate))
    power = signal.lfilter([1 - keep], [1, -keep], np.square(heard))
    step = round(_LOUDNESS_S * sample_rate)
    loudness = 10 * np.log10(np.maximum(power[step - 1 :: step], 10 ** (_INAUDIBLE_DB / 10)))
    weights = _LOUDER**-loudness
    mean = (weights * loudness).sum() / weights.sum()
    return float(np.abs(loudness - mean).mean())


def spectral_centroid(wave: np.ndarray, sample_rate: int) -> float:
    """In Hz, of the whole clip: its mean square slope over its mean square, as a frequency."""
    power = np.square(wave[:-1], dtype=np.float64).sum()
    if power == 0:
        return 0.0
    return float(np.sqrt(np.square(np.diff(wave.astype(np.float64))).sum() / power) * sample_rate / (2 * np.pi))
