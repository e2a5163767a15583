"""Ways to damage a recording, as copies of music on the net are: for `duplicates.py`."""

import io
from collections.abc import Callable

import av
import numpy as np
import soundfile
import soxr
from scipy.signal import lfilter

Damage = Callable[[np.ndarray, int], tuple[np.ndarray, int]]
"""Takes samples [n, 2] at a rate in Hz, and gives both anew."""


def shelf(wave: np.ndarray, rate: int, corner_hz: float, gain_db: float, high: bool) -> np.ndarray:
    """Everything above (or below) the corner louder by `gain_db`: a biquad of R. Bristow-Johnson's cookbook."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * corner_hz / rate
    cos, slope, k = np.cos(w), 2 * np.sqrt(a) * np.sin(w) / np.sqrt(2), -1 if high else 1
    numerator = [a * (a + 1 - k * (a - 1) * cos + slope), 2 * k * a * (a - 1 - k * (a + 1) * cos)]
    denominator = [a + 1 + k * (a - 1) * cos + slope, -2 * k * (a - 1 + k * (a + 1) * cos)]
    numerator.append(a * (a + 1 - k * (a - 1) * cos - slope))
    denominator.append(a + 1 + k * (a - 1) * cos - slope)
    return lfilter(np.array(numerator) / denominator[0], np.array(denominator) / denominator[0], wave, axis=0)


def remaster(wave: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """+5 dB below 150 Hz, +6 dB above 4 kHz, 4:1 above -26 dBFS within 50 ms, then saturated."""
    wave = shelf(shelf(wave, rate, 150, 5, False), rate, 4000, 6, True)
    memory = np.exp(-1 / (0.05 * rate))
    level = 10 * np.log10(lfilter([1 - memory], [1, -memory], (wave**2).mean(axis=1)) + 1e-9)
    wave = wave * 10 ** (-0.75 * np.maximum(0.0, level + 26) / 20)[:, None]
    return np.tanh(1.8 * wave / max(np.abs(wave).max(), 1e-9)), rate


def resampled(wave: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """To 44.1 kHz, and from there to 22.05 kHz."""
    return soxr.resample(soxr.resample(wave, rate, 44100), 44100, 22050), 22050


def everything(wave: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """1.37 s cut off at the start, the rest remastered."""
    return remaster(wave[round(1.37 * rate) :], rate)


def within(wave: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """70 s from the middle, between two minutes of the same music played backwards."""
    start = max(0, (len(wave) - 70 * rate) // 2)
    backwards = wave[::-1]
    return np.concatenate([backwards[: 60 * rate], wave[start : start + 70 * rate], backwards[-60 * rate :]]), rate


DAMAGES: dict[str, tuple[Damage, str]] = {
    "mp3, 64 kbit/s": (lambda w, r: (w, r), "mp3"),
    "+6 dB, clipped": (lambda w, r: (2 * w, r), "flac"),
    "-6 dB": (lambda w, r: (w / 2, r), "flac"),
    "1 s cut off at the start": (lambda w, r: (w[r:], r), "flac"),
    "44.1 to 22.05 kHz": (resampled, "flac"),
    "remastered": (remaster, "flac"),
    "trimmed, remastered, mp3 64 kbit/s": (everything, "mp3"),
    "70 s within other music, mp3 64 kbit/s": (within, "mp3"),
    "+1 % speed": (lambda w, r: (soxr.resample(w, 1.01 * r, r), r), "flac"),
}


def encoded(wave: np.ndarray, rate: int, kind: str) -> bytes:
    """Samples [n, 2] as FLAC, or as MP3 at 64 kbit/s; what is above full scale is clipped."""
    buffer, wave = io.BytesIO(), np.clip(wave, -1.0, 1.0)
    if kind == "flac":
        soundfile.write(buffer, wave, rate, format="FLAC", subtype="PCM_16")
        return buffer.getvalue()
    with av.open(buffer, "w", format="mp3") as container:
        output = container.add_stream("libmp3lame", rate=rate, layout="stereo")
        output.bit_rate = 64000
        planes = np.ascontiguousarray(wave.T, np.float32)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        frame.sample_rate = rate
        for packet in [*output.encode(frame), *output.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()
