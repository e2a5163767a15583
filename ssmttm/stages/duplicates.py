"""Stage `duplicates`: find recordings that are there more than once, and choose which one is kept."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ssmttm.dataset.dedup import Recording, find_duplicates
from ssmttm.errors import UserError
from ssmttm.tables import read_table, write_table


def run(spec: dict[str, Any], fingerprints: list[Path], licensed: Path, out: Path) -> None:
    """Write duplicates.parquet; `spec` has `duplicates`.

    Raises UserError for a track that has two fingerprints, or one and no license.
    """
    table = read_table(licensed, "licensed", ["track_id", "license"])
    licenses = dict(zip(table["track_id"].to_pylist(), table["license"].to_pylist(), strict=True))
    tracks: dict[str, Recording] = {}
    for path in fingerprints:
        for track in _recordings(path, licenses):
            if track.track_id in tracks:
                raise UserError(f"{path}: track {track.track_id} is in two shards; build the clips again")
            tracks[track.track_id] = track
    write_table(out, "duplicates", find_duplicates(tracks.values(), spec["duplicates"]["similarity"]))


def _recordings(path: Path, licenses: dict[str, str]) -> Iterator[Recording]:
    """The tracks of one shard."""
    table = read_table(path, "fingerprints")
    facts = table.drop_columns(["codes", "channels"]).to_pylist()
    codes = [part for chunk in table["codes"].chunks for part in _arrays(chunk)]
    for row, part in zip(facts, codes, strict=True):
        if row["track_id"] not in licenses:
            raise UserError(
                f"{path}: track {row['track_id']} is not among the licensed ones; "
                "the fingerprints belong to another data set, so build the clips again"
            )
        yield Recording(**row, license=licenses[row["track_id"]], codes=part)


def _arrays(column: pa.ListArray) -> list[np.ndarray]:
    """The lists of a column as views of its memory, uint32 [n]."""
    values = column.values.to_numpy()
    offsets = column.offsets.to_numpy()
    return [values[start:end] for start, end in pairwise(offsets)]
