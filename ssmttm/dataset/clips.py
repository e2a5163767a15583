"""From a track's samples to clips of one length and one loudness."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssmttm.audio.loudness import loudness, normalize
from ssmttm.audio.streams import Block
from ssmttm.dataset.quality import Quality, measure, remove_offset


@dataclass(frozen=True)
class Clip:
    """One cut: `wave` `[n]` float32 after normalization, or None when it is silent."""

    start_s: float
    wave: np.ndarray | None
    loudness_lufs: float  # before normalization; -inf for digital silence
    peak: float  # after normalization, linear
    quality: Quality | None = None  # before normalization; None when it is silent


def clip_starts(samples: int, length: int, per_track: int | None) -> list[int]:
    """Where the non-overlapping clips of `length` samples start; the rest at the end is dropped.

    With a cap, `per_track` of them spread evenly over the track, always the same ones.
    """
    count = samples // length
    chosen: Any = range(count)
    if per_track is not None and per_track < count:
        chosen = [(2 * i + 1) * count // (2 * per_track) for i in range(per_track)]
    return [i * length for i in chosen]


class _Tape:
    """The last samples of a stretch without a gap, as far as a clip may still want them."""

    def __init__(self, start_s: float) -> None:
        self.start_s = start_s  # of the stretch in the track
        self.first = self.end = 0  # what is held, in samples of the stretch
        self._waves: list[np.ndarray] = []

    def add(self, wave: np.ndarray) -> None:
        self._waves.append(wave)
        self.end += len(wave)

    def forget(self, before: int) -> None:
        while self._waves and self.first < before:
            gone = min(before - self.first, len(self._waves[0]))
            self._waves[0] = self._waves[0][gone:]
            self.first += gone
            if not len(self._waves[0]):
                self._waves.pop(0)

    def take(self, start: int, length: int) -> np.ndarray:
        joined = self._waves[0] if len(self._waves) == 1 else np.concatenate(self._waves)
        self._waves = [joined]
        return joined[start - self.first : start - self.first + length]


def pieces(
    blocks: Iterable[Block], length: int, sample_rate: int, starts: list[int] | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """Cut blocks at `sample_rate` into (start in s, samples `[length]`), in order, disjoint, none across a gap.

    Without `starts`, one after the other from the beginning and from every gap on. With `starts` (samples
    by time stamps, ascending), one piece each, as soon after its start as a gap or the piece before
    allows; the last one is moved back if the track ends too early. Reads no further than needed and
    holds little more than two pieces.
    """
    tape, free = None, 0  # free: from here on nothing of the stretch is in a piece
    wanted = None if starts is None else list(starts)
    if wanted == []:
        return
    for block in blocks:
        if tape is None or not block.joined:
            tape, free = _Tape(block.start_s), 0
        tape.add(block.wave)
        while True:
            start = free if wanted is None else max(free, wanted[0] - round(tape.start_s * sample_rate))
            if tape.end - start < length:
                break
            yield tape.start_s + start / sample_rate, tape.take(start, length)
            free = start + length
            if wanted is not None:
                wanted.pop(0)
                if not wanted:
                    return
        tape.forget(start if wanted is None else max(free, min(start, tape.end - length)))
    if wanted and tape is not None and tape.end - length >= free:
        start = tape.end - length
        yield tape.start_s + start / sample_rate, tape.take(start, length)


def finish(start_s: float, piece: np.ndarray, settings: Mapping[str, Any]) -> Clip:
    """A clip from samples `[n]`: their mean removed, brought to the wanted loudness, measured before that."""
    rate = settings["sample_rate"]
    wave, offset = remove_offset(piece)
    measured = loudness(wave, rate)
    if measured < settings["silence_lufs"]:
        return Clip(start_s, None, measured, float(np.abs(wave).max()))
    levelled = normalize(wave, measured, settings["loudness_lufs"])
    peak = max(float(levelled.max()), -float(levelled.min()))
    return Clip(start_s, levelled, measured, peak, measure(wave, rate, offset))
