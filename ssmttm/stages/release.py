"""Stage `release`: check a finished data set and write its manifest, dataset.json."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from ssmttm.captions.statistics import statistics
from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.licenses.policy import evidence_of, reserved
from ssmttm.released import hashes
from ssmttm.tables import read_table, read_tables

_SHARDED = ("clips", "captions", "tokens", "text")
_REJECTING = ("audio", "clips")


def run(settings: dict[str, Any], folder: Path, out: Path) -> None:
    """Check the data set in `folder`, built with the config's data section `settings`; write `out`.

    Raises UserError when shards disagree about their clips, when codecs or encoders are mixed, or
    when clips and splits differ.
    """
    shards = range(settings["shards"])
    durations: dict[str, float] = {}
    for shard in shards:
        found = _shard_durations(folder, shard)
        repeated = durations.keys() & found.keys()
        if repeated:
            raise UserError(f"{folder}: clip {min(repeated)} is in two shards; build the clips again")
        durations |= found
    if not durations:
        raise UserError(f"{folder}: the data set has no clips; see the rejected tables for reasons, or add music")
    splits = {r["clip_id"]: r["split"] for r in read_table(folder / "splits.parquet", "splits").to_pylist()}
    if splits.keys() != durations.keys():
        stray = min(splits.keys() ^ durations.keys())
        raise UserError(f"{folder}/splits.parquet and the clips differ, for one in {stray}; build the splits again")
    products = _products(folder, shards)
    counts = Counter(splits.values())
    minutes: dict[str, float] = defaultdict(float)
    for clip, split in splits.items():
        minutes[split] += durations[clip] / 60
    write_json(
        out,
        {
            "settings": settings,
            "clips": dict(sorted(counts.items())),
            "minutes": {split: round(value, 3) for split, value in sorted(minutes.items())},
            "duplicates": read_table(folder / "duplicates.parquet", "duplicates", []).num_rows,
            "captions": _captions(folder, shards),
            "codec": _single(folder, "tokens", "codec", shards),
            "text_encoder": _single(folder, "text", "encoder", shards),
            "rejected": _rejections(folder, shards),
            "ml_reserved": _reserved(folder),
            "sha256": hashes(folder, [path.relative_to(folder).as_posix() for path in products], anew=True),
        },
    )


def _path(folder: Path, product: str, shard: int) -> Path:
    return folder / product / f"{shard}.parquet"


def _rejected_path(folder: Path, product: str, shard: int) -> Path:
    return folder / product / f"{shard}.rejected.parquet"


def _shard_durations(folder: Path, shard: int) -> dict[str, float]:
    """Seconds of each clip of one shard, after checking that all its products hold the same clips."""
    path = _path(folder, "clips", shard)
    rows = read_table(path, "clips", ["clip_id", "duration_s"]).to_pylist()
    durations = {row["clip_id"]: row["duration_s"] for row in rows}
    for product in _SHARDED:
        other = _path(folder, product, shard)
        found = read_table(other, product, ["clip_id"]).column("clip_id").to_pylist()
        if len(found) != len(set(found)):
            raise UserError(f"{other}: a clip stands in it twice; build it again")
        if set(found) != durations.keys():
            stray = min(set(found) ^ durations.keys())
            raise UserError(f"{other}: its clips are not those of {path}, for one {stray}; build it again")
    return durations


def _single(folder: Path, product: str, column: str, shards: range) -> str:
    """The one value of `column` in all shards."""
    seen: dict[str, Path] = {}
    for shard in shards:
        path = _path(folder, product, shard)
        for value in read_table(path, product, [column]).column(column).unique().to_pylist():
            seen.setdefault(value, path)
    if len(seen) != 1:
        listed = ", ".join(f"{value} in {path}" for value, path in seen.items())
        raise UserError(f"{folder}: {product} were made by more than one {column}: {listed}; build them again")
    return next(iter(seen))


def _captions(folder: Path, shards: range) -> dict[str, Any]:
    """Who wrote the captions, and their statistics."""
    paths = [_path(folder, "captions", shard) for shard in shards]
    table = read_tables(paths, "captions", ["caption", "written_by"])
    writers = Counter(table.column("written_by").to_pylist())
    return {"written_by": dict(sorted(writers.items())), **statistics(table.column("caption").to_pylist())}


def _rejections(folder: Path, shards: range) -> dict[str, int]:
    """How often each reason occurs in all tables of rejected tracks and clips."""
    paths = [folder / "rejected.parquet"]
    paths += [_rejected_path(folder, product, shard) for product in _REJECTING for shard in shards]
    counts: Counter[str] = Counter()
    for path in paths:
        counts.update(read_table(path, "rejected", ["reason"]).column("reason").to_pylist())
    return dict(sorted(counts.items()))


def _reserved(folder: Path) -> int:
    """How many licensed tracks have evidence that reserves machine learning."""
    rows = read_table(folder / "licensed.parquet", "licensed", ["license_evidence"]).to_pylist()
    return sum(reserved(evidence_of(row["license_evidence"])) is not None for row in rows)


def _products(folder: Path, shards: range) -> list[Path]:
    """Every file that belongs to the released data set; raises UserError for a missing one."""
    names = ("licensed", "rejected", "duplicates", "splits")
    paths = [*(folder / f"{name}.parquet" for name in names), folder / "ATTRIBUTION.md", folder / "codec.safetensors"]
    paths += [_path(folder, product, shard) for product in ("fingerprints", *_SHARDED) for shard in shards]
    paths += [_rejected_path(folder, product, shard) for product in _REJECTING for shard in shards]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: no such file; the data set is not finished")
    return paths
