"""Selecting clips by hash: the same ones on every machine, whatever the order they come in."""

from collections import defaultdict
from collections.abc import Mapping

from ssmttm.seeds import stable_int


def ranked(tracks: Mapping[str, str], seed: int, purpose: str = "prompt") -> list[str]:
    """The clip ids of `tracks` {clip: track} in the order in which they are taken.

    Every track gives its first clip, by hash, before any gives its second. Another `purpose` gives another order.
    """
    by_track: dict[str, list[str]] = defaultdict(list)
    for clip, track in tracks.items():
        by_track[track].append(clip)
    order = []
    for track, clips in by_track.items():
        clips.sort(key=lambda c: stable_int(purpose, seed, c))
        order += [(turn, stable_int(f"{purpose} track", seed, turn, track), clip) for turn, clip in enumerate(clips)]
    return [clip for _, _, clip in sorted(order)]
