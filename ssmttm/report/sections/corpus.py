"""What the data set holds, what was left out and why, and whom to credit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file
from ssmttm.licenses.policy import make_policy
from ssmttm.numbers import plural
from ssmttm.report.cells import Cell, Table, number, text
from ssmttm.tables import REASONS, read_table, read_tables

SPLITS = ("train", "validation", "test")

CREDITS = 2000
"""More tracks than these are credited in ATTRIBUTION.md only: the page stays readable."""

_DUPLICATES = {"exact": "the same samples", "near": "a similar fingerprint (chromaprint)"}


@dataclass(frozen=True)
class Part:
    """How much music there is in a split, or of one license and source."""

    clips: int
    tracks: int
    artists: int
    minutes: float

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Part":
        """Counted from rows of clips or tracks."""
        minutes = float(rows["duration_s"].sum() / 60)
        return cls(len(rows), int(rows["track_id"].nunique()), int(rows["artist"].nunique()), minutes)

    @property
    def cells(self) -> list[Cell]:
        """Tracks, artists and minutes."""
        return [_count(self.tracks), _count(self.artists), _minutes(self.minutes)]


@dataclass(frozen=True)
class Credit:
    """Who is to be named for a track; addresses are None unless they are web addresses."""

    text: str
    homepage: str | None
    license_url: str | None


@dataclass(frozen=True)
class Corpus:
    """What the report says about a data set."""

    version: str
    sha256: str
    candidates: int
    whole: Part
    splits: dict[str, Part]
    clip_seconds: float
    music: list[Table]
    """Of the music and of the rejections."""
    more: list[Table]
    """Of duplicates and captions."""
    unmet: dict[str, str]
    """Reasons for which nothing was rejected."""
    credits: list[Credit]


def corpus(data: Path) -> Corpus:
    """Everything that the report says about the data set in folder `data`."""
    licensed = read_table(data / "licensed.parquet", "licensed").to_pandas()
    clips, rejected = _clips(data), _rejected(data)
    splits = {split: Part.of(clips[clips["split"] == split]) for split in SPLITS}
    used = clips[clips["split"].isin(SPLITS)]
    shared = int((used.groupby("artist")["split"].nunique() > 1).sum())
    rejections = set(rejected["reason"])
    return Corpus(
        version=data.name,
        sha256=sha256_file(data / "dataset.json"),
        candidates=read_table(data / "index.parquet", "index", ["track_id"]).num_rows,
        whole=Part.of(licensed),
        splits=splits,
        clip_seconds=float(clips["duration_s"].median()),
        music=[_licenses(licensed), _splits(splits, shared), _reasons(rejected)],
        more=[_duplicates(data), _captions(read_json(data / "dataset.json")["captions"])],
        unmet={reason: sentence for reason, sentence in REASONS.items() if reason not in rejections},
        credits=_credits(licensed) if len(licensed) <= CREDITS else [],
    )


def usable(license: Mapping[str, Any]) -> list[str]:
    """The identifiers of `data.license.allow` whose elements are switched on."""
    policy = make_policy(license)
    return [name for name in license["allow"] if policy.branch(name)]


def _shards(data: Path, folder: str, rejected: bool) -> list[Path]:
    paths = sorted((data / folder).glob("*.parquet"))
    return [p for p in paths if p.name.endswith(".rejected.parquet") == rejected]


def _clips(data: Path) -> pd.DataFrame:
    paths = _shards(data, "clips", rejected=False)
    if not paths:
        raise UserError(f"{data / 'clips'}: no clips")
    lengths = read_tables(paths, "clips", ["clip_id", "duration_s"]).to_pandas()
    splits = read_table(data / "splits.parquet", "splits").to_pandas()
    return splits.merge(lengths, on="clip_id", how="inner", validate="one_to_one")


def _rejected(data: Path) -> pd.DataFrame:
    shards = [path for folder in ("audio", "clips") for path in _shards(data, folder, rejected=True)]
    return read_tables([data / "rejected.parquet", *shards], "rejected").to_pandas()


def _count(value: int) -> Cell:
    return Cell(str(value), number=True)


def _minutes(value: float, *subs: str) -> Cell:
    return number(value, "{:.1f}".format, *subs)


def _licenses(licensed: pd.DataFrame) -> Table:
    groups = licensed.groupby(["license", "source"], dropna=False)
    parts = sorted(((key, Part.of(group)) for key, group in groups), key=lambda item: -item[1].minutes)
    return Table(
        "",
        "Minutes by license and source",
        "Look for how much of the music hangs on one source or one license.",
        ("License", "Source", "Tracks", "Artists", "Minutes"),
        [[Cell(license, code=True), text(source), *part.cells] for (license, source), part in parts],
    )


def _splits(splits: dict[str, Part], shared: int) -> Table:
    return Table(
        "",
        "Splits",
        f"{plural(shared, 'artist')} in more than one of them. Look for few artists in a split: scores then rest on "
        "their style.",
        ("Split", "Clips", "Tracks", "Artists", "Minutes"),
        [[text(split), _count(part.clips), *part.cells] for split, part in splits.items()],
    )


def _reasons(rejected: pd.DataFrame) -> Table:
    groups = sorted(rejected.groupby(["reason", "stage"]), key=lambda item: (-len(item[1]), item[0][0]))
    rows = []
    for (reason, stage), group in groups:
        count, unknown = len(group), int(group["duration_s"].isna().sum())
        rows.append(
            [
                Cell(REASONS[reason], key=reason),
                text(stage),
                Cell(plural(count, "clip" if stage == "clips" else "track"), count, number=True),
                _minutes(group["duration_s"].sum() / 60, f"{unknown} of unknown length" if unknown else ""),
            ]
        )
    look = "Look for reasons that remove much: they shape what music remains."
    headings = ("Reason", "Stage", "Count", "Minutes")
    return Table("", "Left out, and why", look, headings, rows, "nothing was rejected")


def _duplicates(data: Path) -> Table:
    """How many tracks are left out as duplicates, by kind, and across how many sources."""
    rows = read_table(data / "duplicates.parquet", "duplicates").to_pandas()
    sources = [rows[column].str.partition(":")[0] for column in ("track_id", "duplicate_of")]
    counts = {kind: rows["kind"] == kind for kind in _DUPLICATES}
    return Table(
        "",
        "Duplicates",
        "The same recording more than once: one is kept, the others are in no split. Look for many: a source then "
        "repeats itself or another.",
        ("Recognized by", "Tracks left out", "Of another source than the kept one"),
        [
            [text(name), _count(counts[kind].sum()), _count((counts[kind] & (sources[0] != sources[1])).sum())]
            for kind, name in _DUPLICATES.items()
        ],
    )


def _captions(captions: Mapping[str, Any]) -> Table:
    """The statistics of `dataset.json`."""
    words, repetition, vocabulary = captions["words"], captions["repetition"], captions["vocabulary"]
    sample = f"in samples of {captions['sample_words']:,} words"
    ratios = (
        ("Distinct words per word", vocabulary["type_token_ratio"], "1 if no word comes twice"),
        ("Distinct pairs of words", repetition["distinct_bigrams"], "per pair"),
        ("Distinct triples of words", repetition["distinct_trigrams"], "per triple"),
    )
    half = f"half of them {words['lower_quartile']:.0f} to {words['upper_quartile']:.0f}"
    rows = [
        ("Words per caption", f"{words['mean']:.1f}", f"from {words['minimum']} to {words['maximum']}, {half}"),
        ("Distinct words", f"{vocabulary['distinct_words']:,}", "in all captions together"),
        *((name, f"{value:.2f}", f"{note}, {sample}") for name, value, note in ratios if value is not None),
        ("Repeated captions", f"{100 * repetition['duplicates']:.1f} %", "word for word the same as an earlier one"),
        *(("Commonest opening", f"{100 * o['share']:.1f} %", f"“{o['words']} …”") for o in repetition["openings"][:1]),
    ]
    writers = ", ".join(f"{name} ({count:,})" for name, count in captions["written_by"].items())
    return Table(
        "",
        "Captions",
        "Look for low variety: captions that repeat themselves can’t distinguish clips. "
        f"{plural(captions['captions'], 'caption')}, written by {writers}",
        ("Measure", "Value", "What it says"),
        [[text(name), Cell(value, number=True), text(note)] for name, value, note in rows],
    )


def _credits(licensed: pd.DataFrame) -> list[Credit]:
    """One per track; addresses come from strangers."""
    rows = licensed.sort_values(["artist", "title", "track_id"]).itertuples()
    return [Credit(r.attribution, web_address(r.homepage), web_address(r.license_url)) for r in rows]


def web_address(value: object) -> str | None:
    """The address if it is an http or https one, else None: never `javascript:` or `data:`."""
    return value if isinstance(value, str) and value.lower().startswith(("http://", "https://")) else None
