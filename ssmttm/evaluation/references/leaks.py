"""Does a reference set hold music that a model may have been trained on? By track id, and by sound.

A reference clip may be 10 s long, which is fewer codes than two tracks need to be compared as
duplicates (`ssmttm.audio.matching`), and the set is small. So here every alignment is tried: a few
probes of each reference, bit by bit, against each track of the data set. With a cap on a track's clips,
only its first two minutes have codes.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from ssmttm.evaluation.references.prompt_sets import Captioned

PROBES = (48, 32, 22, 16, 11)
"""Codes of one probe, those of a reference as long as it allows: 8.4, 6.4, 5.2, 4.4 or 3.8 s of sound."""

_MOST_PROBES = 4
"""Of a longer reference so many, spread evenly."""
_STRICTER = 3.0
"""See `threshold`."""
_SILENCE = np.uint32(627964279)
_MOST_SILENCE = 0.25
_LEAST_CHANGE = 0.1
"""Root mean square of a stretch's centered bits, below which it is taken for constant."""
_MOST_AT_ONCE = 2048


class Leak(NamedTuple):
    """A reference that is in the data set."""

    clip_id: str
    track_id: str
    """Of the data set."""
    how: str


def by_id(captioned: Iterable[Captioned], trained: Collection[str]) -> list[Leak]:
    """References whose track id is one of `trained`."""
    known = set(trained)
    return [Leak(c.clip_id, c.track_id, "same track id") for c in captioned if c.track_id in known]


def by_sound(
    references: Mapping[str, np.ndarray], tracks: Iterable[tuple[str, np.ndarray]], similarity: float
) -> tuple[list[Leak], list[str]]:
    """References that sound like a part of a track; and those that can't be compared.

    Codes are uint32 [n]. A reference of less than about 4 s, or of silence, has no probe. The similarity goes
    from 0.5 for unrelated music to 1, and must reach `threshold`. It is (1 + r) / 2, with the correlation r of
    the bits after each bit's mean over the probe is taken off: where every bit changes, the share of equal bits.
    Long-held sounds have bits that never change, and different ones agree in most of them.
    """
    probes, silent = _probes(references)
    best: dict[str, tuple[float, str]] = {}
    for track_id, codes in tracks:
        signs = _signs(codes)
        for length, (owners, wanted) in probes.items():
            if len(codes) < length:
                continue
            windows = _centered(_windows(signs, length))
            for start in range(0, len(owners), _MOST_AT_ONCE):
                similarities = (1 + (windows @ wanted[start : start + _MOST_AT_ONCE].T).max(axis=0)) / 2
                for i in np.flatnonzero(similarities >= threshold(length, similarity)):
                    owner = owners[start + i]
                    best[owner] = max(best.get(owner, (0.0, "")), (float(similarities[i]), track_id))
    leaks = [Leak(name, track, f"sounds alike: {alike:.2f}") for name, (alike, track) in sorted(best.items())]
    return leaks, silent


def threshold(length: int, similarity: float) -> float:
    """The similarity that a probe of `length` codes must reach where one of 48 must reach `similarity`.

    Chance agrees with fewer bits more often. Between 64,000 pairs of a probe and another track, the rate at which
    any similarity was exceeded says what a shorter probe needs so that its false hits stay as rare: 0.89 with 11
    codes for 0.80 with 48. Its distance from 1 shrinks in proportion to 1 / sqrt(length).
    """
    return 1 - (1 - similarity) * (1 - _STRICTER * (length**-0.5 - PROBES[0] ** -0.5))


def _probes(references: Mapping[str, np.ndarray]) -> tuple[dict[int, tuple[list[str], np.ndarray]], list[str]]:
    """By length, the owner of each probe and the probes centered, float32 [probes, length * 32]; who has none."""
    owners: dict[int, list[str]] = {}
    signs: dict[int, list[np.ndarray]] = {}
    without = []
    for clip_id, codes in references.items():
        length = next((n for n in PROBES if n <= len(codes)), 0)
        starts = _starts(codes, length) if length else []
        for start in starts:
            owners.setdefault(length, []).append(clip_id)
            signs.setdefault(length, []).append(_signs(codes[start : start + length]))
        if not starts:
            without.append(clip_id)
    return {n: (owners[n], _centered(np.stack(signs[n]))) for n in owners}, without


def _starts(codes: np.ndarray, length: int) -> list[int]:
    """Where the probes of a reference begin: spread evenly, those of silence left out."""
    count = min(_MOST_PROBES, len(codes) // length)
    starts = np.linspace(0, len(codes) - length, count).astype(int).tolist()
    return [start for start in starts if (codes[start : start + length] == _SILENCE).mean() <= _MOST_SILENCE]


def _windows(signs: np.ndarray, length: int) -> np.ndarray:
    """Every stretch of `length` rows of `signs` [n, 32], as [n - length + 1, length, 32]."""
    return np.lib.stride_tricks.sliding_window_view(signs, length, axis=0).transpose(0, 2, 1)


def _centered(signs: np.ndarray) -> np.ndarray:
    """[stretches, n, 32] without each bit's mean over the stretch, of unit length, float32 [stretches, n * 32].

    What hardly changes is left near zero, so that it resembles nothing.
    """
    centered = (signs - signs.mean(axis=1, keepdims=True)).reshape(len(signs), -1)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return centered / np.maximum(length, _LEAST_CHANGE * np.sqrt(centered.shape[1], dtype=np.float32))


def _signs(codes: np.ndarray) -> np.ndarray:
    """Bits as -1 and 1, those of silence as 0, float32 [n, 32]."""
    bits = (codes[:, None] >> np.arange(32, dtype=np.uint32)) & np.uint32(1)
    return np.where(codes[:, None] == _SILENCE, np.float32(0), 2 * bits.astype(np.float32) - 1)
