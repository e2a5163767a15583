"""What a model that was trained on a data set has heard: whose music, under which licenses, and whom to credit."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from ssmttm.tables import read_table


class Heard(NamedTuple):
    """Of a released data set."""

    artists: dict[str, dict[str, int]]
    """Clips of each artist, by split: train, and test, which is held out."""
    licenses: dict[str, int]
    """Tracks of train by license."""
    tracks: list[dict[str, Any]]
    """Rows of the table `licensed` of the tracks of train, by track."""


def read_heard(splits: Path, licensed: Path) -> Heard:
    """From splits.parquet and licensed.parquet; UserError where they can't be read."""
    rows = read_table(splits, "splits").to_pylist()
    artists = {split: dict(Counter(r["artist"] for r in rows if r["split"] == split)) for split in ("train", "test")}
    known = {row["track_id"]: row for row in read_table(licensed, "licensed").to_pylist()}
    tracks = [known[track] for track in sorted({row["track_id"] for row in rows if row["split"] == "train"})]
    return Heard(artists, dict(Counter(track["license"] for track in tracks)), tracks)
