"""Audio as codes come: decoded window by window, joined inaudibly, written to a file that can be played meanwhile."""

import math
import os
import wave
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np

from ssmttm.codecs.base import Codec

WINDOW_S = 2.0
_CONTEXT_S = 0.25
_FADE_S = 0.05
_SHIFT_S = 0.01
_KNEE, _CEILING = 0.8, 0.99


class StreamDecoder:
    """Decodes frames, codes `[K]` or latents `[D]`, to audio in windows of about two seconds, with constant memory.

    Where a frame's audio depends on a known number of neighbours (`Codec.reach`), each window is decoded with as
    many on both sides, and joints can't be told from the whole. Elsewhere a window has a quarter of a second of frames
    on both sides and is cross-faded into the one before. A codec that invents phases gives each window others: so a
    window is moved by up to 10 ms to where it resembles the end of the last one most. Moves don't add up.
    """

    def __init__(self, codec: Codec, window_s: float = WINDOW_S, latents: bool = False) -> None:
        """`latents` says that frames are features for `codec.decode_latents`, not codes."""
        self.codec, self.latents = codec, latents
        self.hop = round(codec.sample_rate / codec.frame_rate)
        exact = codec.reach is not None
        self.fade = 0 if exact else round(_FADE_S * codec.sample_rate)
        self.shift = 0 if exact else round(_SHIFT_S * codec.sample_rate)
        around = max(math.ceil(_CONTEXT_S * codec.frame_rate), math.ceil((self.fade + self.shift) / self.hop))
        self.context = around if codec.reach is None else codec.reach
        self.window = max(self.context, math.ceil(self.fade / self.hop), round(window_s * codec.frame_rate))
        self._frames: list[np.ndarray] = []
        self._past = 0  # how many of them are already heard, and only context
        self._first = 0  # the number of the first of them
        self._tail = np.zeros(0, np.float32)  # what the last window goes on with

    def push(self, frame: np.ndarray) -> np.ndarray:
        """Take one frame; returns the samples `[n]` that are now final, often none."""
        self._frames.append(frame)
        if len(self._frames) < self._past + self.window + self.context:
            return np.zeros(0, np.float32)
        samples = self._decode(self.window, last=False)
        done = self._past + self.window - self.context
        del self._frames[:done]
        self._first += done
        self._past = self.context
        return samples

    def finish(self) -> np.ndarray:
        """The rest of the samples `[n]`, after the last frame."""
        count = len(self._frames) - self._past
        return self._decode(count, last=True) if count else np.zeros(0, np.float32)

    def _decode(self, count: int, last: bool) -> np.ndarray:
        decode = self.codec.decode_latents if self.latents else self.codec.decode
        decoded = decode(np.stack(self._frames, 0 if self.latents else 1), self._first)
        start = self._past * self.hop
        if len(self._tail):
            start += self._best_shift(decoded, start, last)
        end = start + count * self.hop
        samples = decoded[start:end].copy()
        fade = min(len(self._tail), len(samples))
        rising = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
        samples[:fade] = samples[:fade] * rising + self._tail[:fade] * (1 - rising)
        self._tail = decoded[end : end + self.fade].copy()
        return soft_limit(samples)

    def _best_shift(self, decoded: np.ndarray, start: int, last: bool) -> int:
        """By how many samples to move a window; the last one never forward, for it ends with its audio."""
        latest = 0 if last else self.shift
        part = decoded[start - self.shift : start + latest + len(self._tail)]
        energy = np.convolve(np.square(part), np.ones(len(self._tail), np.float32), "valid")
        match = np.correlate(part, self._tail, "valid") / np.sqrt(np.maximum(energy, 1e-9))
        best = int(match.argmax())
        return best - self.shift if match[best] > match[self.shift] else 0


def soft_limit(samples: np.ndarray) -> np.ndarray:
    """Samples `[n]` unchanged up to 0.8, bent smoothly above it, and never beyond 0.99.

    Sample by sample, so that windows need not know one another's peaks: a gain that follows the
    peak of a whole clip can't be known while the clip is still being made.
    """
    size = np.abs(samples)
    room = _CEILING - _KNEE
    bent = np.copysign(_KNEE + room * np.tanh((size - _KNEE) / room), samples)
    return np.where(size <= _KNEE, samples, bent).astype(np.float32)


class GrowingWav:
    """A 16-bit mono WAV file whose header is true after every `write`: it can be played while it grows."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 closed by __exit__
        self._wav = wave.open(self._file, "wb")  # noqa: SIM115
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(sample_rate)

    def __enter__(self) -> "GrowingWav":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wav.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def write(self, samples: np.ndarray) -> None:
        """Append samples `[n]`, -1 to 1."""
        self._wav.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        self._file.flush()


def write_stream(out: Path, sample_rate: int, blocks: Iterable[np.ndarray]) -> None:
    """Append `blocks` to NAME.partial.wav, which becomes `out` at the end."""
    partial = out.with_suffix(".partial.wav")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with GrowingWav(partial, sample_rate) as file:
        for block in blocks:
            file.write(block)
    partial.replace(out)
