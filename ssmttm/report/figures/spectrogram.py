"""Mel spectrograms as small PNG images."""

import io

import numpy as np
from PIL import Image
from plotly.colors import hex_to_rgb, sequential

from ssmttm.audio.mel import filter_bank

RANGE_DB = 70.0
LEVELS = 64
"""Steps of the color scale: enough for the eye, and half the bytes of 256."""


def mel_spectrogram(wave: np.ndarray, sample_rate: int, bands: int = 88, columns: int = 360) -> np.ndarray:
    """Mel power in dB below the clip's own maximum, `[bands, columns]`, in [-70, 0]; silence is all -70."""
    fft_size = 2048
    if len(wave) < fft_size:
        wave = np.pad(wave, (0, fft_size - len(wave)))
    starts = np.linspace(0, len(wave) - fft_size, columns).astype(int)
    frames = wave[starts[:, None] + np.arange(fft_size)] * np.hanning(fft_size)
    filters = filter_bank(sample_rate, fft_size, bands)
    filters = filters / filters.max(axis=1, keepdims=True)  # of height one instead of area one: treble stays visible
    power = filters @ (np.abs(np.fft.rfft(frames, axis=1)) ** 2).T
    if power.max() <= 1e-12:
        return np.full(power.shape, -RANGE_DB)
    return np.maximum(10 * np.log10(np.maximum(power / power.max(), 1e-12)), -RANGE_DB)


def spectrogram_png(wave: np.ndarray, sample_rate: int) -> bytes:
    """PNG of a clip's mel spectrogram: time to the right, frequency upward, magma colors."""
    decibels = mel_spectrogram(wave, sample_rate)
    levels = np.rint((decibels / RANGE_DB + 1) * (LEVELS - 1)).astype(np.uint8)
    image = Image.fromarray(levels[::-1])
    image.putpalette(_palette())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _palette() -> bytes:
    anchors = np.array([hex_to_rgb(c) for c in sequential.Magma], dtype=float)
    at = np.linspace(0, len(anchors) - 1, LEVELS)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, i]) for i in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8).tobytes()
