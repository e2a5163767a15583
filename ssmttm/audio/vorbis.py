"""Ogg Vorbis by libsndfile, for files that FFmpeg refuses: their headers come twice, for one.

libvorbis passes over what isn't audio. It says nothing of damage, so there are no gaps in what it gives.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile

_SAMPLES = 1 << 14
_MOST_SECONDS = 1 << 22
"""A stream that says it is longer doesn't know its length."""

_MOST_PACKETS_BYTES = 16 << 20
_LIKE_FFMPEG = {"albumartist": "album_artist", "tracknumber": "track", "discnumber": "disc", "description": "comment"}


class Facts(NamedTuple):
    """What a file says about itself."""

    seconds: float
    sample_rate: int
    channels: int
    tags: dict[str, str]
    """Keys in lower case, called as FFmpeg calls them."""
    bit_rate: float
    """Bit/s, of the file."""


def facts(source: bytes | Path) -> Facts | None:
    """What the file says about itself; None if it is no Ogg Vorbis, or can't be decoded."""
    with _file(source) as file:
        if not next(_packets(file), b"").startswith(b"\x01vorbis"):
            return None
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            with soundfile.SoundFile(file) as sound:
                seconds, rate, channels = sound.frames / sound.samplerate, sound.samplerate, sound.channels
                if seconds > _MOST_SECONDS or not len(sound.read(_SAMPLES, "float32")):
                    return None
        except soundfile.LibsndfileError:
            return None
    return Facts(seconds, rate, channels, comments(source), 8 * size / seconds)


def blocks(source: bytes | Path, start_s: float) -> Iterator[tuple[float, np.ndarray]]:
    """Samples from `start_s` on, as (position in s, float32 `[n]`: the mean of the channels), for a file with `facts`.

    Ends where nothing more can be decoded.
    """
    try:
        with _file(source) as file, soundfile.SoundFile(file) as sound:
            at = min(round(start_s * sound.samplerate), sound.frames)
            sound.seek(at)
            while len(wave := sound.read(_SAMPLES, "float32", always_2d=True)):
                yield at / sound.samplerate, wave.sum(axis=1) * np.float32(1 / sound.channels)
                at += len(wave)
    except soundfile.LibsndfileError:
        return


def comments(source: bytes | Path) -> dict[str, str]:
    """The Vorbis comments of the first stream, as FFmpeg gives them: repeated keys joined by semicolons."""
    with _file(source) as file:
        packets = _packets(file)
        next(packets, b"")
        packet = io.BytesIO(next(packets, b""))
    if packet.read(7) != b"\x03vorbis":
        return {}
    _text(packet)  # the encoder's maker
    tags: dict[str, str] = {}
    for _ in range(_number(packet)):
        key, found, value = _text(packet).partition("=")
        if not key:
            break
        if found:
            name = _LIKE_FFMPEG.get(key.lower(), key.lower())
            tags[name] = f"{tags[name]};{value}" if name in tags else value
    return tags


def _number(packet: BinaryIO) -> int:
    return int.from_bytes(packet.read(4), "little")


def _text(packet: BinaryIO) -> str:
    return packet.read(_number(packet)).decode("utf-8", "replace")


def _packets(file: BinaryIO) -> Iterator[bytes]:
    """The packets of an Ogg file with one stream, up to a bound of bytes."""
    packet = b""
    while file.tell() < _MOST_PACKETS_BYTES and len(head := file.read(27)) == 27 and head.startswith(b"OggS"):
        for length in file.read(head[26]):
            packet += file.read(length)
            if length < 255:
                yield packet
                packet = b""


class _Memory(io.BytesIO):
    """Bytes in which libsndfile may ask for a place before the first; Python would tell about that on stderr."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return super().seek(offset, whence)
        except ValueError:
            return -1


def _file(source: bytes | Path) -> BinaryIO:
    return _Memory(source) if isinstance(source, bytes) else open(source, "rb")
