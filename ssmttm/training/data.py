"""Codec tokens and caption embeddings as batches, in an order fixed by the seed alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.seeds import stable_int
from ssmttm.tables import read_table, read_tables


@dataclass(frozen=True)
class Batch:
    """Clips of one micro-batch: codes `[n, K, frames]`, text `[n, tokens, width]`, its mask, clip ids."""

    codes: Tensor
    text: Tensor
    text_mask: Tensor
    clip_ids: list[str]


class TokenSet:
    """The clips of one split, sorted by id, held as compact arrays."""

    def __init__(self, tokens: pa.Table, text: pa.Table, clip_ids: set[str], text_tokens: int) -> None:
        """From tables `tokens` and `text`; captions are cut or padded to `text_tokens`.

        Raises UserError if a clip lacks its text, or clips differ in shape, codec or encoder.
        """
        chosen = pc.is_in(tokens["clip_id"], value_set=pa.array(sorted(clip_ids), pa.string()))
        tokens = tokens.filter(chosen).sort_by("clip_id")
        text = text.filter(pc.is_in(text["clip_id"], value_set=tokens["clip_id"].combine_chunks())).sort_by("clip_id")
        self.clip_ids: list[str] = tokens["clip_id"].to_pylist()
        if not self.clip_ids:
            raise UserError("no clip of the split has tokens; the data set is empty or of another version")
        if text["clip_id"].to_pylist() != self.clip_ids:
            raise UserError("tokens and text embeddings are not of the same clips; rebuild the text shards")
        self.codec = _only(tokens, "codec")
        self.encoder = _only(text, "encoder")
        self.text_width = int(_only(text, "width"))
        shape = (len(self.clip_ids), int(_only(tokens, "codebooks")), int(_only(tokens, "frames")))
        self.codes = _flat(tokens["codes"]).reshape(shape)
        self.text_tokens = text_tokens
        self._text = _flat(text["embedding"]).reshape(-1, self.text_width)
        self._lengths = text["length"].to_numpy()
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def frames(self) -> int:
        """Codec frames per clip."""
        return self.codes.shape[2]

    def batch(self, indices: np.ndarray, device: torch.device) -> Batch:
        """The clips at `indices` as tensors on `device`."""
        text = np.zeros((len(indices), self.text_tokens, self.text_width), np.float32)
        mask = np.zeros((len(indices), self.text_tokens), bool)
        for row, i in enumerate(indices):
            length = min(int(self._lengths[i]), self.text_tokens)
            text[row, :length] = self._text[self._starts[i] : self._starts[i] + length]
            mask[row, :length] = True
        codes = torch.from_numpy(self.codes[indices].astype(np.int64))
        ids = [self.clip_ids[i] for i in indices]
        return Batch(codes.to(device), torch.from_numpy(text).to(device), torch.from_numpy(mask).to(device), ids)


def _only(table: pa.Table, column: str) -> object:
    values = table[column].unique().to_pylist()
    if len(values) != 1:
        raise UserError(f"clips of one data set must share one {column}; found {', '.join(map(str, values))}")
    return values[0]


def _flat(column: pa.ChunkedArray) -> np.ndarray:
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False)


def load_split(folder: Path, split: str, text_tokens: int) -> TokenSet:
    """The token set of `split` (train, validation, test) of the data set in `folder`."""
    splits = read_table(folder / "splits.parquet", "splits")
    ids = set(splits.filter(pc.equal(splits["split"], split))["clip_id"].to_pylist())
    tokens = read_tables(sorted((folder / "tokens").glob("*.parquet")), "tokens")
    text = read_tables(sorted((folder / "text").glob("*.parquet")), "text")
    return TokenSet(tokens, text, ids, text_tokens)


def clips_at(position: int, count: int, clips: int, seed: int) -> np.ndarray:
    """Indices of the `count` clips that stand at `position` of the endless shuffled sequence.

    Each epoch is a permutation of all clips, from the seed and the epoch alone: the same for
    every variant, and a resumed run needs no loader state.
    """
    places = np.arange(position, position + count)
    found = np.empty(count, np.int64)
    for epoch in np.unique(places // clips):
        permutation = np.random.default_rng(stable_int("order", seed, epoch)).permutation(clips)
        inside = places // clips == epoch
        found[inside] = permutation[places[inside] % clips]
    return found
