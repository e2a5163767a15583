"""How much music a study is about: counted in its data set, known of its sources, or as the user says."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.settings import Config, DataSettings
from ssmttm.tables import read_table

KNOWN = Path(__file__).with_name("music.tsv")
"""Tracks and hours that pass the license gate, of Debian packages and of MTG-Jamendo, and megabytes to download."""


@dataclass(frozen=True)
class Music:
    """What the stages of data have to do with."""

    tracks: int
    hours: float
    """Of whole tracks."""
    clips: int
    megabytes: float
    """To download."""
    source: str


def of_config(config: Config, data: Path | None, tracks: int | None, hours: float | None) -> Music:
    """The music of `config`: of the released data set in the folder `data`, or of `tracks` and `hours`, or of what is
    known of its sources.

    Raises UserError for a source of which nothing is known, and for a folder without a released data set.
    """
    settings = config["data"]
    if data is not None:
        return _released(data, settings)
    if tracks is not None and hours is not None:
        return Music(
            tracks, hours, _clips(settings, tracks, hours), 0.0, f"{tracks:,} tracks, {hours:g} hours, as given"
        )
    rows = {(row["source"], row["item"]): row for row in _rows()}
    found = []
    for source, item in _items(settings["sources"]):
        if (row := rows.get((source, item))) is None:
            raise UserError(
                f"data.sources.{source}: nothing is known of how much music {item or 'it'} brings; say it with "
                "--tracks and --hours, or name a finished data set with --data results/data/VERSION"
            )
        found.append(row)
    total = {key: sum(float(row[key]) for row in found) for key in ("tracks", "hours", "megabytes")}
    count = int(total["tracks"])
    where = ", ".join(dict.fromkeys(row["source"] for row in found))
    return Music(
        count, total["hours"], _clips(settings, count, total["hours"]), total["megabytes"], f"known of {where}"
    )


def _rows() -> list[dict[str, str]]:
    with KNOWN.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _items(sources: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What each source takes its music from, as the table of what is known names it."""
    for name, settings in sources.items():
        if name == "debian" and settings and not settings.get("files"):
            yield from ((name, package) for package in settings["packages"])
        elif name == "jamendo" and settings:
            yield name, str(settings.get("variant", "audio"))
        elif settings:
            yield name, ""


def _clips(settings: DataSettings, tracks: int, hours: float) -> int:
    """Clips that whole tracks are cut to, if all are of one length."""
    seconds, most = settings["clips"]["seconds"], settings["clips"].get("per_track")
    cut = max(0.0, hours * 3600 / seconds - tracks / 2)  # what is left over of each track is lost
    return round(min(cut, tracks * most) if most else cut)


def _released(folder: Path, settings: DataSettings) -> Music:
    path = folder / "dataset.json"
    try:
        counts: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["clips"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"--data {folder}: no released data set ({error}); leave the option out to estimate it"
        ) from None
    durations = read_table(folder / "licensed.parquet", "licensed", ["duration_s"])["duration_s"].to_pylist()
    hours = sum(seconds or 0.0 for seconds in durations) / 3600
    return Music(len(durations), hours, sum(counts.values()), 0.0, f"counted in {settings['version']}")
