"""The rows of an exported data set: each clip with its track, caption and tokens."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from ssmttm.dataset.card import Contents
from ssmttm.dataset.export_files import TRACK
from ssmttm.licenses.elements import may_be_passed_on
from ssmttm.progress import Progress
from ssmttm.tables import iter_rows, read_mapping, read_table


def exported_rows(
    data: Path, shards: int, schema: pa.Schema, private: bool, contents: Contents
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(split, row) of every clip of the data set in folder `data` that may be exported, shard by shard.

    Clips that are left out are counted in `contents`.
    """
    table = read_table(data / "licensed.parquet", "licensed", ["track_id", *TRACK])
    tracks = {track["track_id"]: track for track in table.to_pylist()}
    splits = read_mapping(data / "splits.parquet", "splits", "clip_id", "split")
    progress = Progress("export", len(splits), "clips")
    for shard in range(shards):
        parts: list[dict[str, Mapping[str, Any]]] = [
            {row["clip_id"]: row for row in iter_rows(data / name / f"{shard}.parquet", name)}
            for name in ("captions", *(["tokens"] if "codes" in schema.names else []))
        ]
        for clip in iter_rows(data / "clips" / f"{shard}.parquet", "clips"):
            progress.advance()
            split, track = splits[clip["clip_id"]], tracks[clip["track_id"]]
            if split == "duplicate":
                contents.leave_out("duplicate recordings")
            elif not private and not may_be_passed_on(track["license"]):
                contents.leave_out("the license forbids passing on changed versions (ND)")
            else:
                row = {**clip, **track}
                for part in parts:
                    row |= part[clip["clip_id"]]
                yield split, {name: row[name] for name in schema.names}
