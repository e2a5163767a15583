"""Does a reference set hold music that a model may have been trained on? By track id, and by sound.

A reference clip may be 10 s long, which is fewer codes than two tracks need to be compared as
duplicates (`ssmttm.corpus.matching`), and the set is small. So here every alignment is tried: a few
probes of each reference, bit by bit, against each track of the data set. Like there, only a
track's first two minutes have codes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssmttm.errors import UserError
from ssmttm.systems.prompt_sets import KEY, Captioned

PROBE = 48
"""Codes of one probe: 6 s of beginnings, which describe 8.4 s of sound."""

_PROBES = 4
"""Of a longer reference so many, spread evenly."""
_SILENCE = np.uint32(627964279)
_MOST_SILENCE = 0.25
_LEAST_CHANGE = 0.1
"""Root mean square of a stretch's centered bits, below which it is taken for constant."""
_MOST_AT_ONCE = 2048
_SHOWN = 10


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
) -> list[Leak]:
    """References that sound like a part of a track, by at least `similarity`, from 0.5 for unrelated music to 1.

    Codes are uint32 [n]. A reference of less than 8.4 s, or of silence, has no probe and is not found.
    The similarity is (1 + r) / 2, with the correlation r of the bits after each bit's mean over the
    probe is taken off: where every bit changes, the share of equal bits. Long-held sounds have bits
    that never change, and different ones agree in most of them.
    """
    owners, probes = _probes(references)
    best: dict[str, tuple[float, str]] = {}
    for track_id, codes in tracks:
        if len(codes) < PROBE or not owners:
            continue
        windows = _centered(_windows(_signs(codes)))
        for start in range(0, len(owners), _MOST_AT_ONCE):
            found = (1 + (windows @ probes[start : start + _MOST_AT_ONCE].T).max(axis=0)) / 2
            for i in np.flatnonzero(found >= similarity):
                owner = owners[start + i]
                best[owner] = max(best.get(owner, (0.0, "")), (float(found[i]), track_id))
    return [Leak(name, track, f"sounds alike: {alike:.2f}") for name, (alike, track) in sorted(best.items())]


def _probes(references: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """The owner of each probe, and the probes centered, float32 [probes, PROBE * 32]."""
    owners, signs = [], []
    for clip_id, codes in references.items():
        count = min(_PROBES, len(codes) // PROBE)
        for start in np.linspace(0, len(codes) - PROBE, count).astype(int):
            probe = codes[start : start + PROBE]
            if (probe == _SILENCE).mean() <= _MOST_SILENCE:
                owners.append(clip_id)
                signs.append(_signs(probe))
    return owners, _centered(np.stack(signs)) if signs else np.zeros((0, PROBE * 32), np.float32)


def _windows(signs: np.ndarray) -> np.ndarray:
    """Every stretch of PROBE rows of `signs` [n, 32], as [n - PROBE + 1, PROBE, 32]."""
    return np.lib.stride_tricks.sliding_window_view(signs, PROBE, axis=0).transpose(0, 2, 1)


def _centered(signs: np.ndarray) -> np.ndarray:
    """[stretches, PROBE, 32] without each bit's mean over the stretch, of unit length, float32 [stretches, PROBE * 32].

    What hardly changes is left near zero, so that it resembles nothing.
    """
    centered = (signs - signs.mean(axis=1, keepdims=True)).reshape(len(signs), -1)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return centered / np.maximum(length, _LEAST_CHANGE * np.sqrt(PROBE * 32, dtype=np.float32))


def _signs(codes: np.ndarray) -> np.ndarray:
    """Bits as -1 and 1, those of silence as 0, float32 [n, 32]."""
    bits = (codes[:, None] >> np.arange(32, dtype=np.uint32)) & np.uint32(1)
    return np.where(codes[:, None] == _SILENCE, np.float32(0), 2 * bits.astype(np.float32) - 1)


def refuse(leaks: Sequence[Leak], captions: str, remedy: str) -> None:
    """UserError with the ids of `leaks`, if any; `captions` is the set's file, `remedy` what to do besides."""
    if not leaks:
        return
    shown = "\n".join(f"  {leak.clip_id} is {leak.track_id} ({leak.how})" for leak in leaks[:_SHOWN])
    more = f"\n  and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
    raise UserError(
        f"{KEY}: {len(leaks)} of the references of {captions} are in the training or validation split, so scores on "
        f"them would not be held out:\n{shown}{more}\n{remedy} and build the data set under a new data.version; or "
        f"restrict the references to others by {KEY}.only"
    )


def hold_out_file(captions: str, source: str) -> str:
    """The remedy where the set's own file names the tracks."""
    return f"hold them out: put {captions} into data.sources.{source}.exclude"


def hold_out_tracks() -> str:
    """The remedy where the tracks of the data set are known only by this comparison."""
    return (
        "hold those tracks out (`exclude` of data.sources.jamendo and ytdlp takes a file of their ids; of debian "
        "leave their package or files out, of local their rows)"
    )
