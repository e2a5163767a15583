"""The data card of an exported data set: README.md with the front matter that Hugging Face reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

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


_AUDIO = """## Listening to a clip

`audio` comes as the bytes of a FLAC file, for which no further package is needed:

```python
import io, datasets, soundfile

clip = datasets.load_dataset("FOLDER")["train"][0]
wave, rate = soundfile.read(io.BytesIO(clip["audio"]["bytes"]))
```

With the package torchcodec, `datasets` decodes it: `.cast_column("audio", datasets.Audio())`."""


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
    settings = release["settings"]
    front = {
        "pretty_name": f"ssmttm {version}",
        "license": sorted({_hub_license(license) for license, _ in contents.seconds}),
        "task_categories": ["text-to-audio"],
        "tags": ["music", "text-to-music"],
        "language": ["en"],
        "size_categories": [_size(sum(contents.clips.values()))],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"data/{split}-*.parquet"} for split in _ordered(contents.clips)
                ],
            }
        ],
        "dataset_info": {"features": list(features)},
    }
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)}---",
        f"# ssmttm {version}",
        _what(contents, settings, made_by),
        *([_AUDIO] if any(f["name"] == "audio" for f in features) else []),
        _hours(contents),
        _obligations({license for license, _ in contents.seconds}),
        _making(settings, release),
        _rejections(release, contents),
        _reservations(settings, release),
        _limits(settings, release),
    ]
    return "\n\n".join(parts) + "\n"


def _ordered(clips: Mapping[str, int]) -> list[str]:
    return [s for s in ("train", "validation", "test") if s in clips]


def _hub_license(license: str) -> str:
    return license.lower() if license.lower() in _HUB_LICENSES else "other"


def _size(count: int) -> str:
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    return next((name for bound, name in bounds if count < bound), "1M<n<10M")


def _what(contents: Contents, settings: Mapping[str, Any], made_by: str) -> str:
    hours = sum(contents.seconds.values()) / 3600
    splits = ", ".join(f"{contents.clips[s]:,} {s}" for s in _ordered(contents.clips))
    seconds, rate = settings["clips"]["seconds"], settings["clips"]["sample_rate"]
    return (
        f"{hours:.2f} hours of openly licensed music by {len(contents.artists):,} artists, as clips of {seconds:g} s "
        f"(mono, {rate:,} Hz, FLAC) with captions: {splits}. The license of every track was proven from evidence "
        "that speaks about that track; what could not be proven was left out. Artists don't straddle splits, and "
        "duplicate recordings were removed.\n\n"
        f"Made by {escape(made_by)}. `ATTRIBUTION.md` credits every track and is part of the data set: pass it on "
        "with whatever you pass on. `dataset.json` has every setting and the SHA-256 of what this was made from."
    )


def _hours(contents: Contents) -> str:
    lines = ["## Hours by license and source", "", "| license | source | hours |", "| --- | --- | --- |"]
    for (license, source), seconds in sorted(contents.seconds.items(), key=lambda item: -item[1]):
        lines.append(f"| {escape(license)} | {escape(source)} | {seconds / 3600:.2f} |")
    return "\n".join(lines)


def _obligations(licenses: set[str]) -> str:
    """What the licenses ask of whoever passes the clips on."""

    def having(element: str) -> str:
        return ", ".join(f"`{license}`" for license in sorted(licenses) if element in all_duties(license))

    lines = ["## What the licenses ask", ""]
    if by := having("by"):
        lines.append(
            f"- Attribution ({by}): name author, title, source and license, and say what was changed. "
            "`ATTRIBUTION.md` does."
        )
    if share := having("sa"):
        lines.append(
            f"- Share-alike ({share}): whoever shares these clips, or something adapted from them, does so under the "
            "same license or one that it names as compatible, and adds no terms or technical measures that restrict "
            "others. Clips are adapted material: these stay under their tracks' licenses. Whether a trained model or "
            "its output is adapted material is not settled; keep the attribution with them."
        )
    if noncommercial := having("nc"):
        lines.append(f"- Non-commercial ({noncommercial}): no use that is primarily for commercial advantage.")
    if noderivatives := having("nd"):
        lines.append(f"- No derivatives ({noderivatives}): clips of these must not be passed on.")
    if free := ", ".join(f"`{n}`" for n in sorted(licenses) if "by" not in all_duties(n)):
        lines.append(f"- {free}: no attribution is asked for; it is given all the same.")
    return "\n".join(lines)


def _making(settings: Mapping[str, Any], release: Mapping[str, Any]) -> str:
    clips, vocals, captions = settings["clips"], settings["vocals"]["mode"], release["captions"]
    voices = {
        "keep": "Voices were left in.",
        "drop": f"Clips in which voices were heard (musicnn, probability {settings['vocals']['threshold']:g} or more) "
        "were dropped.",
        "separate": "Voices were taken out by source separation (htdemucs).",
    }[vocals]
    writers = ", ".join(f"{count:,} by {escape(name)}" for name, count in captions["written_by"].items())
    return (
        "## How it was made\n\n"
        "Tracks were fetched and verified, decoded by FFmpeg, mixed down to mono, resampled by soxr, cut into clips "
        f"that never span a gap, and brought to {clips['loudness_lufs']:g} LUFS (EBU R128) without clipping. {voices} "
        "Duplicates were found by audio hash and chromaprint. Captions are written from an analysis of each clip "
        f"(essentia, musicnn) and state nothing else: {writers}. They are in English, machine-made, and as wrong as "
        "the analysis is."
    )


def _rejections(release: Mapping[str, Any], contents: Contents) -> str:
    lines = ["## What was left out", "", "| reason | tracks or clips |", "| --- | --- |"]
    lines += [f"| {REASONS[reason]} | {count:,} |" for reason, count in release["rejected"].items()]
    lines += [f"| duplicate recording of another track | {release['duplicates']:,} |"] if release["duplicates"] else []
    lines += [f"| {why} (clips, in this export) | {count:,} |" for why, count in sorted(contents.left_out.items())]
    return "\n".join(lines)


def _reservations(settings: Mapping[str, Any], release: Mapping[str, Any]) -> str:
    """What became of tracks whose rights are reserved for machine learning, and how many there were."""
    title = "## Reservations for machine learning\n\n"
    switch = settings["license"].get("ml_reservations")
    if switch is None:
        return f"{title}This data set was made by a version that did not look for them."
    if switch == "reject":
        found = f"{release['rejected'].get('ml_reserved', 0):,} tracks that have one were left out."
    else:
        found = f"{release['ml_reserved']:,} of the licensed tracks have one and were kept."
    return (
        f'{title}Statements such as "no AI training", or a reservation under article 4(3) of directive (EU) 2019/790, '
        "were looked for in what the sources state, in license files and in tags (`data.license.ml_reservations: "
        f"{switch}`). {found}"
    )


def _limits(settings: Mapping[str, Any], release: Mapping[str, Any]) -> str:
    sources = ", ".join(sorted(settings["sources"]))
    return (
        "## Known limits\n\n"
        f"- The music is what {sources} offered, no sample of all music: genres, regions and periods are uneven.\n"
        "- A license proven here is the one that was stated; whether whoever stated it had the right to is not known.\n"
        "- Captions come from taggers and signal analysis, without anybody listening. Tempo and key are estimates.\n"
        f"- Codec tokens, where present, are of {escape(release['codec'])}.\n"
        "- Removed voices leave traces; dropped or kept voices are as good as the tagger.\n"
        "- To have a track taken out, name its `track_id` to whoever published this; all its clips carry it."
    )
