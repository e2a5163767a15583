"""Mono audio as arrays and as encoded bytes. Foreign files are read by `ssmttm.audio.streams`."""

import io

import numpy as np
import soundfile
import soxr


def encode_audio(wave: np.ndarray, sample_rate: int, format: str = "FLAC") -> bytes:
    """Encode mono float samples `[n]`, clipped to [-1, 1]; `format` is FLAC (16 bit), WAV or MP3."""
    if wave.ndim != 1 or not np.isfinite(wave).all():
        raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
    wave = np.clip(wave, -1.0, 1.0)
    if format == "FLAC":  # rounded here: libsndfile does the same, one sample at a time
        wave = np.rint(np.minimum(wave * np.float32(32768), np.float32(32767))).astype(np.int16)
    buffer = io.BytesIO()
    subtype = "MPEG_LAYER_III" if format == "MP3" else "PCM_16"
    soundfile.write(buffer, wave, sample_rate, format=format, subtype=subtype)
    return buffer.getvalue()


def limit_peak(wave: np.ndarray, ceiling: float = 0.99) -> np.ndarray:
    """Samples `[n]`, turned down as a whole if a peak lies above `ceiling`: what a codec gives back may."""
    peak = float(np.abs(wave).max(initial=0.0))
    return wave if peak <= ceiling else wave * np.float32(ceiling / peak)


def decode_audio(data: bytes) -> tuple[np.ndarray, int]:
    """Samples `[n]` (float32, mono) and sample rate of audio that this package encoded."""
    wave, sample_rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    return np.ascontiguousarray(wave.mean(axis=1)), sample_rate


def resample(wave: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample mono samples `[n]` with soxr's high-quality filter; float32."""
    if from_rate == to_rate:
        return wave.astype(np.float32, copy=False)
    return soxr.resample(wave.astype(np.float32, copy=False), from_rate, to_rate, quality="HQ")
