"""What a recording is known by again: a hash of its samples and its chromaprint."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

import numpy as np

from ssmttm.algorithms import standard

CODES_SECONDS = 120.0
"""The codes describe this much of the beginning, as AcoustID's do."""
_INAUDIBLE = 1e-4
_SCALED_PEAK = 0.9


@dataclass(frozen=True)
class Fingerprint:
    """One recording's hash and codes."""

    audio_sha256: str
    """Hex SHA-256 of all samples, as 16 bit integers."""
    codes: np.ndarray
    """Chromaprint, uint32 [n], one every `matching.CODE_SECONDS`; empty for silence and for less than 3 s."""


class Fingerprinter:
    """Takes a recording block by block, in memory bounded by its first two minutes."""

    def __init__(self, sample_rate: int) -> None:
        """`sample_rate` in Hz, of every block."""
        self._rate = sample_rate
        self._hash = hashlib.sha256()
        self._head: list[np.ndarray] = []
        self._wanted = round(CODES_SECONDS * sample_rate)

    def feed(self, wave: np.ndarray) -> None:
        """The next mono samples `[n]`, full scale 1.0; raises ValueError unless they are finite."""
        if wave.ndim != 1 or not np.isfinite(wave).all():
            raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
        self._hash.update(np.rint(np.clip(wave * 32768.0, -32768.0, 32767.0)).astype("<i2").tobytes())
        if self._wanted and len(wave):
            self._head.append(wave[: self._wanted].astype(np.float32))  # a copy: the caller may reuse its block
            self._wanted -= len(self._head[-1])

    def result(self) -> Fingerprint:
        """The fingerprint of what was fed so far; how it was cut into blocks makes no difference."""
        return Fingerprint(self._hash.hexdigest(), self._codes())

    def _codes(self) -> np.ndarray:
        wave = np.concatenate([np.zeros(0, np.float32), *self._head])
        peak = float(np.abs(wave).max(initial=0.0))
        if peak < _INAUDIBLE:
            return np.zeros(0, np.uint32)
        # Chromaprint takes 16 bit integers: a quiet recording would lose its detail.
        wave *= np.float32(_SCALED_PEAK / peak)
        return decode_codes(standard.Chromaprinter(sampleRate=self._rate, maxLength=0)(wave))


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
    bits = np.unpackbits(data, bitorder="little")
    bits = bits[: len(bits) // width * width].reshape(-1, width)
    return np.packbits(bits, axis=1, bitorder="little")[:, 0] if len(bits) else np.zeros(0, np.uint8)
