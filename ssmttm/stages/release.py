"""Stage `release`: check a finished data set and write its manifest, dataset.json."""

from collections import Counter, defaultdict
from pathlib import Path

from ssmttm.captions.statistics import statistics
from ssmttm.dataset.consistency import (
    clip_seconds,
    maker,
    product_paths,
    rejection_paths,
    shard_paths,
    split_of_clips,
)
from ssmttm.files import write_json
from ssmttm.licenses.policy import evidence_of, reserved
from ssmttm.released import Release, hashes
from ssmttm.settings import DataSettings
from ssmttm.tables import count_rows, read_table, read_tables


def run(settings: DataSettings, folder: Path, out: Path) -> None:
    """Check the data set in `folder`, built with the config's data section `settings`; write `out`.

    Raises UserError when shards disagree about their clips, when codecs or encoders are mixed, or
    when clips and splits differ.
    """
    shards = settings["shards"]
    seconds = clip_seconds(folder, shards)
    splits = split_of_clips(folder, seconds)
    products = product_paths(folder, shards)
    minutes: dict[str, float] = defaultdict(float)
    for clip, split in splits.items():
        minutes[split] += seconds[clip] / 60
    captions = read_tables(shard_paths(folder, "captions", shards), "captions", ["caption", "written_by"])
    rejected = read_tables(rejection_paths(folder, shards), "rejected", ["reason"])
    evidence = read_table(folder / "licensed.parquet", "licensed", ["license_evidence"])["license_evidence"].to_pylist()
    release: Release = {
        "settings": settings,
        "clips": _counts(list(splits.values())),
        "minutes": {split: round(value, 3) for split, value in sorted(minutes.items())},
        "duplicates": count_rows(folder / "duplicates.parquet", "duplicates"),
        "captions": {
            "written_by": _counts(captions["written_by"].to_pylist()),
            **statistics(captions["caption"].to_pylist()),
        },
        "codec": maker(folder, "tokens", "codec", shards),
        "text_encoder": maker(folder, "text", "encoder", shards),
        "rejected": _counts(rejected["reason"].to_pylist()),
        "ml_reserved": sum(reserved(evidence_of(one)) is not None for one in evidence),
        "sha256": hashes(folder, [path.relative_to(folder).as_posix() for path in products], anew=True),
    }
    write_json(out, release)


def _counts(values: list[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
