"""What the data set holds, what was left out and why, and whom to credit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file
from ssmttm.report.cells import Cell, Row, Table, number, text
from ssmttm.tables import REASONS, read_table, read_tables
from ssmttm.wording import counted, listed

SPLITS = ("train", "validation", "test")

CREDITS = 150
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
    def cells(self) -> Row:
        """Tracks, artists and minutes."""
        return {"Tracks": _count(self.tracks), "Artists": _count(self.artists), "Minutes": _minutes(self.minutes)}


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
    shared_artists: int
    """Artists who are in more than one split."""
    clip_seconds: float
    captions: Mapping[str, Any]
    """What dataset.json says of them."""
    tables: dict[str, Table]
    unmet: dict[str, str]
    """Reasons for which nothing was rejected."""
    credits: list[Credit]

    @property
    def clips(self) -> str:
        """How many clips each split has."""
        return listed([f"{part.clips:,} for {split}" for split, part in self.splits.items()])


def corpus(data: Path) -> Corpus:
    """Everything that the report says about the data set in folder `data`."""
    licensed = read_table(data / "licensed.parquet", "licensed").to_pandas()
    clips, rejected = _clips(data), _rejected(data)
    splits = {split: Part.of(clips[clips["split"] == split]) for split in SPLITS}
    used, reasons = clips[clips["split"].isin(SPLITS)], set(rejected["reason"])
    captions = read_json(data / "dataset.json")["captions"]
    return Corpus(
        version=data.name,
        sha256=sha256_file(data / "dataset.json"),
        candidates=read_table(data / "index.parquet", "index", ["track_id"]).num_rows,
        whole=Part.of(licensed),
        splits=splits,
        shared_artists=int((used.groupby("artist")["split"].nunique() > 1).sum()),
        clip_seconds=float(clips["duration_s"].median()),
        captions=captions,
        tables={
            "licenses": _licenses(licensed),
            "splits": Table(
                [{"Split": text(n), "Clips": _count(part.clips), **part.cells} for n, part in splits.items()]
            ),
            "reasons": _reasons(rejected),
            "duplicates": _duplicates(data),
            "captions": _captions(captions),
        },
        unmet={reason: sentence for reason, sentence in REASONS.items() if reason not in reasons},
        credits=_credits(licensed) if len(licensed) <= CREDITS else [],
    )


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
    groups = [(key, Part.of(group)) for key, group in licensed.groupby(["license", "source"], dropna=False)]
    groups.sort(key=lambda group: -group[1].minutes)
    return Table(
        [{"License": Cell(name, code=True), "Source": text(source), **part.cells} for (name, source), part in groups]
    )


def _reasons(rejected: pd.DataFrame) -> Table:
    rows = []
    for (reason, stage), group in rejected.groupby(["reason", "stage"]):
        count, unknown = len(group), int(group["duration_s"].isna().sum())
        minutes = _minutes(group["duration_s"].sum() / 60, f"{unknown} of unknown length" if unknown else "")
        number = Cell(counted(count, "clip" if stage == "clips" else "track"), count, number=True)
        named = Cell(REASONS[reason], key=reason)
        rows.append({"Reason": named, "Stage": text(stage), "Count": number, "Minutes": minutes})
    return Table(sorted(rows, key=lambda row: (-(row["Count"].value or 0), row["Reason"].key)))


def _duplicates(data: Path) -> Table:
    """How many tracks are left out as duplicates, by kind, and across how many sources."""
    frame = read_table(data / "duplicates.parquet", "duplicates").to_pandas()
    one, other = (frame[column].str.split(":").str[0] for column in ("track_id", "duplicate_of"))
    rows = []
    for kind, name in _DUPLICATES.items():
        own = frame["kind"] == kind
        across = _count((own & (one != other)).sum())
        row = {"Recognized by": text(name), "Tracks left out": _count(own.sum())}
        rows.append({**row, "Of another source than the kept one": across})
    return Table(rows)


def _captions(captions: Mapping[str, Any]) -> Table:
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
    return Table([{"Measure": text(a), "Value": Cell(b, number=True), "What it says": text(c)} for a, b, c in rows])


def _credits(licensed: pd.DataFrame) -> list[Credit]:
    """One per track; addresses come from strangers."""
    rows = licensed.sort_values(["artist", "title", "track_id"]).itertuples()
    return [Credit(r.attribution, web_address(r.homepage), web_address(r.license_url)) for r in rows]


def web_address(value: object) -> str | None:
    """The address if it is an http or https one, else None: never `javascript:` or `data:`."""
    return value if isinstance(value, str) and value.lower().startswith(("http://", "https://")) else None
