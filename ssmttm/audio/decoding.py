"""From a container's packets to mono samples with their positions, and where the gaps are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from ssmttm.audio import vorbis
from ssmttm.audio.container import Source, Undecodable, check_shape, frames_of, opened, packets

_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_PIECE_SAMPLES = 1 << 14
"""Larger arrays are handed back to the system each time, and cleared by it anew."""

_GAP_SECONDS = 0.05
"""Time stamps may jump by this much: containers round them, and live recordings jitter."""

_LONGEST_GAP_SECONDS = 3600.0
"""A longer jump, or one backwards, is a broken clock: time goes on from where the sound ended."""

_LEAD_SECONDS, _WARM_SECONDS = 2.0, 0.5
"""So long before the wanted position a file is sought; the first of what a decoder then gives may be
wrong, because it lacks what came before, and is left out."""


@dataclass(frozen=True)
class Piece:
    """Samples in a row, at the file's own sample rate; `start_s` and `joined` as in `ssmttm.audio.streams.Block`."""

    start_s: float
    rate: int
    wave: np.ndarray  # float32 [n], mono, full scale 1.0; may hold samples that are not finite
    joined: bool


def decoded(source: Source, start_s: float = 0.0) -> Iterator[Piece]:
    """The samples of an encoded file, mono; cut into pieces of a fraction of a second, and wherever something changes.

    With `start_s` they begin up to 2 s before that position; where the file can't be sought, at its
    beginning. Ogg Vorbis of which FFmpeg gives nothing is libsndfile's, as in `container.probe`. Raises Undecodable.
    """
    some = False
    try:
        for piece in _by_ffmpeg(source, start_s):
            some = True
            yield piece
        return
    except Undecodable:
        info = None if some else vorbis.facts(source)
        if info is None:
            raise
    check_shape(info.sample_rate, info.channels)
    joined = False
    for position, wave in vorbis.blocks(source, max(start_s - _LEAD_SECONDS, 0.0)):
        yield Piece(position, info.sample_rate, wave, joined)
        joined = True


def _by_ffmpeg(source: Source, start_s: float) -> Iterator[Piece]:
    if start_s > _LEAD_SECONDS:
        with opened(source) as container:
            origin = _seek(container, start_s - _LEAD_SECONDS)
            if origin is not None:
                yield from _read(container, origin, _WARM_SECONDS)
                return
    some = False
    with opened(source) as container:
        for piece in _read(container, None, 0.0):
            some = True
            yield piece
    if not some:
        raise Undecodable("no sample could be decoded")


def _seek(container: av.container.InputContainer, start_s: float) -> float | None:
    """Go to a position counted from the first sample. Gives that one's time stamp, None if there is no going."""
    audio = container.streams.audio[0]
    for packet in packets(container):
        frames = frames_of(packet)
        if frames:
            origin = frames[0].pts
            break
    else:
        return None
    if origin is None or not audio.time_base:
        return None
    try:
        container.seek(origin + int(start_s / audio.time_base), stream=audio)
    except (FFmpegError, OverflowError):
        return None
    return float(origin * audio.time_base)


def _read(container: av.container.InputContainer, origin: float | None, warm_s: float) -> Iterator[Piece]:
    """Pieces from where the container stands; positions count from the time stamp `origin`, or the first one."""
    fifo, waiting = av.AudioFifo(), 0
    rate, channels, kind = 0, 0, ""
    position, joined, damaged = 0.0, False, False
    clock: float | None = None  # the time stamp that the next frame should have
    tick = float(container.streams.audio[0].time_base or 0)

    def taken() -> Iterator[Piece]:
        nonlocal position, joined, waiting
        if waiting and (held := fifo.read()) is not None:
            yield Piece(position, rate, _mono(held), joined)
            position += waiting / rate
            joined, waiting = True, 0

    for packet in packets(container):
        frames = frames_of(packet)
        damaged = damaged or frames is None or packet.is_corrupt
        for frame in frames or []:
            stamp = clock if frame.pts is None else frame.pts * tick
            jump = 0.0 if stamp is None or clock is None else stamp - clock
            gap = damaged or abs(jump) > _GAP_SECONDS or frame.sample_rate != rate
            if gap or frame.layout.nb_channels != channels or frame.format.name != kind:
                yield from taken()
                position += jump if gap and 0 < jump < _LONGEST_GAP_SECONDS else 0.0
                joined = joined and not gap
                fifo, damaged = av.AudioFifo(), False
                rate, channels, kind = frame.sample_rate, frame.layout.nb_channels, frame.format.name
                check_shape(rate, channels)
            samples = frame.samples
            if clock is None and stamp is not None and origin is not None:
                position = max(stamp - origin, 0.0)
            clock = None if stamp is None else stamp + samples / rate
            if warm_s > 0:
                warm_s -= samples / rate
                position += samples / rate
                continue
            frame.pts = None  # the buffer would insist on its own count
            fifo.write(frame)
            waiting += samples
            if waiting >= _PIECE_SAMPLES:
                yield from taken()
    yield from taken()


def _mono(frame: av.AudioFrame) -> np.ndarray:
    """The mean of a frame's channels, float32 `[samples]`, full scale 1.0."""
    kind = np.dtype(_DTYPES[frame.format.packed.name])
    channels, samples = frame.layout.nb_channels, frame.samples
    buffers: Sequence[Any] = frame.planes  # PyAV's types do not say that planes are buffers
    if frame.format.is_planar:
        planes = [np.frombuffer(plane, kind, samples) for plane in buffers]
    else:
        planes = list(np.frombuffer(buffers[0], kind, samples * channels).reshape(samples, channels).T)
    with np.errstate(over="ignore", invalid="ignore"):
        wave = planes[0].astype(np.float32)
        for plane in planes[1:]:
            wave += plane
    scale = 1.0 / channels
    if kind.kind == "u":  # 8 bit unsigned: silence is 128
        wave -= 128 * channels
    if kind.kind in "iu":
        scale /= 1 << (8 * kind.itemsize - 1)
    wave *= np.float32(scale)
    return wave
