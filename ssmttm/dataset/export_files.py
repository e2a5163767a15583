"""The Parquet files of an exported data set: their columns, and how they are split and numbered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ssmttm.tables import SCHEMAS

TRACK = ("title", "artist", "album", "source", "homepage", "license", "license_url", "attribution")
_CLIP = ("clip_id", "track_id", "start_s", "duration_s", "sample_rate", "loudness_lufs")
_CAPTION = ("caption", "styles", "written_by", "tags", "tempo_bpm", "key", "scale")
_TOKENS = ("codebooks", "frames", "codes", "codec")
_GROUP = 64


def export_schema(audio: bool, tokens: bool) -> pa.Schema:
    """The columns of an export: clips, their audio and codec tokens if asked for, tracks, captions."""
    fields = [SCHEMAS["clips"].field(name) for name in _CLIP]
    fields += [SCHEMAS["clips"].field("audio")] if audio else []
    fields += [SCHEMAS["licensed"].field(name) for name in TRACK]
    fields += [SCHEMAS["captions"].field(name) for name in _CAPTION]
    fields += [SCHEMAS["tokens"].field(name) for name in _TOKENS] if tokens else []
    return pa.schema(fields)


def hub_features(schema: pa.Schema, sample_rate: int) -> list[Mapping[str, Any]]:
    """The columns as a data card's `dataset_info.features` writes them."""

    def kind(type: pa.DataType) -> Mapping[str, Any]:
        if pa.types.is_list(type):
            inner = kind(type.value_type)
            return {"list": inner.get("dtype", inner.get("struct"))}
        if pa.types.is_struct(type):
            return {"struct": [{"name": f.name, **kind(f.type)} for f in type]}
        return {"dtype": {"double": "float64"}.get(str(type), str(type))}

    return [
        {
            "name": f.name,
            **(
                {"dtype": {"audio": {"sampling_rate": sample_rate, "decode": False}}}
                if f.name == "audio"
                else kind(f.type)
            ),
        }
        for f in schema
    ]


class SplitFiles:
    """The Parquet files of one split, numbered once it is known how many there are."""

    def __init__(self, folder: Path, split: str, schema: pa.Schema, shard_bytes: int) -> None:
        self._folder, self._split, self._schema, self._bytes = folder, split, schema, shard_bytes
        self._paths: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[Mapping[str, Any]] = []

    def __enter__(self) -> "SplitFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row, in a new file once the current one is large enough."""
        self._pending.append(row)
        if len(self._pending) >= _GROUP:
            self._flush()
            if self._paths[-1].stat().st_size >= self._bytes:
                self._close()

    def _flush(self) -> None:
        if self._writer is None:
            self._paths.append(self._folder / f"{self._split}-{len(self._paths):05d}.parquet")
            self._writer = pq.ParquetWriter(self._paths[-1], self._schema, compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self._schema))
        self._pending = []

    def _close(self) -> None:
        if self._pending:
            self._flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def rename(self) -> None:
        """Give the files the names by which the hub knows how many there are."""
        for number, path in enumerate(self._paths):
            path.rename(path.with_name(f"{self._split}-{number:05d}-of-{len(self._paths):05d}.parquet"))
