"""What is noted beside a finished download, in `NAME.json`: where it came from, and what it was."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ssmttm.fetch.partial import Answer, beside, disk_errors, read_stored
from ssmttm.files import write_json


@dataclass(frozen=True)
class Record:
    """A file as it was when it was verified; `modified_ns` is its time of change, `fetched` the date in words."""

    url: str
    size: int
    sha256: str
    etag: str | None
    last_modified: str | None
    modified_ns: int
    fetched: str


def record_path(target: Path) -> Path:
    """Where the record of `target` lies."""
    return beside(target, ".json")


def write_record(target: Path, answer: Answer, size: int, sha256: str, modified_ns: int) -> None:
    """Note that `target` is what `answer` brought."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    record = Record(answer.url, size, sha256, answer.etag, answer.last_modified, modified_ns, now)
    with disk_errors(target):
        write_json(record_path(target), asdict(record))


def read_record(target: Path) -> Record | None:
    """What is noted of `target`, or None if there is nothing that makes sense."""
    record = read_stored(record_path(target), Record)
    return record if record and re.fullmatch("[0-9a-f]{64}", record.sha256) else None
