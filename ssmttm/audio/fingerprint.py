"""What a recording is known by again: a hash of its samples and its chromaprint."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

import numpy as np

from ssmttm.audio.chromaprint import compressed
from ssmttm.audio.matching import SILENCE

HEARD_SECONDS = 120.0
"""A part of the beginning that is enough to know a recording by, as AcoustID does."""
_PART_STEPS = 945
"""Codes that are computed at once, from a part of a little less than two minutes. Their 117 s are a whole number of
samples at any rate: a code comes every 13/105 s."""
_PART_SECONDS = 117
_OVERLAP_SECONDS = 6.0
"""More than what a code is computed from, and what chromaprint leaves over at the end."""
_LONGEST_SECONDS = 7200.0
"""What lies beyond has no codes."""
_INAUDIBLE = 1e-4
_SCALED_PEAK = 0.9


@dataclass(frozen=True)
class Fingerprint:
    """One recording's hash and codes."""

    audio_sha256: str
    """Hex SHA-256 of all samples, as 16 bit integers."""
    codes: np.ndarray
    """Chromaprint, uint32 [n], one every `matching.CODE_SECONDS`; empty for silence and for less than 3 s.

    Of two hours at most.
    """


class Fingerprinter:
    """Takes a recording block by block, in memory for two minutes of samples."""

    def __init__(self, sample_rate: int) -> None:
        """`sample_rate` in Hz, of every block."""
        self._rate = sample_rate
        self._hash = hashlib.sha256()
        self._waiting: list[np.ndarray] = []
        self._held = 0  # samples
        self._codes: list[np.ndarray] = []

    def feed(self, wave: np.ndarray) -> None:
        """The next mono samples `[n]`, full scale 1.0; raises ValueError unless they are finite."""
        if wave.ndim != 1 or not np.isfinite(wave).all():
            raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
        self._hash.update(np.rint(np.clip(wave * 32768.0, -32768.0, 32767.0)).astype("<i2").tobytes())
        if len(wave) and len(self._codes) * _PART_SECONDS < _LONGEST_SECONDS:
            self._waiting.append(wave.astype(np.float32))  # a copy: the caller may reuse its block
            self._held += len(wave)
            self._take()

    def result(self) -> Fingerprint:
        """The fingerprint of what was fed so far; how it was cut into blocks makes no difference."""
        codes = np.concatenate([*self._codes, self._of(np.concatenate([np.zeros(0, np.float32), *self._waiting]))])
        return Fingerprint(self._hash.hexdigest(), codes if (codes != SILENCE).any() else codes[:0])

    def _take(self) -> None:
        """Compute the codes of every part that is complete."""
        step, size = _PART_SECONDS * self._rate, round((_PART_SECONDS + _OVERLAP_SECONDS) * self._rate)
        while self._held >= size:
            joined = np.concatenate(self._waiting)
            self._codes.append(self._of(joined[:size])[:_PART_STEPS])
            self._waiting, self._held = [joined[step:]], self._held - step

    def _of(self, wave: np.ndarray) -> np.ndarray:
        """The codes of samples `[n]` of one part."""
        peak = float(np.abs(wave).max(initial=0.0))
        if peak < _INAUDIBLE:
            # As many as of sound, so that what follows keeps its place.
            return np.full(_PART_STEPS if len(wave) > _PART_SECONDS * self._rate else 0, SILENCE)
        # Chromaprint takes 16 bit integers: a quiet part would lose its detail.
        scaled = wave * np.float32(_SCALED_PEAK / peak)
        return decode_codes(compressed(scaled, self._rate))


def decode_codes(text: str) -> np.ndarray:
    """The codes, uint32 [n], of a compressed chromaprint as AcoustID and fpcalc write it.

    The format: URL-safe base64 of one byte for the algorithm, three for n, and then the bits that
    differ from the code before, lowest first, each as the distance from the last one: three bits
    per distance, 0 ends a code, and 7 has five more bits to be added, after all the others.
    Raises ValueError for what is not of that format.
    """
    try:
        data = np.frombuffer(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), np.uint8)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"no chromaprint: {error}") from None
    if len(data) < 4:
        raise ValueError(f"no chromaprint: {len(data)} bytes")
    count = int.from_bytes(data[1:4].tobytes(), "big")
    distances = _packed(data[4:], 3)
    ends = np.flatnonzero(distances == 0)[:count]
    if len(ends) < count:
        raise ValueError(f"the chromaprint ends after {len(ends)} of {count} codes")
    distances = distances[: ends[-1] + 1 if count else 0].astype(np.int64)
    large = np.flatnonzero(distances == 7)
    rest = _packed(data[4 + -(-3 * len(distances) // 8) :], 5)
    if len(rest) < len(large):
        raise ValueError("the chromaprint ends within its large distances")
    distances[large] += rest[: len(large)]
    # Distances add up to bit numbers, from 1 and anew in each code.
    sums = np.cumsum(distances)
    row = np.searchsorted(ends, np.arange(len(distances)))
    bits = sums - np.concatenate([[0], sums[ends]])[row]
    marks = distances > 0
    if bits[marks].max(initial=0) > 32:
        raise ValueError("a code of the chromaprint has more than 32 bits")
    changes = np.zeros(count, np.uint32)
    np.bitwise_or.at(changes, row[marks], np.uint32(1) << (bits[marks] - 1).astype(np.uint32))
    return np.bitwise_xor.accumulate(changes)


def _packed(data: np.ndarray, width: int) -> np.ndarray:
    """Numbers of `width` bits, packed lowest bit first, as uint8."""
    bits: np.ndarray = np.unpackbits(data, bitorder="little")
    bits = bits[: len(bits) // width * width].reshape(-1, width)
    return np.packbits(bits, axis=1, bitorder="little")[:, 0] if len(bits) else np.zeros(0, np.uint8)
