"""Every Parquet product: its schema, with atomic writes and validated reads."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ssmttm.errors import UserError
from ssmttm.files import atomic_path
from ssmttm.rows import ROWS, Clip, schema_of

SCHEMAS: dict[str, pa.Schema] = {name: schema_of(row) for name, row in ROWS.items()}

REASONS = {
    "undecodable": "the file can't be decoded as audio",
    "too_short": "shorter than one clip",
    "too_long": "longer than the configured bound",
    "sound_effect": "short, and in a folder of sound effects",
    "malformed": "the source's own table is malformed at this track",
    "unsafe_archive": "an archive member with an unsafe path or size",
    "no_license_evidence": "nothing states a license of the music",
    "catch_all_only": "only the package-wide catch-all states a license; that is no evidence about music",
    "license_unreadable": "a license file beside it can't be read as text",
    "license_unknown": "the license text was not understood",
    "ml_reserved": "rights are reserved for machine learning, and the configuration heeds that",
    "license_not_allowed": "the license is known, and the policy does not allow it",
    "license_not_final": "the license is undecided, struck out, not free, bound to conditions or not yet in force",
    "license_of_another_subject": "the license is for something else than the track, such as artwork, stems or data",
    "third_party_rights": "others hold rights in the track: a cover, a remix, samples, a work of fans",
    "license_conflict": "two pieces of evidence contradict each other",
    "checksum_mismatch": "the file is not the published one",
    "changed": "the remote file is not the one that was seen before",
    "wrong_type": "the answer was no audio, such as a login page",
    "too_large": "the file is larger than the bound",
    "unavailable": "the file could not be fetched",
    "excluded": "held out for evaluation",
    "silent": "the clip is silent",
    "not_finite": "samples are not finite numbers",
    "vocals": "voices are heard, and the configuration drops them",
}
"""The fixed vocabulary of rejection reasons, each with its sentence for the report."""


def _check_columns(name: str, row: Mapping[str, object]) -> None:
    if difference := set(row) ^ set(SCHEMAS[name].names):
        raise ValueError(f"a row of {name} and its schema differ in {', '.join(sorted(difference))}")


def write_table(path: Path | str, name: str, data: pa.Table | Iterable[Mapping[str, object]]) -> None:
    """Write rows (or a table) as product `name` to `path`, atomically.

    Raises ValueError when the data does not have exactly the columns of the schema.
    """
    schema = SCHEMAS[name]
    if not isinstance(data, pa.Table):
        rows = list(data)
        for row in rows:
            _check_columns(name, row)
        data = pa.Table.from_pylist(rows, schema=schema)
    data = data.select(schema.names).cast(schema)
    if name == "rejected":
        unknown = set(data.column("reason").to_pylist()) - set(REASONS)
        if unknown:
            raise ValueError(f"unknown rejection reasons: {', '.join(sorted(map(str, unknown)))}")
    with atomic_path(path) as temporary:
        pq.write_table(data, temporary, compression="zstd", row_group_size=256)


@contextmanager
def table_writer(
    path: Path | str, name: str, rows_per_group: int = 64
) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """Write product `name` row by row with bounded memory; `path` appears only when the block succeeds.

    Yields a function that takes one row. Raises ValueError on a row that does not fit the schema.
    """
    schema = SCHEMAS[name]
    pending: list[Mapping[str, object]] = []
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:

        def add(row: Mapping[str, object]) -> None:
            _check_columns(name, row)
            pending.append(row)
            if len(pending) >= rows_per_group:
                flush()

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(pending, schema=schema))
            pending.clear()

        yield add
        flush()


def iter_rows(path: Path | str, name: str) -> Iterator[Any]:
    """The rows of product `name` (`ssmttm.rows`), a row group in memory at a time; UserError like `read_table`."""
    read_table(path, name, columns=[])
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for batch in file.read_row_group(group).to_batches(max_chunksize=8):
                yield from batch.to_pylist()


def count_rows(path: Path | str, name: str) -> int:
    """The number of rows of product `name`."""
    return int(read_table(path, name, columns=[]).num_rows)


def iter_clips(paths: Iterable[Path], wanted: Container[str]) -> Iterator[Clip]:
    """The wanted clips, by id, of several tables of clips, in their order, a few in memory at a time."""
    for path in paths:
        yield from (clip for clip in iter_rows(path, "clips") if clip["clip_id"] in wanted)


def read_table(path: Path | str, name: str, columns: list[str] | None = None) -> pa.Table:
    """Read product `name` from `path`; raises UserError if it is not such a product."""
    schema = SCHEMAS[name]
    try:
        there = pq.read_schema(path)
        if there.equals(schema):
            return pq.read_table(path, columns=columns)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file (expected a {name} table)") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file: {error}") from error
    differing = sorted({field.name for field in {*there} ^ {*schema}})
    raise UserError(f"{path}: not a {name} table of this version; it differs in {', '.join(differing) or 'order'}")


def read_tables(paths: Iterable[Path | str], name: str, columns: list[str] | None = None) -> pa.Table:
    """Read and concatenate several files of product `name`."""
    return pa.concat_tables([read_table(p, name, columns) for p in paths])


def read_mapping(path: Path | str, name: str, key: str, value: str) -> dict[str, Any]:
    """One column of product `name` by another, such as splits by clips."""
    table = read_table(path, name, [key, value])
    return dict(zip(table[key].to_pylist(), table[value].to_pylist(), strict=True))


def list_arrays(column: pa.ChunkedArray) -> Iterator[np.ndarray]:
    """The lists of a column as views of its memory, `[n]` each."""
    for chunk in column.chunks:
        values = chunk.values.to_numpy()
        for start, end in pairwise(chunk.offsets.to_numpy()):
            yield values[start:end]
