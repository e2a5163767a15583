"""Audio files of other systems, made here: tones of any rate, channels and fault."""

import numpy as np
import soundfile

from ssmttm.audio.fingerprint import Fingerprinter

CLIPS = {"seconds": 4.0, "sample_rate": 16000, "loudness_lufs": -18.0, "silence_lufs": -50.0}
"""`data.clips` of these tests."""


def tune(seconds, rate=16000, seed=0):
    """Music-like samples [n]: notes of 0.3 s with overtones, other ones for each seed."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(0.3 * rate)) / rate
    notes = []
    for _ in range(int(seconds / 0.3) + 1):
        pitch = 110 * 2 ** (generator.integers(0, 36) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 6))
        notes.append(0.2 * tone * np.exp(-3 * time))
    return np.concatenate(notes)[: round(seconds * rate)].astype(np.float32)


def write(path, wave, rate=16000, subtype=None):
    """Write samples [n] or [n, channels]; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate, subtype=subtype or ("FLOAT" if path.suffix == ".wav" else None))
    return path


def codes(wave, rate=24000):
    """The fingerprint's codes of samples [n]."""
    fingerprinter = Fingerprinter(rate)
    fingerprinter.feed(wave)
    return fingerprinter.result().codes
