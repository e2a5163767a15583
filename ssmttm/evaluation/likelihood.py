"""Per-clip negative log-likelihood of held-out clips: under their own captions, under others', and under none.

What an own caption is worth to a model is the difference. Level 1 of the codec stands by itself, too: language models
of two-stage runs make that alone, so it is what all systems can be compared by.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.evaluation.ngrams import CodeModel
from ssmttm.evaluation.systems.baselines import derange
from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import delay, shift
from ssmttm.rows import LikelihoodRow
from ssmttm.tables import read_table
from ssmttm.training.data import Batch, TokenSet

TOGETHER = 16
"""Clips of one forward pass."""


def read_places(splits: Path) -> dict[str, tuple[str, str]]:
    """Track and artist of each clip of the table `splits`."""
    rows = read_table(splits, "splits", ["clip_id", "track_id", "artist"]).to_pylist()
    return {row["clip_id"]: (row["track_id"], row["artist"]) for row in rows}


@torch.inference_mode()
def clip_losses(model: MusicLM, batch: Batch, mask: Tensor) -> np.ndarray:
    """Negative log-likelihood in nats per code, of each clip and level: float64 `[clips, K]`.

    `mask` `[clips, tokens]` says which caption tokens are read; a row without any is the null condition.
    """
    return (_losses(model, batch, mask).double().sum(1) / batch.codes.shape[2]).cpu().numpy()


@torch.inference_mode()
def frame_losses(model: MusicLM, batch: Batch, mask: Tensor) -> np.ndarray:
    """The same of each code: float64 `[clips, K, frames]`, whose means over frames are `clip_losses`."""
    losses, (_, levels, frames) = _losses(model, batch, mask).double().cpu().numpy(), batch.codes.shape
    return np.stack([losses[:, level : level + frames, level] for level in range(levels)], 1)


def _losses(model: MusicLM, batch: Batch, mask: Tensor) -> Tensor:
    """By step of the delay pattern: `[clips, steps, K]`, zero where a level has no code."""
    targets = delay(batch.codes, model.special)
    logits = model(shift(targets, model.special), batch.text, mask)
    losses = F.cross_entropy(
        logits.flatten(0, 2).float(), targets.transpose(1, 2).flatten(), ignore_index=model.special, reduction="none"
    )
    return losses.view(len(batch.codes), -1, batch.codes.shape[1])


def of_model(
    model: MusicLM,
    clips: TokenSet,
    places: Mapping[str, tuple[str, str]],
    split: str,
    seed: int,
    device: torch.device,
    together: int = TOGETHER,
) -> Iterator[LikelihoodRow]:
    """A row for each of `clips`, `together` of them in a forward pass; the model is in evaluation mode.

    `places` are track and artist by clip id. Other captions are those of clips of other tracks of the split, by a
    seeded derangement, as far as no track has more than half of the clips. Of a single clip there is no other.
    """
    ids = list(clips.clip_ids)
    place = {clip: i for i, clip in enumerate(ids)}
    given = derange({clip: places[clip][0] for clip in ids}, seed) if len(ids) > 1 else None
    for start in range(0, len(ids), together):
        indices = np.arange(start, min(start + together, len(ids)))
        batch = clips.batch(indices, device)
        own = clip_losses(model, batch, batch.text_mask)
        null = clip_losses(model, batch, torch.zeros_like(batch.text_mask))
        other = None
        if given is not None:
            theirs = clips.batch(np.array([place[given[ids[i]]] for i in indices]), device)
            other = clip_losses(
                model, Batch(batch.codes, theirs.text, theirs.text_mask, batch.clip_ids), theirs.text_mask
            )
        for row, i in enumerate(indices):
            yield _row(ids[i], split, places, clips.frames, own[row], None if other is None else other[row], null[row])


def of_codes(
    models: Sequence[CodeModel], clips: TokenSet, places: Mapping[str, tuple[str, str]], split: str
) -> Iterator[LikelihoodRow]:
    """The same of models of codes, one for each level from the first; they read no captions."""
    losses = [
        -model.log_probabilities(clips.codes[:, level].astype(np.int64)).mean(axis=1)
        for level, model in enumerate(models)
    ]
    for clip, own in zip(clips.clip_ids, np.stack(losses, 1), strict=True):
        yield _row(clip, split, places, clips.frames, own, None, None)


def _row(
    clip: str,
    split: str,
    places: Mapping[str, tuple[str, str]],
    frames: int,
    own: np.ndarray,
    other: np.ndarray | None,
    null: np.ndarray | None,
) -> LikelihoodRow:
    """From the losses of each level `[K]`, all of which have as many codes."""
    track, artist = places[clip]
    return {
        "clip_id": clip,
        "split": split,
        "track_id": track,
        "artist": artist,
        "levels": len(own),
        "tokens": len(own) * frames,
        "own": float(own.mean()),
        "other": None if other is None else float(other.mean()),
        "null": None if null is None else float(null.mean()),
        "first": float(own[0]),
        "first_other": None if other is None else float(other[0]),
        "first_null": None if null is None else float(null[0]),
    }
