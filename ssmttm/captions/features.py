"""Musical features of a clip: tempo, key, rhythm, dynamics, sound.

A tempo and a key are found by several estimators, and said to be certain only where all of them agree. Two libraries
have such estimators; what needs none is computed here, alike for both.
"""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from ssmttm.captions.estimates import Key, Rhythm
from ssmttm.errors import UserError
from ssmttm.settings import Analyzer

_SAME_TEMPO = 0.04
_NEAR = 0.1
"""Of the logarithm of a tempo: closer ones are no others."""
_RIVAL = 0.8
_SHORTEST_S = 3.0
_FRAME, _HOP = 2048, 1024
_BASS_HZ = 150.0
_BAND_HZ = (300.0, 8000.0)
_SILENT = 1e-12


@dataclass(frozen=True)
class Features:
    """Analysis of one clip; a quantity that could not be found is None."""

    tempo_bpm: float | None
    tempo_confidence: float
    """1: three estimators agree within 4 %, and no other tempo comes near; 0.5: two do; 0: they don't."""
    key: str | None
    scale: str | None
    key_strength: float
    """The least correlation of three key profiles, where all of them, and both halves, have this key; else 0."""
    dynamic_complexity_db: float
    trend_db: float
    """Energy of the last quarter over that of the first."""
    onset_rate_hz: float
    spectral_centroid_hz: float
    bass: float
    """Share of the energy below 150 Hz."""
    flatness: float
    """Of the spectrum between 300 and 8,000 Hz, median over time: 0 for pure tones, near 0.6 for noise."""


def analyze(wave: np.ndarray, sample_rate: int, analyzer: Analyzer = "essentia") -> Features:
    """Features of mono samples [n] at `sample_rate` Hz, as `analyzer` hears them.

    Raises ValueError for input that is empty, not finite or not mono, and UserError if the library isn't installed.
    """
    if wave.ndim != 1 or not len(wave) or not np.isfinite(wave).all():
        raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
    library = _library(analyzer)
    if len(wave) < _SHORTEST_S * sample_rate:  # the algorithms need a few beats
        wave = np.resize(wave, int(_SHORTEST_S * sample_rate))
    wave = np.ascontiguousarray(wave, np.float32)
    rhythm: Rhythm = library.rhythm(wave, sample_rate)
    bpm, confidence = _tempo(rhythm, wave, sample_rate)
    key, scale, strength = _key(library, wave, sample_rate)
    bass, flatness, trend = _spectrum(wave, sample_rate)
    return Features(
        tempo_bpm=bpm,
        tempo_confidence=confidence,
        key=key,
        scale=scale,
        key_strength=strength,
        dynamic_complexity_db=_finite(library.dynamic_complexity(wave, sample_rate)),
        trend_db=trend,
        onset_rate_hz=_finite(rhythm.onset_rate_hz),
        spectral_centroid_hz=_finite(library.spectral_centroid(wave, sample_rate)),
        bass=bass,
        flatness=flatness,
    )


def _library(analyzer: Analyzer) -> ModuleType:
    """The module with its `rhythm`, `keys`, `PROFILES`, `dynamic_complexity` and `spectral_centroid`."""
    try:
        if analyzer == "essentia":
            from ssmttm.captions import by_essentia

            return by_essentia
        from ssmttm.captions import by_librosa
    except ImportError as error:
        other = "librosa" if analyzer == "essentia" else "essentia"
        raise UserError(
            f"data.captions.analyzer: {analyzer} can't be imported ({error}): pip install {analyzer}, "
            f"or set analyzer: {other}"
        ) from None
    return by_librosa


def _finite(value: float) -> float:
    """Silence makes some algorithms divide by zero; there the quantity is 0."""
    return float(value) if np.isfinite(value) else 0.0


def _tempo(rhythm: Rhythm, wave: np.ndarray, sample_rate: int) -> tuple[float | None, float]:
    """Tempo in BPM and how far three estimators agree.

    Two beat trackers often make the same error: they take a dotted rhythm, or every second beat, for the pulse. So
    the third is no tracker: the autocorrelation of the onsets, in which no other tempo may come near.
    """
    bpm = rhythm.tempo_bpm
    if not (np.isfinite(bpm) and bpm > 0):
        return None, 0.0
    if not _same(bpm, rhythm.other_bpm):
        return bpm, 0.0
    pulse, rival = _pulse(wave, sample_rate)
    return bpm, 1.0 if _same(bpm, pulse) and rival <= _RIVAL else 0.5


def _same(bpm: float, other: float) -> bool:
    return bool(np.isfinite(other)) and other > 0 and abs(bpm / other - 1) < _SAME_TEMPO


def _pulse(wave: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """The tempo in BPM at which onsets repeat most, and the best other tempo's share of its score.

    Onsets are the rises of 32 bands' logarithmic magnitudes. A score is an autocorrelation, weighted by how usual the
    tempo is: log-normal around 120 BPM, one octave wide.
    """
    size, hop = 1024, 256
    frames = np.lib.stride_tricks.sliding_window_view(wave, size)[::hop] * np.hanning(size).astype(np.float32)
    edges = np.unique(np.geomspace(2, size // 2, 33).round().astype(int))
    bands = np.add.reduceat(np.abs(np.fft.rfft(frames)), edges[:-1], 1)
    bands = np.log1p(100 * bands / max(float(bands.max()), _SILENT))
    onsets = np.maximum(np.diff(bands, axis=0), 0).sum(1)
    onsets -= onsets.mean()
    power = np.square(np.abs(np.fft.rfft(onsets, 4 * len(onsets))))
    repeats = np.fft.irfft(power)[: len(onsets)] / np.arange(len(onsets), 0, -1)
    lags = np.arange(len(repeats))
    tempo = 60 * sample_rate / hop / np.maximum(lags, 1)
    usual = np.exp(-0.5 * np.square(np.log2(tempo / 120)))
    score = np.where((tempo >= 40) & (tempo <= 240), np.maximum(repeats, 0) * usual, 0.0)
    best = int(score.argmax())
    if not score[best] > 0:
        return 0.0, 1.0
    rival = score[np.abs(np.log(tempo / tempo[best])) > _NEAR].max() / score[best]
    before, at, after = repeats[best - 1 : best + 2]
    bend = before - 2 * at + after
    shift = float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
    return 60 * sample_rate / hop / (best + shift), float(rival)


def _key(library: ModuleType, wave: np.ndarray, sample_rate: int) -> tuple[str | None, str | None, float]:
    """Note and scale by the first of the profiles, and how certain they are."""
    found: list[Key] = library.keys(wave, sample_rate, library.PROFILES)
    note, scale, _ = found[0]
    strength = min(key.strength for key in found)
    if not strength > 0:
        return None, None, 0.0
    for half in np.array_split(wave, 2):
        found += library.keys(np.ascontiguousarray(half), sample_rate, library.PROFILES[:1])
    agreed = all((key.note, key.scale) == (note, scale) for key in found)
    return note, scale, strength if agreed else 0.0


def _spectrum(wave: np.ndarray, sample_rate: int) -> tuple[float, float, float]:
    """Share of bass, flatness, and how the level changes in dB."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, _FRAME)[::_HOP] * np.hanning(_FRAME).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames)))
    total = power.sum(1)
    if total.sum() <= _SILENT:
        return 0.0, 0.0, 0.0
    frequencies = np.arange(power.shape[1]) * sample_rate / _FRAME
    bass = power[:, frequencies < _BASS_HZ].sum() / total.sum()
    band = power[:, (frequencies > _BAND_HZ[0]) & (frequencies < _BAND_HZ[1])] + _SILENT
    flatness = np.median(np.exp(np.log(band).mean(1)) / band.mean(1))
    quarter = max(1, len(total) // 4)
    trend = 10 * np.log10((total[-quarter:].sum() + _SILENT) / (total[:quarter].sum() + _SILENT))
    return float(bass), float(flatness), float(trend)
