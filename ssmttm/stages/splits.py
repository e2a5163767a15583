"""Stage `splits`: assign clips to train, validation and test, disjoint by artist."""

from pathlib import Path
from typing import Any

from ssmttm.corpus.splits import assign
from ssmttm.tables import read_table, read_tables, write_table


def run(spec: dict[str, Any], clips: list[Path], licensed: Path, out: Path) -> None:
    """Write splits.parquet; `spec` has `split`."""
    split = spec["split"]
    tracks = read_table(licensed, "licensed", ["track_id", "artist"]).to_pylist()
    found = read_tables(clips, "clips", ["clip_id", "track_id"]).to_pylist()
    pairs = sorted((c["clip_id"], c["track_id"]) for c in found)
    artists = {t["track_id"]: t["artist"] for t in tracks}
    write_table(out, "splits", assign(pairs, artists, split["salt"], split["validation"], split["test"]))
