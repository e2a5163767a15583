"""The data card of an exported data set: README.md with the front matter that Hugging Face reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import DatasetCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from ssmttm.dataset.attribution import escape
from ssmttm.licenses.elements import all_duties
from ssmttm.tables import REASONS

_HUB_LICENSES = frozenset(
    ["cc0-1.0"]
    + [f"cc-by-{v}" for v in ("2.0", "2.5", "3.0", "4.0")]
    + [f"cc-by-sa-{v}" for v in ("3.0", "4.0")]
    + [f"cc-by-nc-{v}" for v in ("2.0", "3.0", "4.0")]
    + [f"cc-by-nc-sa-{v}" for v in ("2.0", "3.0", "4.0")]
    + ["cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"]
)
"""Identifiers that the hub knows; everything else is `other` there."""

_SPLITS = ("train", "validation", "test", "known", "tuning")
_SIZES = {"n<1K": 1e3, "1K<n<10K": 1e4, "10K<n<100K": 1e5, "100K<n<1M": 1e6, "1M<n<10M": float("inf")}
"""The hub's classes of size, each with the number of rows that it stays below."""


@dataclass
class Contents:
    """What was exported, counted while it was written."""

    clips: dict[str, int] = field(default_factory=dict)  # by split
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)  # by (license, source)
    artists: set[str] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)  # clips by why

    def add(self, split: str, row: Mapping[str, Any]) -> None:
        """Count one exported row."""
        self.clips[split] = self.clips.get(split, 0) + 1
        key = (row["license"], row["source"])
        self.seconds[key] = self.seconds.get(key, 0.0) + row["duration_s"]
        self.artists.add(row["artist"] or "")

    def leave_out(self, why: str) -> None:
        """Count one clip that is not exported."""
        self.left_out[why] = self.left_out.get(why, 0) + 1

    @property
    def splits(self) -> dict[str, int]:
        """Clips by split, in the order that people expect."""
        return {split: self.clips[split] for split in _SPLITS if split in self.clips}

    @property
    def hours(self) -> list[tuple[str, str, float]]:
        """License, source and hours, the most first."""
        ordered = sorted(self.seconds.items(), key=lambda item: -item[1])
        return [(license, source, seconds / 3600) for (license, source), seconds in ordered]

    def licenses(self, element: str, having: bool = True) -> str:
        """The licenses that have an element, or not, as Markdown."""
        names = sorted({license for license, _ in self.seconds})
        return ", ".join(f"`{name}`" for name in names if (element in all_duties(name)) == having)


def data_card(
    contents: Contents,
    release: Mapping[str, Any],
    features: Sequence[Mapping[str, Any]],
    version: str,
    made_by: str,
) -> str:
    """README.md of an export.

    `release` is the data set's dataset.json, `features` the columns as the hub's metadata names
    them, `version` the data set's and `made_by` the program's version.
    """
    count = sum(contents.clips.values())
    licenses = {license.lower() for license, _ in contents.seconds}
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in contents.splits]
    front = DatasetCardData(
        pretty_name=f"ssmttm {version}",
        license=sorted({license if license in _HUB_LICENSES else "other" for license in licenses}),
        task_categories=["text-to-audio"],
        tags=["music", "text-to-music"],
        language=["en"],
        size_categories=[next(name for name, bound in _SIZES.items() if count < bound)],
        configs=[{"config_name": "default", "data_files": files}],
        dataset_info={"features": list(features)},
    )
    environment = Environment(  # plain text: `escape` makes Markdown of what strangers wrote
        loader=PackageLoader("ssmttm", "dataset"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = escape
    return environment.get_template("card.md.j2").render(
        front=front.to_yaml(line_break="\n"),
        contents=contents,
        release=release,
        settings=release["settings"],
        reasons=REASONS,
        has_audio=any(feature["name"] == "audio" for feature in features),
        version=version,
        made_by=made_by,
    )
