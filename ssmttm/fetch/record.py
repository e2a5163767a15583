"""What is noted beside a finished download, in `NAME.json`: where it came from, and what it was."""

import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from ssmttm.fetch.partial import Answer, beside, disk_errors
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
    try:
        found = json.loads(record_path(target).read_bytes())
        record = Record(**{f.name: found[f.name] for f in fields(Record)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    numbers = all(type(n) is int for n in (record.size, record.modified_ns))
    texts = all(type(t) is str for t in (record.url, record.sha256, record.fetched))
    return record if numbers and texts and re.fullmatch("[0-9a-f]{64}", record.sha256) else None
