"""Tracks that are held out for evaluation: ids from the files that evaluation sets publish."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.sources.contract import Context
from ssmttm.tabular import Record, header, read_records
from ssmttm.wording import quoted

COLUMNS = ("track_id", "ytid")
"""Where the ids are: of Song Describer's and of MusicCaps' table, for two."""

_MAX_BYTES = 256 << 20


def read_excluded(
    addresses: Iterable[str] | None, context: Context, normalize: Callable[[str], str | None]
) -> dict[str, str]:
    """Track keys that are held out, each with the file and row that says so.

    An address is a path or an http(s) or file address of a CSV, TSV or Parquet file with a column
    `track_id` or `ytid`, or of a text file whose lines start with an id; there, lines that start
    with # are comments. `normalize` makes an id as it is written the source's key, or None if it
    is none. Raises UserError when a file has no such column, or an id that is not understood:
    what was meant to be held out would be trained on.
    """
    found: dict[str, str] = {}
    for address in addresses or ():
        path = _local(address, context)
        name = address.rstrip("/").rpartition("/")[2]
        for row, text in _ids(path, normalize):
            key = normalize(text)
            if key is None:
                raise UserError(
                    f"{path}, row {row}: {quoted(text)} is no track id of this source; correct or remove it"
                )
            found.setdefault(key, f"{name}, row {row}")
    return found


def _local(address: str, context: Context) -> Path:
    from ssmttm.fetch.download import local_copy

    return local_copy(address, context.cache / "exclude", fetching=context.fetch, max_bytes=_MAX_BYTES, kind="any")


def _ids(path: Path, normalize: Callable[[str], str | None]) -> Iterator[tuple[int, str]]:
    """(row, id) of each row."""
    records = read_records(path, COLUMNS)
    first = next((r for r in records if not _is_comment(r)), None)
    if first is None:
        return
    names = header(first)
    column = next((names.index(name) for name in COLUMNS if name in names), None)
    plain_list = column is None
    if column is None:
        if first.row == 0 or normalize(first.fields[0].strip()) is None:
            there = ", ".join(quoted(name) for name in names[:20])
            raise UserError(f"{path}: no column {' or '.join(COLUMNS)} and no list of ids; it has {there}")
        column = 0
        yield first.row, first.fields[0].strip()
    for record in records:
        if not (plain_list and _is_comment(record)):
            yield record.row, record.fields[column].strip() if column < len(record.fields) else ""


def _is_comment(record: Record) -> bool:
    return record.row > 0 and record.fields[0].startswith("#")
