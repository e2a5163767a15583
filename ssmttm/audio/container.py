"""Foreign audio files as containers: what FFmpeg may open, and what a file says about itself."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError

from ssmttm.audio import vorbis

Source = bytes | Path
"""An encoded audio file: its bytes, or where it lies."""

_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,ircam,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,nistsphere,nut,ogg,oma,qoa,rm,shn,sox,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
"""Formats that hold audio themselves. Playlists (hls, concat, …) are left out: they would make
FFmpeg open other files and addresses on behalf of an untrusted file."""

_HEAD_SECONDS = 5.0
_END_SECONDS, _AGREEING_SECONDS = 3.0, 0.5
_LONGEST_PACKET_SECONDS = 60.0
"""A packet that says it is longer is the last of an Ogg file whose end has a wrapped or broken time stamp."""

_RATES = range(1000, 768_001)
_MOST_CHANNELS = 64


class Undecodable(Exception):
    """The bytes are not audio that can be decoded; the message says what is wrong."""


@dataclass(frozen=True)
class Probe:
    """What a file says about itself."""

    duration_s: float
    sample_rate: int
    channels: int
    tags: dict[str, str]  # keys in lower case, of the container and of the audio stream
    codec: str = ""  # FFmpeg's name: mp3, vorbis, flac, pcm_s16le, …
    bit_rate: float | None = None  # of the audio, bit/s; None if unknown
    lossless: bool = False


@contextmanager
def opened(source: Source) -> Iterator[av.container.InputContainer]:
    """The file as a container that has an audio stream; raises Undecodable, also for FFmpeg's errors inside the block.

    FFmpeg reads through the given file only: it can open nothing else.
    """
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
            if not file.read(1):
                raise Undecodable("the file is empty")
            file.seek(0)
            with av.open(
                file,
                mode="r",
                metadata_errors="replace",
                options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"},
            ) as container:
                if not container.streams.audio:
                    raise Undecodable("the file has no audio stream")
                if container.streams.audio[0].codec_context is None:
                    raise Undecodable("not decodable as audio: its codec is unknown")
                container.streams.audio[0].codec_context.thread_count = 1
                yield container
    except FFmpegError as error:
        raise Undecodable(f"not decodable as audio: {error.strerror}") from error
    except (ValueError, EOFError) as error:
        raise Undecodable(f"not decodable as audio: {error}") from error


def packets(container: av.container.InputContainer) -> Iterator["av.Packet[av.AudioStream]"]:
    """The packets of the first audio stream; a container that breaks off ends there."""
    try:
        yield from container.demux(container.streams.audio[0])
    except FFmpegError:
        return


def _length(packet: "av.Packet[av.AudioStream]") -> int:
    """Ticks that a packet lasts; 0 if it doesn't say, or nothing that can be."""
    length = packet.duration or 0
    return length if length * float(packet.time_base or 0) <= _LONGEST_PACKET_SECONDS else 0


def frames_of(packet: "av.Packet[av.AudioStream]") -> list[av.AudioFrame] | None:
    """The frames of one packet, None for a damaged one."""
    try:
        return packet.decode()
    except FFmpegError:
        return None


def check_shape(rate: int, channels: int) -> None:
    """Raises Undecodable for what no music has: it would take much memory to resample."""
    if rate not in _RATES:
        raise Undecodable(f"{rate} samples per second")
    if not 0 < channels <= _MOST_CHANNELS:
        raise Undecodable(f"{channels} channels")


def glance(source: Source) -> Probe:
    """As `probe`, in a fraction of the time: a header's duration is believed if the file's end agrees.

    Raises Undecodable.
    """
    with suppress(Undecodable), opened(source) as container:
        stated = (container.duration or 0) / av.time_base
        if stated > _END_SECONDS:
            found = _end(container, stated - _END_SECONDS)
            if found is not None and abs(found - stated) < _AGREEING_SECONDS:
                return _described(container, found, None)
    return probe(source)


def _end(container: av.container.InputContainer, start_s: float) -> float | None:
    """The position of the end by the packets from `start_s` on; None if they don't tell."""
    audio = container.streams.audio[0]
    if not audio.time_base or audio.start_time is None:
        return None
    try:
        container.seek(audio.start_time + int(start_s / audio.time_base), stream=audio)
    except (FFmpegError, OverflowError):
        return None
    ends = [packet.pts + _length(packet) for packet in packets(container) if packet.pts is not None]
    return float((max(ends) - audio.start_time) * audio.time_base) if ends else None


def probe(source: Source) -> Probe:
    """What an encoded audio file is, without decoding all of it.

    The duration is what the stream's packets span, not the header's claim, and the first
    seconds are decoded to see that there is sound at all. Ogg Vorbis that FFmpeg refuses is
    libsndfile's. Raises Undecodable.
    """
    try:
        return _probe(source)
    except Undecodable:
        found = vorbis.facts(source)
        if found is None:
            raise
        check_shape(found.sample_rate, found.channels)
        return Probe(found.seconds, found.sample_rate, found.channels, found.tags, "vorbis", found.bit_rate)


def _probe(source: Source) -> Probe:
    with opened(source) as container:
        head, rate, size = 0, 0, 0
        first, last, total = math.inf, -math.inf, 0
        for packet in packets(container):
            length = _length(packet)
            size += packet.size
            total += length
            if packet.pts is not None:
                first, last = min(first, packet.pts), max(last, packet.pts + length)
            if not rate or head < _HEAD_SECONDS * rate:
                for frame in frames_of(packet) or []:
                    check_shape(frame.sample_rate, frame.layout.nb_channels)
                    head += frame.samples
                    rate = frame.sample_rate
        if not head:
            raise Undecodable("no sample could be decoded")
        # Chained files start their clock anew: then the packets' lengths say more than their time stamps.
        duration = max(last - first, total) * float(container.streams.audio[0].time_base or 0)
        return _described(container, duration or head / rate, size)


def _described(container: av.container.InputContainer, duration: float, size: int | None) -> Probe:
    stream = container.streams.audio[0]
    tags = {k.lower(): v for k, v in {**container.metadata, **stream.metadata}.items()}
    if not duration and container.duration:
        duration = container.duration / av.time_base
    bit_rate = 8 * size / duration if size else stream.bit_rate or container.bit_rate
    codec = stream.codec_context.codec
    lossless = codec.lossless and (not codec.lossy or codec.canonical_name == "wavpack")
    return Probe(
        duration, stream.rate or 0, stream.channels, tags, codec.canonical_name, float(bit_rate or 0) or None, lossless
    )
