"""Stage `release`: check a finished data set and write its manifest, dataset.json."""

from collections import Counter, defaultdict
from pathlib import Path

from ssmttm import plugins
from ssmttm.captions.statistics import statistics
from ssmttm.dataset.consistency import (
    clip_seconds,
    maker,
    product_paths,
    rejection_paths,
    shard_paths,
    split_of_clips,
)
from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.licenses.policy import evidence_of, reserved
from ssmttm.released import Release, hashes
from ssmttm.settings import DataSettings
from ssmttm.tables import count_rows, read_table, read_tables
from ssmttm.wording import one_line


def run(settings: DataSettings, folder: Path, out: Path) -> None:
    """Check the data set in `folder`, built with the config's data section `settings`; write `out`.

    Raises UserError when shards disagree about their clips, when codecs or encoders are mixed,
    when clips and splits differ, or when captions are all alike.
    """
    shards = settings["shards"]
    seconds = clip_seconds(folder, shards)
    splits = split_of_clips(folder, seconds)
    products = product_paths(folder, shards)
    minutes: dict[str, float] = defaultdict(float)
    for clip, split in splits.items():
        minutes[split] += seconds[clip] / 60
    captions = read_tables(shard_paths(folder, "captions", shards), "captions", ["clip_id", "caption", "written_by"])
    _check_captions(folder, dict(zip(*(captions[name].to_pylist() for name in ("clip_id", "caption")))), splits)
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
    if brought := _plugins(settings):
        release["plugins"] = brought
    write_json(out, release)


def _plugins(settings: DataSettings) -> dict[str, str]:
    """The other packages that sources, codec and text encoder come from, and their versions."""
    asked = [("codecs", settings["codec"]["name"]), ("text_encoders", settings["text"]["encoder"])]
    asked += [("sources", name) for name in settings["sources"]]
    found = [plugin for kind, name in asked if (plugin := plugins.find(kind, name))]
    return {plugin.distribution: plugin.version for plugin in sorted(found)}


def _check_captions(folder: Path, captions: dict[str, str], splits: dict[str, str]) -> None:
    """Raise UserError if all captions of a split are alike: they tell a model nothing of its clips."""
    for split in ("train", "test"):
        said = [caption for clip, caption in captions.items() if splits[clip] == split]
        if len(said) > 1 and len(set(said)) == 1:
            raise UserError(
                f"{folder}/captions: all {len(said)} captions of the split {split} say {one_line(said[0], 80)!r}, so "
                "that no model can follow them; change data.captions, or the tags of your tracks, and build them again"
            )


def _counts(values: list[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
