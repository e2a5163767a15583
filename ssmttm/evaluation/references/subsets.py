"""A file of ids that restricts a set of captions to a published part of it."""

from pathlib import Path
from typing import NamedTuple

from ssmttm.tabular import header, read_records

TRACK, VIDEO = "track_id", "ytid"
_COLUMNS = ("id", "clip_id", "caption_id", VIDEO, TRACK, "name")


class Subset(NamedTuple):
    """The ids of a file, without those that are empty."""

    column: str | None
    """The column that they are from, in lower case; None for the first fields of a file without such a column."""
    ids: list[str]


def read_subset(path: Path, id_column: str | None) -> Subset:
    """The ids of a table with a column of ids, else the first field of each line; each once.

    `id_column` is what the set's own table calls its ids, if it has one. Raises UserError for what is no table.
    """
    known = (*([id_column.casefold()] if id_column else []), *_COLUMNS)
    records = list(read_records(path, known))
    names = header(records[0]) if records else []
    column = next((name for name in known if name in names), None)
    at = 0 if column is None else names.index(column)
    chosen = records if column is None else records[1:]
    ids = dict.fromkeys(record.fields[at].strip() for record in chosen if len(record.fields) > at)
    return Subset(column, [i for i in ids if i])
