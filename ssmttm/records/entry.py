"""A record's file: what stands in it, its seal, and its place among the others of its track."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypedDict, cast

from jsonschema import Draft202012Validator

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.spec import canonical_json
from ssmttm.wording import counted, one_line

FORMAT = 1
"""Version of the file's form."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,59}")
"""What an entry may be called: it stands in a table."""

_FILE = re.compile(r"(?P<track>[a-z]+)-(?P<number>[0-9]{4})-[A-Za-z0-9._-]+\.json")
_REMEDY = "a record is made by `ssmttm record make`, and isn't edited: make it again"


class Machine(TypedDict):
    """What a run was trained on."""

    cpu: str
    cores: int
    system: str
    python: str


class RunEntry(TypedDict):
    """One training of the design."""

    run: str
    """Its name, which its folder has."""
    seed: int
    commit: str
    """Full hash of the code's commit."""
    fingerprint: str
    """Of the code that trained it."""
    model_sha256: str
    device: str
    machine: Machine
    seconds: float
    """Of training, by the clock."""
    core_minutes: float
    """Minutes of training times CPU cores."""
    steps: int
    flops: float
    """Of all steps, as the project counts them."""
    losses: dict[str, float]
    """Nats per code of level 1, by clip of the split `test`."""


class RowEntry(TypedDict):
    """The row of the run table that the runs share, less its seed."""

    variant: str
    size: str
    budget: str
    overrides: str


class DataEntry(TypedDict):
    """The data set."""

    version: str
    release: str
    """SHA-256 of the dataset.json that the runs were trained on."""
    content: str
    """See `ssmttm.records.data.content_of`."""


class Entry(TypedDict):
    """The content of a record's file."""

    format: int
    metric: int
    """Version of what the loss means."""
    track: str
    name: str
    date: str
    """On which it was made: 2026-11-29."""
    row: RowEntry | None
    """None for a design that is no row of the run table."""
    spec: Mapping[str, Any]
    """Every setting of the runs, less their seed."""
    spec_sha256: str
    data: DataEntry
    parameters: int
    core_parameters: int
    """Those outside embeddings, captions and heads."""
    loss: float
    """Of level 1 in nats per code: the mean over artists and seeds, with its interval."""
    low: float
    high: float
    runs: list[RunEntry]
    sha256: str
    """Of all of the above."""


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


_TEXT, _HASH, _COUNT = {"type": "string"}, {"type": "string", "pattern": "^[0-9a-f]{64}$"}, {"type": "integer"}
_NUMBER = {"type": "number"}
MACHINE = _object(cpu=_TEXT, cores=_COUNT, system=_TEXT, python=_TEXT)
_RUN = _object(
    run={"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"},
    seed={"type": "integer", "minimum": 0},
    commit=_TEXT,
    fingerprint=_TEXT,
    model_sha256=_HASH,
    device=_TEXT,
    machine=MACHINE,
    seconds=_NUMBER,
    core_minutes=_NUMBER,
    steps={"type": "integer", "minimum": 1},
    flops=_NUMBER,
    losses={"type": "object", "minProperties": 1, "additionalProperties": _NUMBER},
)
_ENTRY = Draft202012Validator(
    _object(
        format=_COUNT,
        metric=_COUNT,
        track=_TEXT,
        name=_TEXT,
        date=_TEXT,
        row={"oneOf": [{"type": "null"}, _object(variant=_TEXT, size=_TEXT, budget=_TEXT, overrides=_TEXT)]},
        spec={"type": "object"},
        spec_sha256=_HASH,
        data=_object(version=_TEXT, release=_HASH, content=_HASH),
        parameters=_COUNT,
        core_parameters=_COUNT,
        loss=_NUMBER,
        low=_NUMBER,
        high=_NUMBER,
        runs={"type": "array", "minItems": 1, "items": _RUN},
        sha256=_HASH,
    )
)


@dataclass(frozen=True)
class Record:
    """An entry with its file."""

    path: Path
    number: int
    """Its place in its track, from 1."""
    entry: Entry


def hash_of(value: object) -> str:
    """SHA-256, in hex, of a plain value's canonical JSON; ValueError for numbers that JSON doesn't have."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def sealed(entry: Mapping[str, Any]) -> Entry:
    """The entry with the hash of all else that it says; ValueError as above."""
    content = {key: value for key, value in entry.items() if key != "sha256"}
    return cast(Entry, {**content, "sha256": hash_of(content)})


def place_of(path: Path) -> tuple[str, int]:
    """Track and number that a record's file has in its name; UserError for another name."""
    found = _FILE.fullmatch(path.name)
    if found is None or int(found["number"]) < 1:
        raise UserError(
            f"{path}: no name of a record; it is TRACK-NUMBER-NAME.json, with four digits from 0001: "
            "laptop-0001-first.json"
        )
    return found["track"], int(found["number"])


def read_record(path: Path) -> Record:
    """The record in file `path`; UserError where it is none, was edited, or lies under another track's name."""
    content = read_json(path)
    try:
        hash_of(content)
    except ValueError:
        raise UserError(f"{path}: has numbers that are not finite; {_REMEDY}") from None
    if content.get("format") != FORMAT:
        raise UserError(f"{path}: format {content.get('format')!r} is not that of a record here, {FORMAT}; {_REMEDY}")
    _check_form(content, path)
    entry = cast(Entry, content)
    if (seal := sealed(content)["sha256"]) != entry["sha256"]:
        raise UserError(
            f"{path}: was edited: sha256 says {entry['sha256'][:12]}, but the rest has {seal[:12]}; {_REMEDY}"
        )
    check_words(entry, str(path))
    track, number = place_of(path)
    if track != entry["track"]:
        raise UserError(f"{path}: track is {entry['track']!r}, but the file's name says {track!r}; {_REMEDY}")
    return Record(path, number, entry)


def _check_form(content: Mapping[str, Any], path: Path) -> None:
    """UserError with the first key of a record that doesn't fit, and how many more there are."""
    errors = sorted(_ENTRY.iter_errors(content), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        key = ".".join(map(str, errors[0].absolute_path)) or "top level"
        more = f" (and {counted(len(errors) - 1, 'more fault')})" if len(errors) > 1 else ""
        raise UserError(f"{path}: {key}: {one_line(errors[0].message, 200)}{more}; {_REMEDY}")


def check_words(entry: Mapping[str, Any], where: str) -> None:
    """UserError for a name that can't stand in a table, and for a date that is none."""
    if not NAME.fullmatch(entry["name"]):
        raise UserError(
            f"{where}: name {entry['name']!r}: letters, digits, spaces and . _ + - alone, 60 at most; choose another"
        )
    try:
        fine = date.fromisoformat(entry["date"]).isoformat() == entry["date"]
    except ValueError:
        fine = False
    if not fine:
        raise UserError(f"{where}: date {entry['date']!r} is none such as 2026-11-29; {_REMEDY}")


def read_records(folder: Path) -> list[Record]:
    """All records of a folder, by track and number; none where there is no such folder. UserError as `read_record`."""
    found = [read_record(path) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda record: (record.entry["track"], record.number))


def earlier(path: Path, folder: Path) -> list[Record]:
    """The records of `folder` that come before the one in file `path`, of its track, in their order.

    UserError where its number isn't the next one.
    """
    track, number = place_of(path)
    others = [r for r in read_records(folder) if r.entry["track"] == track and r.path.resolve() != path.resolve()]
    if taken := [other for other in others if other.number == number]:
        free = max(other.number for other in others) + 1
        raise UserError(
            f"{path}: number {number:04d} of track {track} is taken by {taken[0].path}; "
            f"the next one is {track}-{free:04d}"
        )
    before = [other for other in others if other.number < number]
    if len(before) != number - 1:
        raise UserError(
            f"{path}: number {number:04d}, but {folder} has {counted(len(before), 'record')} of track {track} before "
            "it; name the folder of all records (--records), or give it the next number"
        )
    return before
