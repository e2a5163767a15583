"""The samples of foreign audio files: any codec FFmpeg knows, as a stream in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from ssmttm.audio.container import Probe, Source, Undecodable, glance, probe
from ssmttm.audio.decoding import Piece, decoded

__all__ = [
    "Block",
    "NotFinite",
    "Probe",
    "Source",
    "TooLong",
    "Undecodable",
    "decode",
    "glance",
    "probe",
    "stream",
]

_LOUDEST = 1e6
"""+120 dBFS. No sound is that loud: such a sample is as good as not a number."""

_SHORTEST_SECONDS = 0.1
"""Shorter stretches between samples that are no numbers are left out."""


class TooLong(Exception):
    """The audio is longer than the caller's bound."""


class NotFinite(Undecodable):
    """The file can be decoded, but no sample is a finite number."""


@dataclass(frozen=True)
class Block:
    """Some samples in a row.

    `start_s` is the position by the file's time stamps, counted from the first sample; it never
    goes back. `joined` is False after a gap: what came before does not lead into these samples.
    """

    start_s: float
    wave: np.ndarray  # float32 [n], mono, full scale 1.0; lossy files have peaks above
    joined: bool


def stream(source: Source, sample_rate: int, start_s: float = 0.0) -> Iterator[Block]:
    """The audio of an encoded file at `sample_rate`, block by block; channels are averaged.

    With `start_s` it begins a little before that position; where the file can't be sought, at its beginning.
    Positions are then as exact as the time stamps are: to 10 ms in Vorbis, to 1 ms in Matroska.

    A gap is where the time stamps jump, a packet is damaged, the sample rate changes or samples are
    not finite. Resampling starts anew there, so that nothing rings across. A file that is cut off
    ends there. Raises Undecodable when there is no sample at all, and its kind NotFinite when none is finite.
    """
    resampler: soxr.ResampleStream | None = None
    rate, start, done, joined = 0, 0.0, 0, False

    def block(wave: np.ndarray) -> Iterator[Block]:
        nonlocal done, joined
        if len(wave):
            yield Block(start + done / sample_rate, wave, joined)
            done += len(wave)
            joined = True

    for piece in _finite_pieces(source, start_s):
        if not piece.joined:
            if resampler is not None:
                yield from block(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
            rate = piece.rate
            resampler = soxr.ResampleStream(rate, sample_rate, 1, "float32", "HQ") if rate != sample_rate else None
            start, done, joined = piece.start_s, 0, False
        yield from block(piece.wave if resampler is None else resampler.resample_chunk(piece.wave))
    if resampler is not None:
        yield from block(resampler.resample_chunk(np.zeros(0, np.float32), last=True))


def decode(source: Source, sample_rate: int, max_seconds: float) -> np.ndarray:
    """Mono samples `[n]` (float32) at `sample_rate` of an encoded file; what `stream` leaves out is left out here.

    Raises Undecodable, and TooLong as soon as more than `max_seconds` were decoded.
    """
    waves, samples = [], 0
    for block in stream(source, sample_rate):
        waves.append(block.wave)
        samples += len(block.wave)
        if samples > max_seconds * sample_rate + 1:
            raise TooLong(f"longer than {max_seconds:g} s")
    return np.concatenate(waves)


def _finite_pieces(source: Source, start_s: float) -> Iterator[Piece]:
    """What can be decoded, without the samples that are not finite."""
    some = finite = joined = False
    for piece in decoded(source, start_s):
        some, joined, done = True, joined and piece.joined, 0
        for first, end in _finite(piece.wave, round(_SHORTEST_SECONDS * piece.rate)):
            joined = joined and first == done
            yield Piece(piece.start_s + first / piece.rate, piece.rate, piece.wave[first:end], joined)
            finite, joined, done = True, True, end
        joined = joined and done == len(piece.wave)
    if not some:
        raise Undecodable("no sample could be decoded")
    if not finite:
        raise NotFinite("no sample is a finite number")


def _finite(wave: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """Stretches [first, end) of finite samples; inside the wave, those of at least `shortest` samples."""
    if wave.min() > -_LOUDEST and wave.max() < _LOUDEST:
        return [(0, len(wave))]
    good = np.abs(wave) < _LOUDEST
    edges = np.flatnonzero(np.diff(good, prepend=False, append=False)).reshape(-1, 2).tolist()
    return [(a, b) for a, b in edges if b - a >= shortest or a == 0 or b == len(wave)]
