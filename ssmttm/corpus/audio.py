"""Reading foreign audio: any codec FFmpeg knows, from bytes, with bounded time and memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import numpy as np
import soxr
from av.error import FFmpegError

_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,eac3,flac,flv,iff,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,"
    "ogg,oma,rm,tak,tta,voc,w64,wav,wv"
)
"""Formats that hold audio themselves. Playlists (hls, concat, …) are left out: they would make
FFmpeg open other files and addresses on behalf of an untrusted file."""

_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_HEAD_SECONDS = 5.0
_BLOCK_SAMPLES = 1 << 18


class Undecodable(Exception):
    """The bytes are not audio that can be decoded; the message says what is wrong."""


class TooLong(Exception):
    """The audio is longer than the caller's bound."""


@dataclass(frozen=True)
class Probe:
    """What a file says about itself."""

    duration_s: float
    sample_rate: int
    channels: int
    tags: dict[str, str]  # keys in lower case, of the container and of the audio stream


@contextmanager
def _opened(data: bytes) -> Iterator[av.container.InputContainer]:
    if not data:
        raise Undecodable("the file is empty")
    try:
        with av.open(
            io.BytesIO(data),
            metadata_errors="replace",
            options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"},
        ) as container:
            if not container.streams.audio:
                raise Undecodable("the file has no audio stream")
            yield container
    except (FFmpegError, ValueError, EOFError) as error:
        raise Undecodable(f"not decodable as audio: {error}") from error


def probe(data: bytes) -> Probe:
    """Duration and tags of encoded audio `data`, without decoding all of it.

    The duration is what the stream's packets span, not the header's claim, and the first
    seconds are decoded to see that there is sound at all. Raises Undecodable.
    """
    with _opened(data) as container:
        stream = container.streams.audio[0]
        tags = {k.lower(): v for k, v in {**container.metadata, **stream.metadata}.items()}
        head, first, last = 0, None, 0
        rate = stream.rate or 0
        for packet in container.demux(stream):
            if packet.pts is not None:
                first = packet.pts if first is None else min(first, packet.pts)
                last = max(last, packet.pts + (packet.duration or 0))
            if rate <= 0 or head < _HEAD_SECONDS * rate:
                for frame in _decode(packet):
                    head += frame.samples
                    rate = frame.sample_rate
        if not head or rate <= 0:
            raise Undecodable("no sample could be decoded")
        duration = float((last - first) * stream.time_base) if first is not None and stream.time_base else 0.0
        # A stream without time stamps is rare: fall back to the container, then to the head.
        duration = duration or (container.duration or 0) / av.time_base or head / rate
        return Probe(duration, rate, stream.channels, tags)


def _decode(packet: av.Packet) -> list[av.AudioFrame]:
    """Frames of one packet; a damaged packet gives none, as players do."""
    try:
        return packet.decode()
    except FFmpegError:
        return []


def decode(data: bytes, sample_rate: int, max_seconds: float) -> np.ndarray:
    """Mono samples `[n]` (float32) at `sample_rate` of encoded audio `data`.

    Channels are averaged. Peaks above 1.0, which lossy files do have, are kept; NaN and infinity
    become 0. Raises Undecodable, and TooLong as soon as more than `max_seconds` were decoded.
    """
    parts: list[np.ndarray] = []
    block: list[av.AudioFrame] = []
    stream: soxr.ResampleStream | None = None
    shape: tuple[int, str, int] = (0, "", 0)
    pending, seconds = 0, 0.0

    def flush(last: bool) -> None:
        nonlocal block, pending
        wave = _mono(block) if block else np.zeros(0, np.float32)
        block, pending = [], 0
        parts.append(stream.resample_chunk(wave, last=last) if stream is not None else wave)

    with _opened(data) as container:
        for packet in container.demux(container.streams.audio[0]):
            for frame in _decode(packet):
                found = (frame.sample_rate, frame.format.name, frame.layout.nb_channels)
                if found != shape:  # chained streams may change on the way
                    if shape[0]:
                        flush(last=shape[0] != found[0])
                    if shape[0] != found[0]:
                        same = found[0] == sample_rate
                        stream = None if same else soxr.ResampleStream(found[0], sample_rate, 1, "float32", "HQ")
                    shape = found
                block.append(frame)
                pending += frame.samples
                seconds += frame.samples / frame.sample_rate
                if seconds > max_seconds:
                    raise TooLong(f"longer than {max_seconds:g} s")
                if pending >= _BLOCK_SAMPLES:
                    flush(last=False)
    if not seconds:
        raise Undecodable("no sample could be decoded")
    flush(last=True)
    return np.concatenate(parts)


def _mono(frames: list[av.AudioFrame]) -> np.ndarray:
    """The mean of the channels of like frames, finite float32 `[samples]`, full scale 1.0.

    Reads the frames' memory directly: a conversion per frame would cost more than the decoding.
    """
    kind = np.dtype(_DTYPES[frames[0].format.packed.name])
    channels = frames[0].layout.nb_channels
    if frames[0].format.is_planar:
        planes = [
            np.concatenate([np.frombuffer(f.planes[c], kind, f.samples) for f in frames]) for c in range(channels)
        ]
    else:
        packed = np.concatenate([np.frombuffer(f.planes[0], kind, f.samples * channels) for f in frames])
        planes = [packed[c::channels] for c in range(channels)]
    wave = planes[0].astype(np.float32)
    for plane in planes[1:]:
        wave += plane
    wave /= channels
    if kind.kind == "u":  # 8 bit unsigned: silence is 128
        wave = (wave - 128.0) / 128.0
    elif kind.kind == "i":
        wave /= float(1 << (8 * kind.itemsize - 1))
    return np.nan_to_num(wave, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
