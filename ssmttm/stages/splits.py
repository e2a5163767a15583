"""Stage `splits`: assign clips to train, validation and test, disjoint by artist; duplicates to none."""

from pathlib import Path
from typing import Any

from ssmttm.dataset.splits import assign
from ssmttm.tables import read_table, read_tables, write_table


def run(spec: dict[str, Any], clips: list[Path], licensed: Path, duplicates: Path, out: Path) -> None:
    """Write splits.parquet; `spec` has `split`."""
    split = spec["split"]
    tracks = read_table(licensed, "licensed", ["track_id", "artist"]).to_pylist()
    found = read_tables(clips, "clips", ["clip_id", "track_id"]).to_pylist()
    pairs = sorted((c["clip_id"], c["track_id"]) for c in found)
    artists = {t["track_id"]: t["artist"] for t in tracks}
    rows = read_table(duplicates, "duplicates", ["track_id", "duplicate_of"]).to_pylist()
    replaced = {r["track_id"]: r["duplicate_of"] for r in rows}
    write_table(out, "splits", assign(pairs, artists, split["salt"], split["validation"], split["test"], replaced))
