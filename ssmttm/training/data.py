"""Codec tokens and caption embeddings of a released data set, read with little memory.

Codes stay in memory as two bytes each. Caption embeddings, many times larger, are copied once from
the Parquet shards to one flat file, which trainings on the same data share, and read from there clip by clip: those of
the next step while one is computed.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.files import atomic_path, one_at_a_time, sha256_bytes
from ssmttm.given import read_release
from ssmttm.released import Release, check_released
from ssmttm.settings import CodecSettings, RunData
from ssmttm.tables import read_mapping, read_table
from ssmttm.training.parallel import Workers

NEEDED = ("train", "validation", "test")
MORE = ("known", "tuning")
"""Held-out tracks of artists that are trained on: reported, and to choose settings by. A data set may have none."""

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
        self._ahead = ThreadPoolExecutor(1)  # the system takes only so many requests at once, and lets others wait

    def read(self, start: int, out: np.ndarray) -> None:
        """Fill `out [tokens, width]`, float16, from token `start` on; raises UserError if the file ends before."""
        if os.preadv(self._file.fileno(), [out.view(np.uint8).data], start * self.width * 2) != out.nbytes:
            raise UserError(f"{self._file.name}: truncated; delete it, and it is made again")

    def expect(self, spans: np.ndarray) -> Future[None]:
        """Have the system fetch what is read soon, meanwhile: `spans [n, 2]`, first tokens and numbers of tokens."""
        return self._ahead.submit(self._fetch, spans * self.width * 2)

    def _fetch(self, spans: np.ndarray) -> None:
        with suppress(OSError):  # a file that can't be fetched ahead is read when it is needed
            for start, count in spans.tolist():
                os.posix_fadvise(self._file.fileno(), start, count, os.POSIX_FADV_WILLNEED)


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

    def expect(self, indices: np.ndarray) -> None:
        """The clips at `indices` are asked for next: reading of their captions may begin."""
        self._text.expect(np.stack([self._starts[indices], self.lengths[indices]], 1))

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
    """The splits, and which codec and text encoder made them; `known` and `tuning` may have no clips."""

    train: TokenSet
    validation: TokenSet
    test: TokenSet
    known: TokenSet
    tuning: TokenSet
    codec: str
    encoder: str


def load_shared(folder: Path, data: RunData, codebooks: int, scratch: Path, workers: Workers) -> DataSet:
    """`load_splits` in every process; the leading one, which checks the files, writes what the others then read.

    That is in `scratch`: the folder of the training, or one that trainings share.
    """
    release = read_release(folder, "codec", "text_encoder")
    if workers.leads:
        check_released(folder, ("splits.parquet", "tokens", "text"))
    else:
        workers.wait()
    sets = load_splits(folder, release, data, codebooks, scratch)
    if workers.leads:
        workers.wait()
    return sets


def shared(cache: Path | None) -> dict[str, object]:
    """The option by which a training's other processes find the same `cache`."""
    return {} if cache is None else {"--cache": cache}


def load_splits(folder: Path, release: Release, data: RunData, codebooks: int, scratch: Path) -> DataSet:
    """The data set in `folder`, whose manifest (dataset.json) is `release`, as a run with the settings `data` sees it.

    Keeps the first `codebooks` levels of the codes, and captions of at most
    `data["text"]["max_tokens"]` tokens. The flat file of embeddings is made in `scratch`, by one process of those that
    want it, or used if it is there. Raises UserError for tokens of another codec, embeddings of another
    encoder, more codebooks than the codec has, or splits and shards that differ.
    """
    splits = _split_clips(folder / "splits.parquet")
    rows = {clip: row for row, clip in enumerate(chain.from_iterable(splits.values()))}
    codes = _read_codes(folder, rows, release["codec"], data["codec"], codebooks)
    spans, width = _read_spans(folder, rows, release["text_encoder"])
    text = TextFile(_flat_text(folder, scratch / text_file(release), width), width)
    sets, start = {}, 0
    for split, clips in splits.items():
        part = slice(start, start + len(clips))
        sets[split] = TokenSet(clips, codes[part], text, spans[part], data["text"]["max_tokens"])
        start = part.stop
    return DataSet(**sets, codec=release["codec"], encoder=release["text_encoder"])


def _split_clips(path: Path) -> dict[str, list[str]]:
    """The clips of each split, sorted; duplicates are in none."""
    clips: dict[str, list[str]] = {split: [] for split in (*NEEDED, *MORE)}
    for clip, split in read_mapping(path, "splits", "clip_id", "split").items():
        if split in clips:
            clips[split].append(clip)
    for split, ids in clips.items():
        if not ids and split in NEEDED:
            raise UserError(f"{path}: the {split} split has no clips; change data.split and build the data set again")
        ids.sort()
    return clips


def _batches(folder: Path, name: str, columns: list[str]) -> Iterator[tuple[Path, pa.RecordBatch]]:
    paths = sorted((folder / name).glob("*.parquet"))
    if not paths:
        raise UserError(f"{folder / name}: no {name} shards; the data set is not finished")
    for path in paths:
        read_table(path, name, [])  # checks its schema
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=columns):
                yield path, batch


def _placed(
    folder: Path, name: str, columns: list[str], maker: str, identity: str, rows: dict[str, int]
) -> Iterator[tuple[Path, pa.RecordBatch, np.ndarray, np.ndarray]]:
    """Batches of all shards, each with the places of clips in it, and their `rows` by clip.

    Raises UserError unless `identity` is all that the column `maker` says, and each clip of `rows` comes once.
    """
    seen = np.zeros(len(rows), bool)
    for path, batch in _batches(folder, name, ["clip_id", maker, *columns]):
        for value in batch.column(maker).unique().to_pylist():
            if value != identity:
                raise UserError(
                    f"{path}: of {maker} {value}, but dataset.json says {identity}; build the {name} shards again"
                )
        inside = [(i, clip) for i, clip in enumerate(batch.column("clip_id").to_pylist()) if clip in rows]
        for _, clip in inside:
            if seen[rows[clip]]:
                raise UserError(f"{path}: clip {clip} is in two rows; build the shards again")
            seen[rows[clip]] = True
        yield path, batch, np.array([i for i, _ in inside], int), np.array([rows[clip] for _, clip in inside], int)
    for clip, row in rows.items():
        if not seen[row]:
            raise UserError(f"{folder / name}: clip {clip} of splits.parquet is in no shard; build the shards again")


def _read_codes(folder: Path, rows: dict[str, int], codec: str, settings: CodecSettings, wanted: int) -> np.ndarray:
    """Codes of all clips, uint16 `[clips, K, frames]`."""
    if codec.split(":")[0] != settings["name"]:
        raise UserError(f"{folder}: its tokens are of codec {codec}, but the run asks for {settings['name']}")
    codes: np.ndarray | None = None
    shape: tuple[int, int] | None = None
    for path, batch, places, at in _placed(folder, "tokens", ["codebooks", "frames", "codes"], "codec", codec, rows):
        shapes = set(zip(batch.column("codebooks").to_pylist(), batch.column("frames").to_pylist(), strict=True))
        shape = shape or min(shapes)
        if shapes != {shape}:
            raise UserError(
                f"{path}: clips of {shape} and {max(shapes - {shape})} codebooks and frames; they must agree"
            )
        if wanted > shape[0]:
            raise UserError(f"the model has {wanted} codebooks: more codebooks than the codec {codec}, {shape[0]}")
        values = batch.column("codes").flatten().to_numpy().reshape(-1, *shape)[:, :wanted]
        if values.max() >= settings["codebook_size"]:
            raise UserError(
                f"{path}: code {values.max()}, but the codec's codebooks have {settings['codebook_size']} entries"
            )
        codes = np.empty((len(rows), wanted, shape[1]), np.uint16) if codes is None else codes
        codes[at] = values[places]
    assert codes is not None  # no split is empty
    return codes


def _read_spans(folder: Path, rows: dict[str, int], encoder: str) -> tuple[np.ndarray, int]:
    """First token and number of tokens of each clip in the flat file, int64 `[clips, 2]`, and the embeddings' width."""
    spans = np.empty((len(rows), 2), np.int64)
    start, width = 0, 0
    for path, batch, places, at in _placed(folder, "text", ["length", "width"], "encoder", encoder, rows):
        widths = set(batch.column("width").to_pylist())
        width = width or min(widths)
        if widths != {width}:
            raise UserError(f"{path}: embeddings of width {width} and {max(widths - {width})}; they must agree")
        lengths = batch.column("length").to_numpy()
        starts = start + np.cumsum(lengths, dtype=np.int64) - lengths
        spans[at] = np.stack([starts, lengths], 1)[places]
        start += int(lengths.sum())
    return spans, width


def text_file(release: Release) -> str:
    """The name of the flat file of embeddings: that of another data set, or of other shards, has another one."""
    shards = sorted(f"{name} {digest}" for name, digest in release["sha256"].items() if name.startswith("text/"))
    return f"text-{sha256_bytes(chr(10).join(shards).encode())[:16]}.f16"


def _flat_text(folder: Path, path: Path, width: int) -> Path:
    """All embeddings of all shards, in their order, as one flat file at `path`."""
    with one_at_a_time(path.with_suffix(".lock")):
        if path.is_file():
            return path
        with atomic_path(path) as temporary, open(temporary, "wb") as f:
            for shard, batch in _batches(folder, "text", ["length", "embedding"]):
                values = batch.column("embedding").flatten().to_numpy()
                if len(values) != width * batch.column("length").to_numpy().sum():
                    raise UserError(f"{shard}: embeddings that are not of their length and width; build them again")
                f.write(np.ascontiguousarray(values, np.float16).tobytes())
    return path
