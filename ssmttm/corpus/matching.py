"""Recordings that sound alike, found by their chromaprints; memory and time linear in their number.

A code covers 2.5 s of sound in 32 bits, and those of different music are rarely equal. So pairs are
sought by equal codes, in one sorted list of all, and equal codes that follow one another in both
are votes for an alignment. What has three is compared bit by bit. Of 4.4 million pairs of two minutes
of different music, 236 had three votes, 14 had four and none had more; a copy that was remastered and
encoded at 64 kbit/s has one in a hundred codes at least.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CODE_SECONDS = 1365 / 11025
"""From one code to the next: chromaprint's step in samples over its rate."""

_SILENCE = np.uint32(627964279)
"""The code of digital silence: all it says is that there is nothing."""
_KEY_BITS = np.uint32(0xFFFEFBAF)
"""Without the four bits that mastering changes most often."""
_SHORTEST = 60
"""Codes that two recordings must have in common: 10 s of sound."""
_SHARE = 0.5
"""The least part of the shorter recording that must be in the other one."""
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

_TRACK_BITS, _POSITION_BITS = 20, 12
MOST_TRACKS = 1 << _TRACK_BITS
MOST_CODES = 1 << _POSITION_BITS


class Match(NamedTuple):
    """How two recordings agree where they do best."""

    similarity: float
    """The share of equal bits, 0 to 1; about 0.5 for unrelated music."""
    offset: int
    """Codes by which the second recording begins after the first."""
    overlap: int
    """Codes that were compared: silence doesn't count."""


def compare(a: np.ndarray, b: np.ndarray) -> Match | None:
    """The best alignment of codes `a` and `b`, uint32 [n]; None if nothing speaks for any.

    They need three equal codes at the same distance, for two minutes six, and 10 s and half of the
    shorter recording in common.
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


def _first(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different keys of a recording, sorted, and where each stands first."""
    keys, at = np.unique(codes & _KEY_BITS, return_index=True)
    sound = keys != (_SILENCE & _KEY_BITS)
    return keys[sound], at[sound]


def _aligned(a: np.ndarray, b: np.ndarray, offset: int) -> Match | None:
    """How `a` agrees with a `b` that begins `offset` codes later; None for too little in common."""
    length = min(len(a) - max(offset, 0), len(b) - max(-offset, 0))
    if length < _SHORTEST:
        return None
    part_a, part_b = a[max(offset, 0) :][:length], b[max(-offset, 0) :][:length]
    sound = (part_a != _SILENCE) & (part_b != _SILENCE)
    overlap = int(sound.sum())
    shorter = min(int((a != _SILENCE).sum()), int((b != _SILENCE).sum()))
    if overlap < max(_SHORTEST, _SHARE * shorter):
        return None
    unequal = int(np.bitwise_count((part_a ^ part_b)[sound]).sum())
    return Match(1.0 - unequal / (32 * overlap), offset, overlap)


def candidates(recordings: Sequence[np.ndarray]) -> np.ndarray:
    """Pairs (i, j), i < j, int64 [pairs, 2], sorted, of recordings that `compare` may find alike.

    Each recording is its codes, uint32 [n]. Every pair of recordings with three votes is
    found, except where more than 24 others, too, hold those codes: then each is paired with the 24
    that follow it, which still links them all. Raises ValueError beyond `MOST_TRACKS` recordings, or
    for more than `MOST_CODES` codes of one.
    """
    entries = _entries(recordings)
    entries.sort()
    shared = _shared(entries)
    del entries
    code = (shared >> np.uint64(_TRACK_BITS + _POSITION_BITS)).astype(np.uint32)
    track = (shared >> np.uint64(_POSITION_BITS)).astype(np.uint32) & np.uint32(MOST_TRACKS - 1)
    position = shared.astype(np.int32) & np.int32(MOST_CODES - 1)
    del shared
    neighbours = _neighbours(code)
    parts = 1 + int(neighbours.sum()) // _PAIRS_AT_ONCE
    found = [_voted(track, position, neighbours, part, parts) for part in range(parts)]
    pairs = np.sort(np.concatenate(found))
    return np.stack([pairs >> _TRACK_BITS, pairs & (MOST_TRACKS - 1)], axis=1)


def _entries(recordings: Sequence[np.ndarray]) -> np.ndarray:
    """Key, recording and position of every key's first occurrence, packed into uint64 [n]."""
    if len(recordings) > MOST_TRACKS or any(len(codes) > MOST_CODES for codes in recordings):
        raise ValueError(f"at most {MOST_TRACKS} recordings of {MOST_CODES} codes each can be compared")
    entries = np.empty(sum(map(len, recordings)), np.uint64)
    filled = 0
    for i, codes in enumerate(recordings):
        if len(codes) < _SHORTEST:
            continue
        keys, at = _first(codes)
        packed = (keys.astype(np.uint64) << np.uint64(_TRACK_BITS) | np.uint64(i)) << np.uint64(_POSITION_BITS)
        entries[filled : filled + len(keys)] = packed | at.astype(np.uint64)
        filled += len(keys)
    return entries[:filled]


def _shared(entries: np.ndarray) -> np.ndarray:
    """Those of the sorted entries whose key more than one recording has."""
    keep = np.zeros(len(entries), bool)
    for start in range(0, len(entries) - 1, _PAIRS_AT_ONCE):
        keys = entries[start : start + _PAIRS_AT_ONCE + 1] >> np.uint64(_TRACK_BITS + _POSITION_BITS)
        same = keys[1:] == keys[:-1]
        keep[start : start + len(same)] |= same
        keep[start + 1 : start + 1 + len(same)] |= same
    return entries[keep]


def _neighbours(code: np.ndarray) -> np.ndarray:
    """With how many of the entries after it each one is paired, uint8 [n]; `code` is sorted."""
    last = np.flatnonzero(np.append(code[1:] != code[:-1], True)) if len(code) else np.zeros(0, np.int64)
    ends = np.repeat(last, np.diff(last, prepend=-1))
    return np.minimum(ends - np.arange(len(code)), _NEIGHBOURS).astype(np.uint8)


def _voted(track: np.ndarray, position: np.ndarray, neighbours: np.ndarray, part: int, parts: int) -> np.ndarray:
    """Pairs with enough votes, packed into int64, of the recordings i whose number is `part` modulo `parts`."""
    mine = np.flatnonzero((neighbours > 0) & (track % parts == part))
    left = neighbours[mine]
    votes = []
    for step in range(1, _NEIGHBOURS + 1):
        mine, left = mine[left >= step], left[left >= step]
        pair = track[mine].astype(np.int64) << _TRACK_BITS | track[mine + step]
        # Offsets lie within ±MOST_CODES: no two pairs' votes touch.
        votes.append((pair << (_POSITION_BITS + 2)) + (position[mine] - position[mine + step] + MOST_CODES))
    sorted_votes = np.sort(np.concatenate(votes))
    close = sorted_votes[_VOTES - 1 :] - sorted_votes[: 1 - _VOTES] <= 2 * _JITTER
    return np.unique(sorted_votes[: 1 - _VOTES][close] >> (_POSITION_BITS + 2))
