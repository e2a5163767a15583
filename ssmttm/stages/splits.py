"""Stage `splits`: assign clips to train, validation and test, disjoint by artist; duplicates to none."""

from pathlib import Path

from ssmttm.dataset.splits import assign
from ssmttm.settings import StageSpec
from ssmttm.tables import read_mapping, read_tables, write_table


def run(spec: StageSpec, clips: list[Path], licensed: Path, duplicates: Path, out: Path) -> None:
    """Write splits.parquet; `spec` has `split`."""
    split = spec["split"]
    rows = read_tables(clips, "clips", ["clip_id", "track_id"]).to_pylist()
    pairs = sorted((clip["clip_id"], clip["track_id"]) for clip in rows)
    artists = read_mapping(licensed, "licensed", "track_id", "artist")
    replaced = read_mapping(duplicates, "duplicates", "track_id", "duplicate_of")
    shares, held_out = (split["salt"], split["validation"], split["test"]), split.get("held_out", ())
    write_table(out, "splits", assign(pairs, artists, *shares, replaced, held_out))
