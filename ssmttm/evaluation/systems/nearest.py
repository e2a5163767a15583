"""The training clip whose caption is nearest to a prompt: what looking music up, instead of making it, would score."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from ssmttm.errors import UserError
from ssmttm.rows import CaptionRow
from ssmttm.settings import TextSettings
from ssmttm.tables import iter_rows, read_mapping
from ssmttm.text.base import load_encoder


def nearest_clips(
    prompts: Sequence[CaptionRow], splits: Path | None, text: Sequence[Path], settings: TextSettings
) -> dict[str, str]:
    """For each prompt, by its clip id, the training clip whose caption's embedding is nearest.

    `splits` and `text`, the embeddings of captions, are those tables of a data set, whose encoder `settings` name.
    Raises UserError where they are missing, or of another encoder.
    """
    if splits is None or not text:
        raise UserError("the baseline `nearest_caption` needs --splits and --text, the captions that were trained on")
    train = {clip for clip, split in read_mapping(splits, "splits", "clip_id", "split").items() if split == "train"}
    encoder, known = load_encoder(settings), {}
    for row in chain.from_iterable(iter_rows(path, "text") for path in text):
        if row["encoder"] != encoder.identity:
            raise UserError(
                f"embeddings of {row['encoder']}, but data.text is {encoder.identity}; embed the captions again"
            )
        if row["clip_id"] in train:
            tokens = np.asarray(row["embedding"], np.float32).reshape(row["length"], row["width"])
            known[row["clip_id"]] = tokens.mean(axis=0)
    asked = encoder.encode([p["caption"] for p in prompts], settings["max_tokens"])
    means = {p["clip_id"]: tokens.mean(axis=0) for p, tokens in zip(prompts, asked, strict=True)}
    return nearest_captions(means, known)


def nearest_captions(asked: dict[str, np.ndarray], known: dict[str, np.ndarray]) -> dict[str, str]:
    """For each embedding `[width]` of `asked`, by clip id, the clip of `known` with the greatest cosine to it.

    Of equal ones the first by id. Raises UserError if `known` has none.
    """
    if not known:
        raise UserError("the training split has no captions to be nearest to")
    names = sorted(known)
    rows = np.stack([known[name] for name in names]).astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return {clip: names[int(np.argmax(rows @ row.astype(np.float64)))] for clip, row in asked.items()}
