"""Whether the tables of a finished data set agree with one another."""

from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.tables import read_mapping, read_table

SHARDED = ("clips", "captions", "tokens", "text")
"""Products that hold every clip, a file per shard."""
_REJECTING = ("audio", "clips")


def shard_paths(folder: Path, product: str, shards: int) -> list[Path]:
    """The files of a product, one per shard."""
    return [folder / product / f"{shard}.parquet" for shard in range(shards)]


def rejection_paths(folder: Path, shards: int) -> list[Path]:
    """The tables of rejected tracks and clips: of the whole data set, and of each shard."""
    parts = [folder / product / f"{shard}.rejected.parquet" for product in _REJECTING for shard in range(shards)]
    return [folder / "rejected.parquet", *parts]


def product_paths(folder: Path, shards: int) -> list[Path]:
    """Every file that belongs to the released data set; raises UserError for a missing one."""
    paths = [folder / f"{name}.parquet" for name in ("licensed", "duplicates", "splits")]
    paths += [folder / "ATTRIBUTION.md", folder / "codec.safetensors", *rejection_paths(folder, shards)]
    for product in ("fingerprints", *SHARDED):
        paths += shard_paths(folder, product, shards)
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: no such file; the data set is not finished")
    return paths


def clip_seconds(folder: Path, shards: int) -> dict[str, float]:
    """The length of each clip; UserError unless the products of a shard hold the same clips, and no two shards one."""
    seconds: dict[str, float] = {}
    for shard, path in enumerate(shard_paths(folder, "clips", shards)):
        clips = read_mapping(path, "clips", "clip_id", "duration_s")
        for product in SHARDED:
            other = folder / product / f"{shard}.parquet"
            ids = read_table(other, product, ["clip_id"])["clip_id"].to_pylist()
            if len(ids) != len(set(ids)):
                raise UserError(f"{other}: it has a clip twice; build it again")
            if stray := set(ids) ^ clips.keys():
                raise UserError(f"{other}: its clips are not those of {path}, for one {min(stray)}; build it again")
        if repeated := seconds.keys() & clips.keys():
            raise UserError(f"{folder}: clip {min(repeated)} is in two shards; build the clips again")
        seconds |= clips
    if not seconds:
        raise UserError(f"{folder}: the data set has no clips; see the rejected tables for reasons, or add music")
    return seconds


def split_of_clips(folder: Path, clips: dict[str, float]) -> dict[str, str]:
    """The split of each of `clips`; UserError unless the table of splits has these clips and no others."""
    splits = read_mapping(folder / "splits.parquet", "splits", "clip_id", "split")
    if stray := splits.keys() ^ clips.keys():
        raise UserError(
            f"{folder}/splits.parquet and the clips differ, for one in {min(stray)}; build the splits again"
        )
    return splits


def maker(folder: Path, product: str, column: str, shards: int) -> str:
    """The one codec or encoder that made all shards of `product`, as `column` says; UserError if there are several."""
    makers: dict[str, Path] = {}
    for path in shard_paths(folder, product, shards):
        for value in read_table(path, product, [column])[column].unique().to_pylist():
            makers.setdefault(value, path)
    if len(makers) != 1:
        listed = ", ".join(f"{value} in {path}" for value, path in makers.items())
        raise UserError(f"{folder}: {product} were made by more than one {column}: {listed}; build them again")
    return next(iter(makers))
