"""Command `record`: make an entry of trained runs, check one, and print the table of all."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.records import checking, making
from ssmttm.records.data import read_data
from ssmttm.records.entry import Record, earlier, place_of, read_record, read_records
from ssmttm.records.table import table, write_into
from ssmttm.records.tracks import default_study


def make(
    runs: Sequence[Path],
    name: str,
    track: str,
    data: Path,
    records: Path,
    out: Path,
    device: str,
    threads: int | None,
) -> str:
    """Write the entry of `runs` to `out`, if it counts beside the entries of the folder `records`; says what it is.

    UserError with the first reason for which it doesn't count; then nothing is written.
    """
    folders = making.folders_of(runs)
    named, number = place_of(out)
    if named != track:
        raise UserError(f"--out {out}: a record of track {track} is called {track}-{number:04d}-NAME.json")
    before = earlier(out, records)
    config = default_study()
    opened = read_data(data, config)
    today = datetime.now(UTC).date().isoformat()
    entry = making.make(folders, opened, name, track, today, config, str(out))
    with claim_device(device, threads) as place:
        said = checking.check(Record(out, number, entry), opened, folders, before, config, place)
    write_json(out, entry)
    return said


def check(file: Path, data: Path, runs: Path, records: Path, device: str, threads: int | None) -> str:
    """What is right about the record in `file`, whose runs' folders are in the folder `runs`.

    UserError with the first reason for which it doesn't count.
    """
    record = read_record(file)
    before = earlier(file, records)
    config = default_study()
    opened = read_data(data, config)
    folders = {run["run"]: runs / run["run"] for run in record.entry["runs"]}
    with claim_device(device, threads) as place:
        return checking.check(record, opened, folders, before, config, place)


def show(records: Path, into: Path | None) -> str:
    """The table of all records in the folder; also written between the marks of the page `into`."""
    text = table(read_records(records))
    if into is not None:
        write_into(into, text)
    return text
