"""Recordings that sound alike, found by their chromaprints; memory and time linear in their number.

A code covers 2.5 s of sound in 32 bits, and those of different music are rarely equal. So pairs are
sought by equal codes, in one sorted list of all, and equal codes that follow one another in both
are votes for an alignment. What has three is compared bit by bit, and the stretch is sought where
both agree: recordings may have a part in common and differ before and after it. Of 4.4 million pairs
of two minutes of different music, 236 had three votes, 14 had four and none had more; a copy that was
remastered and encoded at 64 kbit/s has one in a hundred codes at least.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CODE_SECONDS = 1365 / 11025
"""From one code to the next: chromaprint's step in samples over its rate."""

SILENCE = np.uint32(627964279)
"""The code of digital silence: all it says is that there is nothing."""
_KEY_RUNS = ((0, 0, 4), (5, 4, 1), (7, 5, 3), (11, 8, 5), (17, 13, 15))
"""Bits in a row, first in a code, first in a key, how many: all but the four that mastering changes most often."""
_SHORTEST = 60
"""Codes that two recordings must have in common: 10 s of sound."""
_SHARE = 0.5
"""The part of the shorter recording that is enough to be in the other one."""
_LONG = 484
"""So many codes are enough in any case: a minute."""
_ALIKE = 0.65
"""The share of equal bits above which a code speaks for its stretch, between that of copies and of different music."""
_VOTES = 3
"""Equal codes, at the same distance, that a comparison needs."""
_CODES_PER_VOTE = 160
"""More votes are needed where more is compared: one in so many codes."""
_JITTER = 1
"""Codes by which equal ones may stand apart: a trim is no whole number of steps."""
_ATTEMPTS = 4
"""Alignments that are tried, those with most votes first."""
_NEIGHBOURS = 24
"""Recordings with one code in common are compared with so many of their like, not with all."""
_PAIRS_AT_ONCE = 1 << 24
_ENTRIES_AT_ONCE = 1 << 23

_TRACK_BITS, _POSITION_BITS = 20, 16
MOST_TRACKS = 1 << _TRACK_BITS
MOST_CODES = 1 << _POSITION_BITS


class Match(NamedTuple):
    """How two recordings agree where they do best."""

    similarity: float
    """The share of equal bits, 0 to 1; about 0.5 for unrelated music."""
    offset: int
    """Codes by which the second recording begins after the first."""
    overlap: int
    """Codes that both have in common: silence doesn't count."""


def compare(a: np.ndarray, b: np.ndarray) -> Match | None:
    """The best alignment of codes `a` and `b`, uint32 [n]; None if nothing speaks for any.

    They need 10 s in common, and half of the shorter recording or a minute; and three equal codes at the
    same distance, one in twenty seconds if that is more.
    """
    (keys_a, at_a), (keys_b, at_b) = _first(a), _first(b)
    _, in_a, in_b = np.intersect1d(keys_a, keys_b, assume_unique=True, return_indices=True)
    offsets = np.sort(at_a[in_a] - at_b[in_b])
    if len(offsets) < _VOTES:
        return None
    votes = np.searchsorted(offsets, offsets + 2 * _JITTER, side="right") - np.arange(len(offsets))
    best: Match | None = None
    tried: set[int] = set()
    for i in np.argsort(-votes, kind="stable")[:_ATTEMPTS]:
        if votes[i] < _VOTES:
            break
        for offset in range(int(offsets[i]), int(offsets[i]) + 2 * _JITTER + 1):
            if offset in tried:
                continue
            tried.add(offset)
            found = _aligned(a, b, offset)
            if found is None or found.overlap > votes[i] * _CODES_PER_VOTE:
                continue
            if best is None or found.similarity > best.similarity:
                best = found
    return best


def _first(codes: np.ndarray, part: int = 0, parts: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The different keys of a recording that are `part` modulo `parts`, sorted, and where each stands first."""
    every = _packed(codes)
    wanted = np.flatnonzero((every != _packed(SILENCE)) & (every % np.uint32(parts) == part))
    keys, at = np.unique(every[wanted], return_index=True)
    return keys, wanted[at]


def _packed(codes: np.ndarray | np.uint32) -> np.ndarray:
    """The 28 bits of codes that count."""
    runs = [(codes >> np.uint32(a) & np.uint32((1 << n) - 1)) << np.uint32(b) for a, b, n in _KEY_RUNS]
    return np.bitwise_or.reduce(runs)


def _aligned(a: np.ndarray, b: np.ndarray, offset: int) -> Match | None:
    """How `a` agrees with a `b` that begins `offset` codes later, where it does best; None for too little in common."""
    length = min(len(a) - max(offset, 0), len(b) - max(-offset, 0))
    if length < _SHORTEST:
        return None
    part_a, part_b = a[max(offset, 0) :][:length], b[max(-offset, 0) :][:length]
    sound = (part_a != SILENCE) & (part_b != SILENCE)
    equal = (32 - np.bitwise_count(part_a ^ part_b)) * sound
    # The stretch with the greatest sum: where both agree, with what little differs inside.
    sums = np.append(0.0, np.cumsum(equal / 32 - _ALIKE * sound))
    end = int(np.argmax(sums - np.minimum.accumulate(sums)))
    start = int(np.argmin(sums[: end + 1]))
    overlap = int(sound[start:end].sum())
    if overlap < max(_SHORTEST, min(_SHARE * min(sounding(a), sounding(b)), _LONG)):
        return None
    return Match(int(equal[start:end].sum()) / (32 * overlap), offset, overlap)


def sounding(codes: np.ndarray) -> int:
    """How many of the codes aren't silence."""
    return int(np.count_nonzero(codes != SILENCE))


def candidates(recordings: Sequence[np.ndarray]) -> np.ndarray:
    """Pairs (i, j), i < j, int64 [pairs, 2], sorted, of recordings that `compare` may find alike.

    Each recording is its codes, uint32 [n]. Every pair of recordings with three votes is
    found, except where more than 24 others, too, hold those codes: then each is paired with the 24
    that follow it, which still links them all. Raises ValueError beyond `MOST_TRACKS` recordings, or
    for more than `MOST_CODES` codes of one.
    """
    if len(recordings) > MOST_TRACKS or any(len(codes) > MOST_CODES for codes in recordings):
        raise ValueError(f"at most {MOST_TRACKS} recordings of {MOST_CODES} codes each can be compared")
    total = sum(map(len, recordings))
    parts = 1 + total // _ENTRIES_AT_ONCE
    # Room for all that could be shared; the system gives memory only for what is filled.
    shared, neighbours, filled = np.empty(total, np.uint64), np.empty(total, np.uint8), 0
    for part in range(parts):
        found = _shared(_entries(recordings, part, parts))
        shared[filled : filled + len(found)] = found
        neighbours[filled : filled + len(found)] = _neighbours(found)
        filled += len(found)
    shared, neighbours = shared[:filled], neighbours[:filled]
    parts = 1 + int(neighbours.sum(dtype=np.int64)) // _PAIRS_AT_ONCE
    pairs = np.sort(np.concatenate([_voted(shared, neighbours, part, parts) for part in range(parts)]))
    return np.stack([pairs >> _TRACK_BITS, pairs & (MOST_TRACKS - 1)], axis=1)


def _tracks(entries: np.ndarray) -> np.ndarray:
    """The recordings of packed entries, int64 [n]."""
    return (entries >> np.uint64(_POSITION_BITS)).astype(np.int64) & (MOST_TRACKS - 1)


def _positions(entries: np.ndarray) -> np.ndarray:
    """The positions of packed entries, int64 [n]."""
    return entries.astype(np.int64) & (MOST_CODES - 1)


def _entries(recordings: Sequence[np.ndarray], part: int, parts: int) -> np.ndarray:
    """Key, recording and position of every key's first occurrence, packed into uint64 [n], sorted.

    Only of the keys that are `part` modulo `parts`.
    """
    found = [np.zeros(0, np.uint64)]
    for i, codes in enumerate(recordings):
        if len(codes) < _SHORTEST:
            continue
        keys, at = _first(codes, part, parts)
        packed = (keys.astype(np.uint64) << np.uint64(_TRACK_BITS) | np.uint64(i)) << np.uint64(_POSITION_BITS)
        found.append(packed | at.astype(np.uint64))
    entries = np.concatenate(found)
    del found
    entries.sort()
    return entries


def _shared(entries: np.ndarray) -> np.ndarray:
    """Those of the sorted entries whose key more than one recording has."""
    keep = np.zeros(len(entries), bool)
    for start in range(0, len(entries) - 1, _PAIRS_AT_ONCE):
        keys = entries[start : start + _PAIRS_AT_ONCE + 1] >> np.uint64(_TRACK_BITS + _POSITION_BITS)
        same = keys[1:] == keys[:-1]
        keep[start : start + len(same)] |= same
        keep[start + 1 : start + 1 + len(same)] |= same
    return entries[keep]


def _neighbours(entries: np.ndarray) -> np.ndarray:
    """With how many of the sorted entries after it each one is paired, uint8 [n]: those of its key."""
    keys = (entries >> np.uint64(_TRACK_BITS + _POSITION_BITS)).astype(np.uint32)
    last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True)) if len(keys) else np.zeros(0, np.int64)
    ends = np.repeat(last, np.diff(last, prepend=-1))
    return np.minimum(ends - np.arange(len(keys)), _NEIGHBOURS).astype(np.uint8)


def _voted(entries: np.ndarray, neighbours: np.ndarray, part: int, parts: int) -> np.ndarray:
    """Pairs with enough votes, packed into int64, of the recordings i whose number is `part` modulo `parts`."""
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(entries), _ENTRIES_AT_ONCE):
        rows = slice(start, start + _ENTRIES_AT_ONCE)
        found.append(start + np.flatnonzero((neighbours[rows] > 0) & (_tracks(entries[rows]) % parts == part)))
    mine = np.concatenate(found)
    left = neighbours[mine]
    votes = []
    for step in range(1, _NEIGHBOURS + 1):
        mine, left = mine[left >= step], left[left >= step]
        one, other = entries[mine], entries[mine + step]
        pair = _tracks(one) << _TRACK_BITS | _tracks(other)
        # Offsets lie within ±MOST_CODES: no two pairs' votes touch.
        votes.append((pair << (_POSITION_BITS + 2)) + (_positions(one) - _positions(other) + MOST_CODES))
    sorted_votes = np.sort(np.concatenate(votes))
    close = sorted_votes[_VOTES - 1 :] - sorted_votes[: 1 - _VOTES] <= 2 * _JITTER
    return np.unique(sorted_votes[: 1 - _VOTES][close] >> (_POSITION_BITS + 2))
