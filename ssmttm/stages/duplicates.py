"""Stage `duplicates`: find recordings that are there more than once, and choose which one is kept."""

from collections.abc import Iterator
from pathlib import Path

from ssmttm.dataset.dedup import Recording, find_duplicates
from ssmttm.errors import UserError
from ssmttm.settings import StageSpec
from ssmttm.tables import list_arrays, read_mapping, read_table, write_table


def run(spec: StageSpec, fingerprints: list[Path], licensed: Path, out: Path) -> None:
    """Write duplicates.parquet; `spec` has `duplicates`.

    Raises UserError for a track that has two fingerprints, or one and no license.
    """
    licenses = read_mapping(licensed, "licensed", "track_id", "license")
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
    for row, codes in zip(table.drop_columns(["codes", "channels"]).to_pylist(), list_arrays(table["codes"])):
        if row["track_id"] not in licenses:
            raise UserError(
                f"{path}: track {row['track_id']} is not among the licensed ones; "
                "the fingerprints belong to another data set, so build the clips again"
            )
        yield Recording(**row, license=licenses[row["track_id"]], codes=codes)
