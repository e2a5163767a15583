"""Stage `splits`: assign clips to splits, disjoint by artist and alike in kinds of music; duplicates to none."""

from pathlib import Path

from ssmttm.captions.stated import stated_genres
from ssmttm.dataset.splits import assign
from ssmttm.settings import StageSpec
from ssmttm.tables import read_mapping, read_table, read_tables, write_table


def run(spec: StageSpec, clips: list[Path], licensed: Path, duplicates: Path, out: Path) -> None:
    """Write splits.parquet; `spec` has `split`."""
    rows = read_tables(clips, "clips", ["clip_id", "track_id"]).to_pylist()
    pairs = sorted((clip["clip_id"], clip["track_id"]) for clip in rows)
    tracks = read_table(licensed, "licensed", ["track_id", "artist", "tags"]).to_pylist()
    kinds = {t["track_id"]: kinds_of(t["track_id"], t["tags"], t["artist"]) for t in tracks}
    replaced = read_mapping(duplicates, "duplicates", "track_id", "duplicate_of")
    artists = {track["track_id"]: track["artist"] for track in tracks}
    write_table(out, "splits", assign(pairs, artists, spec["split"], replaced, kinds))


def kinds_of(track_id: str, tags: list[str] | None, artist: str | None) -> list[str]:
    """The kinds of music that splits balance: the genres that the source states, and the track's collection.

    A collection is a Debian package, a folder, or the source as a whole, as the first part of the id names it:
    `debian:zaz-data` of `debian:zaz-data/mus1.ogg`, `jamendo` of `jamendo:1234`.
    """
    first, slash, _ = track_id.partition("/")
    return [*stated_genres(tags, artist), first if slash else track_id.partition(":")[0]]
