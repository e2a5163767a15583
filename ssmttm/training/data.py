"""Codec tokens and caption embeddings of a released data set, read with little memory.

Codes stay in memory as two bytes each. Caption embeddings, many times larger, are copied once from
the Parquet shards to one flat file, and read from there clip by clip.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.files import atomic_path
from ssmttm.tables import read_table

TEXT_FILE = "text.f16"
_ROWS = 64  # of a shard in memory at once


@dataclass(frozen=True)
class Batch:
    """Clips of one forward pass: codes `[n, K, frames]`, text `[n, tokens, width]`, its mask, clip ids."""

    codes: Tensor
    text: Tensor
    text_mask: Tensor
    clip_ids: list[str]


class TextFile:
    """Caption embeddings of any clips: tokens of `width` half-precision numbers in one flat file."""

    def __init__(self, path: Path, width: int) -> None:
        self.width = width
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 held as long as the object

    def read(self, start: int, out: np.ndarray) -> None:
        """Fill `out [tokens, width]`, float16, from token `start` on; raises UserError if the file ends before."""
        if os.preadv(self._file.fileno(), [out.view(np.uint8).data], start * self.width * 2) != out.nbytes:
            raise UserError(f"{self._file.name}: truncated; delete it, and it is made again")


class TokenSet:
    """The clips of one split, sorted by id."""

    def __init__(
        self, clip_ids: list[str], codes: np.ndarray, text: TextFile, spans: np.ndarray, text_tokens: int
    ) -> None:
        """From codes `[clips, K, frames]` and `spans [clips, 2]`, first token and number of tokens in `text`.

        Captions are cut or padded to `text_tokens`.
        """
        self.clip_ids, self.codes, self.text_tokens = clip_ids, codes, text_tokens
        self._text, self._starts = text, spans[:, 0]
        self.lengths = np.minimum(spans[:, 1], text_tokens)

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def frames(self) -> int:
        """Codec frames per clip."""
        return self.codes.shape[2]

    @property
    def text_width(self) -> int:
        """Numbers per caption token."""
        return self._text.width

    def batch(self, indices: np.ndarray, device: torch.device) -> Batch:
        """The clips at `indices` as tensors on `device`."""
        text = np.zeros((len(indices), self.text_tokens, self.text_width), np.float16)
        for row, i in enumerate(indices):
            self._text.read(int(self._starts[i]), text[row, : self.lengths[i]])
        mask = np.arange(self.text_tokens) < self.lengths[indices, None]
        codes = torch.from_numpy(self.codes[indices].astype(np.int64))
        ids = [self.clip_ids[i] for i in indices]
        return Batch(
            codes.to(device), torch.from_numpy(text).to(device).float(), torch.from_numpy(mask).to(device), ids
        )


@dataclass(frozen=True)
class DataSet:
    """The three splits, and which codec and text encoder made them."""

    train: TokenSet
    validation: TokenSet
    test: TokenSet
    codec: str
    encoder: str


def load_splits(folder: Path, released: dict[str, Any], spec: dict[str, Any], scratch: Path) -> DataSet:
    """The data set in `folder`, whose manifest (dataset.json) is `released`, as a run with `spec` sees it.

    Keeps the first `spec["model"]["codebooks"]` levels of the codes, and captions of at most
    `spec["data"]["text"]["max_tokens"]` tokens. The flat file of embeddings is made in `scratch`,
    or used if it is there. Raises UserError for tokens of another codec, embeddings of another
    encoder, more codebooks than the codec has, or splits and shards that differ.
    """
    places = _places(folder / "splits.parquet")
    codes = _read_codes(folder, places, released["codec"], spec)
    spans, width = _read_spans(folder, places, released["text_encoder"])
    text = TextFile(_flat_text(folder, scratch, width), width)
    words = spec["data"]["text"]["max_tokens"]
    sets = {}
    for split in ("train", "validation", "test"):
        ids = sorted(clip for clip, (of, _) in places.items() if of == split)
        sets[split] = TokenSet(ids, codes[split], text, spans[split], words)
    return DataSet(**sets, codec=released["codec"], encoder=released["text_encoder"])


_Places = dict[str, tuple[str, int]]  # clip -> its split and its row there


def _places(path: Path) -> _Places:
    table = read_table(path, "splits", ["clip_id", "split"])
    of: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for clip, split in zip(table["clip_id"].to_pylist(), table["split"].to_pylist(), strict=True):
        if split != "duplicate":  # those are in no split
            of[split].append(clip)
    for split, clips in of.items():
        if not clips:
            raise UserError(f"{path}: the {split} split has no clips; change data.split and build the data set again")
    return {clip: (split, row) for split, clips in of.items() for row, clip in enumerate(sorted(clips))}


def _batches(folder: Path, name: str, columns: list[str]) -> Iterator[tuple[Path, pa.RecordBatch]]:
    paths = sorted((folder / name).glob("*.parquet"))
    if not paths:
        raise UserError(f"{folder / name}: no {name} shards; the data set is not finished")
    for path in paths:
        read_table(path, name, [])  # checks its schema
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=columns):
                yield path, batch


def _expect(path: Path, batch: pa.RecordBatch, column: str, wanted: str, remedy: str) -> None:
    for value in batch.column(column).unique().to_pylist():
        if value != wanted:
            raise UserError(f"{path}: of {column} {value}, but dataset.json says {wanted}; {remedy}")


def _rows(
    path: Path, batch: pa.RecordBatch, places: _Places, seen: dict[str, np.ndarray]
) -> Iterator[tuple[int, str, int]]:
    """(row of the batch, split, row there) of the batch's clips; each clip may come once."""
    for i, clip in enumerate(batch.column("clip_id").to_pylist()):
        if clip not in places:
            continue
        split, row = places[clip]
        if seen[split][row]:
            raise UserError(f"{path}: clip {clip} is in two rows; build the shards again")
        seen[split][row] = True
        yield i, split, row


def _unseen(places: _Places) -> dict[str, np.ndarray]:
    counts: dict[str, int] = {}
    for split, row in places.values():
        counts[split] = max(counts.get(split, 0), row + 1)
    return {split: np.zeros(count, bool) for split, count in counts.items()}


def _check_all_seen(folder: Path, name: str, places: _Places, seen: dict[str, np.ndarray]) -> None:
    for clip, (split, row) in places.items():
        if not seen[split][row]:
            raise UserError(f"{folder / name}: clip {clip} of splits.parquet is in no shard; build the shards again")


def _read_codes(folder: Path, places: _Places, codec: str, spec: dict[str, Any]) -> dict[str, np.ndarray]:
    """Codes by split, uint16 `[clips, K, frames]`."""
    settings, wanted = spec["data"]["codec"], spec["model"]["codebooks"]
    if codec.split(":")[0] != settings["name"]:
        raise UserError(f"{folder}: its tokens are of codec {codec}, but the run asks for {settings['name']}")
    seen = _unseen(places)
    codes: dict[str, np.ndarray] = {}
    shape: tuple[int, int] | None = None
    for path, batch in _batches(folder, "tokens", ["clip_id", "codebooks", "frames", "codes", "codec"]):
        _expect(path, batch, "codec", codec, "build the tokens again")
        shapes = set(zip(batch.column("codebooks").to_pylist(), batch.column("frames").to_pylist(), strict=True))
        shape = shape or min(shapes)
        if shapes != {shape}:
            raise UserError(
                f"{path}: clips of {shape} and {max(shapes - {shape})} codebooks and frames; they must agree"
            )
        if wanted > shape[0]:
            raise UserError(f"model.codebooks is {wanted}: more codebooks than the codec {codec} has, {shape[0]}")
        if not codes:
            codes = {split: np.empty((len(s), wanted, shape[1]), np.uint16) for split, s in seen.items()}
        values = batch.column("codes").flatten().to_numpy().reshape(-1, *shape)[:, :wanted]
        if values.max() >= settings["codebook_size"]:
            raise UserError(
                f"{path}: code {values.max()}, but the codec's codebooks have {settings['codebook_size']} entries"
            )
        for i, split, row in _rows(path, batch, places, seen):
            codes[split][row] = values[i]
    _check_all_seen(folder, "tokens", places, seen)
    return codes


def _read_spans(folder: Path, places: _Places, encoder: str) -> tuple[dict[str, np.ndarray], int]:
    """First token and number of tokens of each clip in the flat file, by split, and the embeddings' width."""
    seen = _unseen(places)
    spans = {split: np.empty((len(s), 2), np.int64) for split, s in seen.items()}
    start, width = 0, 0
    for path, batch in _batches(folder, "text", ["clip_id", "length", "width", "encoder"]):
        _expect(path, batch, "encoder", encoder, "build the text embeddings again")
        widths = set(batch.column("width").to_pylist())
        width = width or min(widths)
        if widths != {width}:
            raise UserError(f"{path}: embeddings of width {width} and {max(widths - {width})}; they must agree")
        lengths = batch.column("length").to_numpy()
        starts = start + np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        for i, split, row in _rows(path, batch, places, seen):
            spans[split][row] = starts[i], lengths[i]
        start = starts[-1]
    _check_all_seen(folder, "text", places, seen)
    return spans, width


def _flat_text(folder: Path, scratch: Path, width: int) -> Path:
    """All embeddings of all shards, in their order, as one flat file."""
    path = scratch / TEXT_FILE
    if path.is_file():
        return path
    with atomic_path(path) as temporary, open(temporary, "wb") as f:
        for shard, batch in _batches(folder, "text", ["length", "embedding"]):
            values = batch.column("embedding").flatten().to_numpy()
            if len(values) != width * batch.column("length").to_numpy().sum():
                raise UserError(f"{shard}: embeddings that are not of their length and width; build them again")
            f.write(np.ascontiguousarray(values, np.float16).tobytes())
    return path
