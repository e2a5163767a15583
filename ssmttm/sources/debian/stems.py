"""Songs that come as stems, one file per instrument, in a folder with a song.ini (Frets on Fire and its kin).

A stem alone is no music to learn from, and their sum is the song: they are in sync and were
balanced to be played together.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile

from ssmttm.audio.streams import TooLong, probe, stream
from ssmttm.files import atomic_path

_STEM = re.compile(r"(?:song|guitar(?:_coop)?|lead|rhythm|bass|drums?(?:_?\d)?|keys|vocals(?:_?\d)?)", re.IGNORECASE)
_CEILING = 0.99
_BLOCK = 1 << 16
_HIGHEST_RATE = 192_000


def is_stem(path: str) -> bool:
    """Whether a file's name is that of a stem, beside a song.ini. Previews and crowd noise are none."""
    return _STEM.fullmatch(PurePosixPath(path).stem) is not None


def mix(stems: Sequence[Path], target: Path, max_seconds: float) -> None:
    """Write the sum of the stems to `target`: FLAC, 16 bit, mono, at the highest of their sample rates.

    Stems that end earlier count as silent from there. The mix is turned down as a whole if a peak
    would lie above 0.99. The same stems give the same bytes. Memory doesn't grow with their
    length: they are decoded twice, first for the peak. Raises Undecodable, and TooLong when a stem
    is longer than `max_seconds`.
    """
    rate = min(max(probe(stem).sample_rate for stem in stems), _HIGHEST_RATE)
    peak = max((float(np.abs(block).max()) for block in _sums(stems, rate, max_seconds)), default=0.0)
    gain = np.float32(min(1.0, _CEILING / peak)) if peak > 0 else np.float32(1.0)
    with (
        atomic_path(target) as temporary,
        soundfile.SoundFile(temporary, "w", rate, 1, "PCM_16", format="FLAC") as file,
    ):
        for block in _sums(stems, rate, max_seconds):
            file.write(block * gain)


def _sums(stems: Sequence[Path], rate: int, max_seconds: float) -> Iterator[np.ndarray]:
    """The sum of the stems in blocks of float32 samples."""
    sources = [_blocks(_samples(stem, rate, max_seconds)) for stem in stems]
    while sources:
        blocks = [next(source, None) for source in sources]
        sources = [source for source, block in zip(sources, blocks) if block is not None]
        found = [block for block in blocks if block is not None]
        if found:
            total = np.zeros(max(map(len, found)), np.float32)
            for block in found:
                total[: len(block)] += block
            yield total


def _samples(path: Path, rate: int, max_seconds: float) -> Iterator[np.ndarray]:
    """A stem's samples from the song's start on, its gaps filled with silence."""
    position, most = 0, round(max_seconds * rate)
    for block in stream(path, rate):
        gap = 0 if block.joined else max(0, round(block.start_s * rate) - position)
        position += gap + len(block.wave)
        if position > most:
            raise TooLong(f"longer than {max_seconds:g} s")
        while gap:
            silence = np.zeros(min(gap, _BLOCK), np.float32)
            gap -= len(silence)
            yield silence
        yield block.wave


def _blocks(waves: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same samples in blocks of one length; the last may be shorter."""
    waiting: list[np.ndarray] = []
    count = 0
    for wave in waves:
        waiting.append(wave)
        count += len(wave)
        if count >= _BLOCK:
            joined = np.concatenate(waiting)
            whole = count - count % _BLOCK
            yield from np.split(joined[:whole], whole // _BLOCK)
            waiting, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)
