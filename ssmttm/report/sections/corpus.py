"""What the data set holds, what was left out and why, and whom to credit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file
from ssmttm.licenses.policy import make_policy
from ssmttm.tables import REASONS, read_table, read_tables

SPLITS = ("train", "validation", "test")

CREDITS = 2000
"""More tracks than these are credited in ATTRIBUTION.md only: the page stays readable."""


def corpus(data: Path) -> dict[str, Any]:
    """Everything that the report says about the data set in folder `data`."""
    licensed = read_table(data / "licensed.parquet", "licensed").to_pandas()
    clips = _clips(data)
    used = clips[clips["split"].isin(SPLITS)]
    rejected = _rejected(data)
    release = read_json(data / "dataset.json")
    return {
        "version": data.name,
        "sha256": sha256_file(data / "dataset.json"),
        "candidates": read_table(data / "index.parquet", "index", ["track_id"]).num_rows,
        "tracks": len(licensed),
        "artists": int(licensed["artist"].nunique()),
        "minutes": float(licensed["duration_s"].sum() / 60),
        "licenses": _licenses(licensed),
        "splits": _splits(clips),
        "shared_artists": int((used.groupby("artist")["split"].nunique() > 1).sum()),
        "duplicates": _duplicates(data),
        "captions": release["captions"],
        "clip_seconds": float(clips["duration_s"].median()),
        "reasons": _reasons(rejected),
        "unmet": [(r, text) for r, text in REASONS.items() if r not in set(rejected["reason"])],
        "attribution": _attribution(licensed) if len(licensed) <= CREDITS else [],
    }


def usable(license: Mapping[str, Any]) -> list[str]:
    """The identifiers of `data.license.allow` whose elements are switched on."""
    policy = make_policy(license)
    return [name for name in license["allow"] if policy.branch(name)]


def _shards(data: Path, folder: str, rejected: bool) -> list[Path]:
    found = sorted((data / folder).glob("*.parquet"))
    return [p for p in found if p.name.endswith(".rejected.parquet") == rejected]


def _clips(data: Path) -> pd.DataFrame:
    paths = _shards(data, "clips", rejected=False)
    if not paths:
        raise UserError(f"{data / 'clips'}: no clips")
    lengths = read_tables(paths, "clips", ["clip_id", "duration_s"]).to_pandas()
    splits = read_table(data / "splits.parquet", "splits").to_pandas()
    return splits.merge(lengths, on="clip_id", how="inner", validate="one_to_one")


def _rejected(data: Path) -> pd.DataFrame:
    paths = [data / "rejected.parquet"]
    for folder in ("audio", "clips"):
        paths += _shards(data, folder, rejected=True)
    return read_tables(paths, "rejected").to_pandas()


def _duplicates(data: Path) -> list[dict[str, Any]]:
    """How many tracks are left out as duplicates, by kind, and across how many sources."""
    rows = read_table(data / "duplicates.parquet", "duplicates").to_pylist()
    across = dict.fromkeys(("exact", "near"), 0)
    counts = dict(across)
    for row in rows:
        counts[row["kind"]] += 1
        across[row["kind"]] += row["track_id"].split(":")[0] != row["duplicate_of"].split(":")[0]
    return [{"kind": kind, "tracks": counts[kind], "across": across[kind]} for kind in counts]


def _licenses(licensed: pd.DataFrame) -> list[dict[str, Any]]:
    groups = licensed.groupby(["license", "source"], dropna=False)
    rows = [
        {
            "license": license,
            "source": source,
            "tracks": len(group),
            "artists": int(group["artist"].nunique()),
            "minutes": float(group["duration_s"].sum() / 60),
        }
        for (license, source), group in groups
    ]
    return sorted(rows, key=lambda r: -r["minutes"])


def _splits(clips: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for split in SPLITS:
        part = clips[clips["split"] == split]
        rows.append(
            {
                "split": split,
                "clips": len(part),
                "tracks": int(part["track_id"].nunique()),
                "artists": int(part["artist"].nunique()),
                "minutes": float(part["duration_s"].sum() / 60),
            }
        )
    return rows


def _reasons(rejected: pd.DataFrame) -> list[dict[str, Any]]:
    rows = [
        {
            "reason": reason,
            "sentence": REASONS[reason],
            "stage": stage,
            "count": len(group),
            "minutes": float(group["duration_s"].sum() / 60),
            "unknown": int(group["duration_s"].isna().sum()),
        }
        for (reason, stage), group in rejected.groupby(["reason", "stage"])
    ]
    return sorted(rows, key=lambda r: (-r["count"], r["reason"]))


def _attribution(licensed: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry per track; addresses come from strangers, so only web addresses become links."""
    rows = licensed.sort_values(["artist", "title", "track_id"]).to_dict("records")
    return [
        {"text": r["attribution"], "homepage": web_address(r["homepage"]), "license_url": web_address(r["license_url"])}
        for r in rows
    ]


def web_address(value: object) -> str | None:
    """The address if it is an http or https one, else None: never `javascript:` or `data:`."""
    return value if isinstance(value, str) and value.lower().startswith(("http://", "https://")) else None
