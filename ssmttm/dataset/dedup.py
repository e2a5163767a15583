"""Which recordings are there more than once, and which one of them is kept.

Exact duplicates have the same samples, whatever their container and tags. Near ones hold the same
recording by its sound: encoded again, trimmed, louder, remastered, or in part, where the part makes up
half of the shorter one or lasts a minute. A cover, another take or a remix is no duplicate, and
neither is a change of speed.

Likeness is no equivalence: A may resemble B, and B C, while A and C share nothing. So groups are
not merged by chains. The recordings are gone through from best to worst, and each that duplicates
one that is kept already is left out in favour of that one. Hence no two of the kept ones are
duplicates, and each one left out is listed with a recording that it was compared with. What holds
most of another recording, and twice as much and more besides, comes before it, whatever their
licenses: so music is lost last.
"""

import heapq
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from ssmttm.audio.matching import CODE_SECONDS, Match, candidates, compare, sounding
from ssmttm.licenses.elements import strictness
from ssmttm.rows import DuplicateRow


@dataclass(frozen=True)
class Recording:
    """One track's fingerprint, and what makes it better or worse than another."""

    track_id: str
    license: str
    """SPDX expression."""
    audio_sha256: str
    codes: np.ndarray
    """Chromaprint, uint32 [n]."""
    duration_s: float
    sample_rate: int
    """Of the file, Hz."""
    bit_rate: float | None
    """Bit/s; None if unknown."""
    lossless: bool


def obligations(license: str) -> int:
    """How much an SPDX expression asks for, as `strictness` says of one license.

    Of several that all apply, the strictest counts; of alternatives, the freest.
    """
    branches = re.split(r"\s+OR\s+", re.sub(r"\s+WITH\s+[^\s()]+", "", license).strip("() "))
    return min(max(map(strictness, re.findall(r"[^\s()]+", b.replace(" AND ", " "))), default=2) for b in branches)


def _preference(track: Recording) -> tuple[Any, ...]:
    """Sorts the recording to keep first: license, then quality, then the identifier."""
    rate = 0.0 if track.lossless else -(track.bit_rate or 0.0)
    return (obligations(track.license), not track.lossless, -track.sample_rate, rate, -track.duration_s, track.track_id)


def _why(kept: Recording, other: Recording) -> str:
    """What decided between the two."""
    differ = [a != b for a, b in zip(_preference(kept), _preference(other), strict=True)].index(True)
    return (
        f"kept for its license: {kept.license}, not {other.license}",
        "kept because it is lossless",
        f"kept for its sample rate: {kept.sample_rate}, not {other.sample_rate} Hz",
        f"kept for its bit rate: {(kept.bit_rate or 0) / 1000:.0f}, not {(other.bit_rate or 0) / 1000:.0f} kbit/s",
        f"kept because it is longer: {kept.duration_s:.2f}, not {other.duration_s:.2f} s",
        "of equal worth; the first by name is kept",
    )[differ]


def find_duplicates(tracks: Iterable[Recording], similarity: float) -> list[DuplicateRow]:
    """Rows of the `duplicates` table, by track, whatever the order of `tracks`.

    `similarity` is the least share of equal bits of two near duplicates. Memory and time grow
    linearly with the sum of the tracks' durations, memory by about 10 kB a minute.
    """
    ordered = sorted(tracks, key=_preference)
    by_hash: dict[str, list[Recording]] = defaultdict(list)
    for track in ordered:
        by_hash[track.audio_sha256].append(track)
    distinct = sorted((same[0] for same in by_hash.values()), key=lambda t: t.track_id)
    near = _near(distinct, similarity)
    rows = []
    for same in by_hash.values():
        found = near.get(same[0].track_id)
        for track in same:
            if found is not None:
                kept, match = found
                rows.append(_row(track, kept, "near", match))
            elif track is not same[0]:
                rows.append(_row(track, same[0], "exact", Match(1.0, 0, sounding(track.codes))))
    return sorted(rows, key=lambda row: row["track_id"])


def _row(track: Recording, kept: Recording, kind: str, match: Match) -> DuplicateRow:
    part = kind == "near" and _is_part(track, kept, match)
    lengths = f"kept because it holds more: {kept.duration_s:.2f}, not {track.duration_s:.2f} s"
    return {
        "track_id": track.track_id,
        "duplicate_of": kept.track_id,
        "kind": kind,
        "similarity": match.similarity,
        "offset_s": match.offset * CODE_SECONDS,
        "detail": lengths if part else _why(kept, track),
    }


def _is_part(track: Recording, other: Recording, match: Match) -> bool:
    """Whether most of the track is in the other one, of which it isn't half."""
    return sounding(track.codes) <= 2 * match.overlap < sounding(other.codes)


def _in_order(wholes: Mapping[int, Sequence[int]], preference: Callable[[int], tuple[Any, ...]]) -> Iterator[int]:
    """The keys by preference, but each after those in its list; there are no circles."""
    parts: dict[int, list[int]] = defaultdict(list)
    missing = {i: len(found) for i, found in wholes.items()}
    for i, found in wholes.items():
        for j in found:
            parts[j].append(i)
    ready = [(preference(i), i) for i, count in missing.items() if not count]
    heapq.heapify(ready)
    while ready:
        _, i = heapq.heappop(ready)
        yield i
        for j in parts[i]:
            missing[j] -= 1
            if not missing[j]:
                heapq.heappush(ready, (preference(j), j))


def _near(tracks: Sequence[Recording], similarity: float) -> dict[str, tuple[Recording, Match]]:
    """For each near duplicate the kept recording it is most like, and how; `tracks` sorted by identifier."""
    matches: dict[tuple[int, int], Match | None] = {}

    def match(i: int, j: int) -> Match | None:
        """How track i agrees with track j, if enough."""
        pair = min(i, j), max(i, j)
        if pair not in matches:
            found = compare(tracks[pair[0]].codes, tracks[pair[1]].codes)
            matches[pair] = found if found is not None and found.similarity >= similarity else None
        found = matches[pair]
        return found if found is None or i < j else found._replace(offset=-found.offset)

    groups = DisjointSet(range(len(tracks)))
    wholes: dict[int, list[int]] = defaultdict(list)
    for i, j in candidates([t.codes for t in tracks]).tolist():
        if found := match(i, j):
            groups.merge(i, j)
            for part, whole in ((i, j), (j, i)):
                if _is_part(tracks[part], tracks[whole], found):
                    wholes[part].append(whole)
    left_out = {}
    for members in groups.subsets():
        kept: list[int] = []
        for i in _in_order({i: wholes[i] for i in members}, lambda i: _preference(tracks[i])):
            alike = [(m.similarity, -n, m) for n, j in enumerate(kept) if (m := match(i, j))]
            if alike:
                _, n, best = max(alike)
                left_out[tracks[i].track_id] = tracks[kept[-n]], best
            else:
                kept.append(i)
    return left_out
