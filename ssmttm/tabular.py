"""Lists and tables that people hand over: text by lines, and CSV, TSV or Parquet by rows, in bounded memory."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ssmttm.errors import UserError

FIELD_CHARACTERS = 100_000
"""Bound of one field. The longest real ones are captions of a few thousand characters."""

_LINE_BYTES = 1 << 20
_DELIMITERS = (",", ";", "\t")


class Line(NamedTuple):
    """A line of a text file without its end. `cut`: it is longer than the bound, and this is its start."""

    number: int  # from 1
    text: str
    cut: bool


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from error


def read_lines(path: Path, limit: int = _LINE_BYTES) -> Iterator[Line]:
    """The lines of a UTF-8 file, with or without a byte order mark, ended by LF or CRLF.

    A line of more than `limit` bytes is cut. Raises UserError with the file, and the line and
    byte where it is not UTF-8.
    """
    with _opened(path) as file:
        number = 0
        while raw := file.readline(limit):
            number += 1
            cut = len(raw) == limit and not raw.endswith(b"\n")
            if cut:
                while (rest := file.readline(_LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            try:
                text = raw.decode("utf-8", "ignore" if cut else "strict")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}, line {number}, byte {error.start + 1}: not UTF-8; save the file as UTF-8"
                ) from None
            yield Line(number, text.removesuffix("\n").removesuffix("\r"), cut)


class Record(NamedTuple):
    """A row of a table. The column names come first, as row 1 of a text file and row 0 of Parquet."""

    row: int
    fields: list[str]


def read_records(path: Path, known: Iterable[str]) -> Iterator[Record]:
    """The rows of a Parquet, CSV or TSV file, the column names first; empty rows are left out.

    Of Parquet only `known` columns are read, the fields of the others stay empty.

    CSV may be separated by comma, semicolon or tab: that which finds most of the `known` columns
    in the first row. Raises UserError with the file and the row on what can't be parsed, and on a
    field of more than FIELD_CHARACTERS.
    """
    with _opened(path) as file:
        parquet = file.read(4) == b"PAR1"
    wanted = {name.casefold() for name in known}
    records = _read_parquet(path, wanted) if parquet else _read_csv(path, wanted)
    for record in records:
        if any(len(field) > FIELD_CHARACTERS for field in record.fields):
            raise UserError(
                f"{path}, row {record.row}: a field has more than {FIELD_CHARACTERS} characters; shorten it"
            )
        if any(field.strip() for field in record.fields):
            yield record


def header(record: Record) -> list[str]:
    """The column names in lower case without spaces around them."""
    return [name.strip().casefold() for name in record.fields]


def read_columns(
    path: Path, columns: Mapping[str, str], required: Collection[str], remedy: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, fields) of a table as `read_records` reads it: the stripped text of `columns` {key: column's name} by key.

    The fields of a column that is not there are empty. Raises UserError, with `remedy`, if it is one of the `required`
    keys.
    """
    records = read_records(path, columns.values())
    first = next(records, None)
    names = header(first) if first else []
    where = {key: names.index(name.casefold()) for key, name in columns.items() if name.casefold() in names}
    if missing := [columns[key] for key in required if key not in where]:
        there = ", ".join(repr(name[:80]) for name in names[:20]) or "none"
        raise UserError(f"{path}: no column {', '.join(missing)}; it has {there}: {remedy}")
    for row, fields in records:
        present = {key: fields[i].strip() for key, i in where.items() if i < len(fields)}
        yield row, dict.fromkeys(columns, "") | present


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The text of a CSV file with a row of column names."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def _read_csv(path: Path, known: set[str]) -> Iterator[Record]:
    first = next(read_lines(path), None)
    if first is None:
        raise UserError(f"{path}: the file is empty")
    delimiter = max(_DELIMITERS, key=lambda d: _matches(first.text, d, known))
    reader = csv.reader(_csv_lines(path), delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(
                f"{path}, row {row} (up to line {reader.line_num}): {error}; is a quotation mark left open?"
            ) from None
        yield Record(row, fields)


def _csv_lines(path: Path) -> Iterator[str]:
    for line in read_lines(path):
        if line.cut:
            raise UserError(f"{path}, line {line.number}: longer than {_LINE_BYTES} bytes; shorten its fields")
        yield line.text + "\n"


def _matches(line: str, delimiter: str, known: set[str]) -> tuple[int, int]:
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return 0, 0
    return len(known & {name.strip().casefold() for name in names}), len(names)


def _read_parquet(path: Path, known: set[str]) -> Iterator[Record]:
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            yield Record(0, names)
            read = [name for name in names if name.strip().casefold() in known]
            row = 0
            for batch in file.iter_batches(batch_size=1024, columns=read):
                columns = {name: batch.column(name).to_pylist() for name in read}
                for i in range(batch.num_rows):
                    row += 1
                    yield Record(row, [_as_text(columns[name][i]) if name in columns else "" for name in names])
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file: {error}") from error


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)
