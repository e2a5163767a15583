"""The embeddings and tag posteriors of one system's clips, as every metric takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low as median
from typing import NamedTuple, cast

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from ssmttm.errors import UserError
from ssmttm.rows import EmbeddingRow
from ssmttm.tables import iter_rows
from ssmttm.wording import some

MATCHED = 0.5
"""Share of clips that must have a mutual nearest clip under another caption for that to be their recording."""
FEWEST_MATCHED = 8
"""Of fewer clips, mutual nearest ones are common by chance."""


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


def read_clipset(path: Path, name: str, means: bool = False) -> ClipSet:
    """Read an embeddings table; UserError if it is empty, ragged, not finite or of mixed backends.

    With `means` each clip has one window, the mean of its own: enough to compare clips, in little memory.
    """
    clips: dict[str, tuple[EmbeddingRow, np.ndarray]] = {}
    for row in cast(Iterator[EmbeddingRow], iter_rows(path, "embeddings")):
        if row["clip_id"] in clips:
            raise UserError(f"{path}: the clip {row['clip_id']} has more than one row")
        clips[row["clip_id"]] = {**row, "embedding": []}, _windows(row, path, means)
    if not clips:
        raise UserError(f"{path}: no clips, so {name} can't be scored")
    ids = tuple(sorted(clips))
    rows, windows = zip(*(clips[i] for i in ids), strict=True)
    first = rows[0]
    kinds = {(r["backend"], r["dim"], len(r["posterior"]), r["activation"], len(r["text"])) for r in rows}
    if len(kinds) > 1:
        backends = ", ".join(sorted({r["backend"] for r in rows}))
        raise UserError(f"{path}: clips of different embedders in one table: {backends}")
    posteriors = np.asarray([r["posterior"] for r in rows], dtype=np.float64)
    bad = [i for i, w, p in zip(ids, windows, posteriors, strict=True) if not _sound(w, p)]
    if bad:
        raise UserError(f"{path}: not finite, or a posterior outside 0 to 1, in clips {some(bad)}")
    return ClipSet(
        name,
        ids,
        tuple(r["caption"] for r in rows),
        windows,
        posteriors,
        first["backend"],
        first["activation"],
        np.asarray([r["text"] for r in rows], dtype=np.float64) if first["text"] else None,
        tuple(Audio(r["duration_s"], r["sample_rate"], r["channels"]) for r in rows),
    )


def _windows(row: EmbeddingRow, path: Path, mean: bool) -> np.ndarray:
    """The row's embedding as float64 `[windows, dim]`, or their mean `[1, dim]`."""
    flat = np.asarray(row["embedding"], dtype=np.float64)
    if row["windows"] < 1 or flat.size != row["windows"] * row["dim"]:
        raise UserError(f"{path}: clip {row['clip_id']}: {flat.size} values are not {row['windows']} x {row['dim']}")
    windows = flat.reshape(row["windows"], row["dim"])
    return windows.mean(axis=0, keepdims=True) if mean else windows


def _sound(windows: np.ndarray, posterior: np.ndarray) -> bool:
    return bool(np.isfinite(windows).all() and ((posterior >= 0) & (posterior <= 1)).all())


def check_comparable(system: ClipSet, reference: ClipSet, paired: bool = True) -> None:
    """UserError unless both sets were embedded by one backend and, if they are `paired`, hold the same clips."""
    if system.backend != reference.backend:
        raise UserError(
            f"{system.name} was embedded by {system.backend!r}, {reference.name} by {reference.backend!r}: "
            "numbers of different embedders can't be compared; embed both again"
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


def recording_order(system: ClipSet, reference: ClipSet) -> np.ndarray:
    """For each reference clip, the index of the system's clip that is a version of the same recording.

    `[clips]`, a permutation, of two sets of the same clips. It is the order of the clips as they
    are, unless most clips of the system and of the reference are nearest to one another (by mean
    embedding, each set centered) in another order. Unrelated sets hardly have such pairs.
    """
    same = np.arange(len(system.clip_ids))
    x, y = (m - m.mean(axis=0) for m in (clip_means(system), clip_means(reference)))
    if len(same) < FEWEST_MATCHED or x.shape != y.shape:
        return same
    squared = cdist(y, x, "sqeuclidean")
    nearest, back = squared.argmin(axis=1), squared.argmin(axis=0)
    mutual = back[nearest] == same
    if (mutual & (nearest != same)).mean() < MATCHED:
        return same
    return linear_sum_assignment(squared)[1]
