"""The embeddings and tag posteriors of one system's clips, as every metric takes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median_low as median
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from ssmttm.errors import UserError
from ssmttm.tables import iter_rows
from ssmttm.wording import some

MATCHED = 0.5
"""Share of clips that must have a mutual nearest clip under another caption for that to be their recording."""
FEWEST_MATCHED = 8
"""Of fewer clips, mutual nearest ones are common by chance."""


@dataclass(frozen=True)
class Settings:
    """How intervals are made (resamples, confidence in (0, 1), seed), and the most training clips that are read."""

    bootstrap: int
    confidence: float
    seed: int
    training_clips: int | None = None


class Audio(NamedTuple):
    """A clip's audio as it was embedded: length in s, sample rate in Hz, channels."""

    seconds: float
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class ClipSet:
    """Clips of one system in the order of their ids.

    `windows[i]` is `[n_i, dim]` float64, the window embeddings of clip i; `posteriors` is
    `[n, classes]` float64, class probabilities of each clip, which are independent tags
    (`activation` sigmoid), one of many (softmax) or absent (none); `texts` is `[n, dim]`, the
    captions in the audio's space, or None; `audio` says what each clip was.
    """

    name: str
    clip_ids: tuple[str, ...]
    captions: tuple[str, ...]
    windows: tuple[np.ndarray, ...]
    posteriors: np.ndarray
    backend: str
    activation: str = "sigmoid"
    texts: np.ndarray | None = None
    audio: tuple[Audio, ...] = ()

    @property
    def usual(self) -> Audio:
        """Length, rate and channels of the middle clip, each by itself."""
        return Audio(*(median(values) for values in zip(*self.audio, strict=True)))

    @property
    def window_count(self) -> int:
        """Windows of all clips together."""
        return sum(len(w) for w in self.windows)


def read_clipset(path: Path | str, name: str, means: bool = False) -> ClipSet:
    """Read an embeddings table; UserError if it is empty, ragged, not finite or of mixed backends.

    With `means` each clip has one window, the mean of its own: enough to compare clips, in little memory.
    """
    return clipset(iter_rows(path, "embeddings"), name, str(path), means)


def clipset(table: Iterable[Mapping[str, Any]], name: str, where: str, means: bool = False) -> ClipSet:
    """The clip set of the rows of an embeddings table; `where` names it in messages."""
    rows = sorted((_compact(row, where, means) for row in table), key=lambda r: r["clip_id"])
    if not rows:
        raise UserError(f"{where}: no clips, so {name} can't be scored")
    ids = tuple(r["clip_id"] for r in rows)
    twice = sorted({a for a, b in pairwise(ids) if a == b})
    if twice:
        raise UserError(f"{where}: clips that stand in it twice: {some(twice)}")
    backends = sorted({r["backend"] for r in rows})
    shapes = {(r["dim"], len(r["posterior"]), r["activation"], len(r["text"])) for r in rows}
    if len(backends) > 1 or len(shapes) > 1:
        raise UserError(f"{where}: clips of unlike embedders in one table: {', '.join(map(str, backends))}")
    windows = [r["embedding"] for r in rows]
    posteriors = np.asarray([r["posterior"] for r in rows], dtype=np.float64)
    bad = [i for i, w, p in zip(ids, windows, posteriors, strict=True) if not _sound(w, p)]
    if bad:
        raise UserError(f"{where}: not finite, or a posterior outside 0 to 1, in clips {some(bad)}")
    return ClipSet(
        name,
        ids,
        tuple(r["caption"] for r in rows),
        tuple(windows),
        posteriors,
        backends[0],
        rows[0]["activation"],
        np.asarray([r["text"] for r in rows], dtype=np.float64) if rows[0]["text"] else None,
        tuple(Audio(r["duration_s"], r["sample_rate"], r["channels"]) for r in rows),
    )


def _compact(row: Mapping[str, Any], where: str, means: bool) -> dict[str, Any]:
    """`row` with its embedding as float64 `[windows, dim]`, or `[1, dim]`."""
    flat = np.asarray(row["embedding"], dtype=np.float64)
    if row["windows"] < 1 or flat.size != row["windows"] * row["dim"]:
        raise UserError(f"{where}: clip {row['clip_id']}: {flat.size} values are not {row['windows']} x {row['dim']}")
    windows = flat.reshape(row["windows"], row["dim"])
    return {**row, "embedding": windows.mean(axis=0, keepdims=True) if means else windows}


def _sound(windows: np.ndarray, posterior: np.ndarray) -> bool:
    return bool(np.isfinite(windows).all() and ((posterior >= 0) & (posterior <= 1)).all())


def check_comparable(system: ClipSet, reference: ClipSet, paired: bool = True) -> None:
    """UserError unless both sets were embedded by one backend and, if they are `paired`, hold the same clips."""
    if system.backend != reference.backend:
        raise UserError(
            f"{system.name} was embedded by {system.backend!r}, {reference.name} by {reference.backend!r}: "
            "numbers of unlike embedders can't be compared; embed both again"
        )
    if not paired:
        return
    missing = sorted(set(reference.clip_ids) - set(system.clip_ids))
    extra = sorted(set(system.clip_ids) - set(reference.clip_ids))
    if missing or extra:
        parts = [f"{name} {some(ids)}" for name, ids in (("missing", missing), ("extra", extra)) if ids]
        raise UserError(f"{system.name} and {reference.name} hold different clips: {'; '.join(parts)}")


def same_audio(system: ClipSet, reference: ClipSet) -> bool:
    """True if both sets hold the very same windows, in whatever order."""
    a, b = (np.concatenate(s.windows) for s in (system, reference))
    return a.shape == b.shape and bool(np.array_equal(a[np.lexsort(a.T)], b[np.lexsort(b.T)]))


def clip_means(clips: ClipSet) -> np.ndarray:
    """The mean embedding of each clip, float64 `[clips, dim]`."""
    return np.stack([w.mean(axis=0) for w in clips.windows])


def content_order(system: ClipSet, reference: ClipSet) -> np.ndarray:
    """For each reference clip, the index of the system's clip that is a version of the same recording.

    `[clips]`, a permutation, of two sets of the same clips. It is the order of the clips as they
    are, unless most clips of the system and of the reference are nearest to one another (by mean
    embedding, each set centered) in another order. Unrelated sets hardly have such pairs.
    """
    same = np.arange(len(system.clip_ids))
    x, y = (m - m.mean(axis=0) for m in (clip_means(system), clip_means(reference)))
    if len(same) < FEWEST_MATCHED or x.shape != y.shape:
        return same
    apart = cdist(y, x, "sqeuclidean")
    nearest, back = apart.argmin(axis=1), apart.argmin(axis=0)
    mutual = back[nearest] == same
    if (mutual & (nearest != same)).mean() < MATCHED:
        return same
    return linear_sum_assignment(apart)[1]
