"""The rows of a study's tables: their types agree with the schemas, and they survive tables and files."""

from dataclasses import fields
from types import NoneType
from typing import Literal, get_args, get_origin, get_type_hints

import pandas as pd
import pyarrow as pa
import pytest

from ssmttm.choices import STUDY_TABLES
from ssmttm.study.frames import frame_of, rows_of
from ssmttm.study_rows import FIRST, OPTIONAL, STUDY_ROWS, Difference, Fit
from ssmttm.tables import SCHEMAS, read_table, write_frame

COLUMNS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def column_of(hint):
    """The type of a column that holds `hint`, which may be optional or some words."""
    if get_origin(hint) is Literal:
        return pa.string()
    (kind,) = [part for part in get_args(hint) or (hint,) if part is not NoneType]
    return column_of(kind) if get_origin(kind) else COLUMNS[kind]


def fit(**more):
    kind = {"embedder": "vggish", "metric": "frechet", "reference": "codec"}
    return Fit(**kind, variant="simba", size="base", cost="steps", **{"points": 3, "note": "too few"} | more)


def test_every_table_of_a_study_has_a_row_type():
    assert set(STUDY_ROWS) == set(STUDY_TABLES) < set(SCHEMAS)


@pytest.mark.parametrize("name", STUDY_ROWS)
def test_fields_are_the_columns_of_the_schema_and_of_their_types(name):
    hints = get_type_hints(STUDY_ROWS[name])
    assert {field.name for field in fields(STUDY_ROWS[name])} == set(hints)
    assert {key: column_of(hint) for key, hint in hints.items()} == {f.name: f.type for f in SCHEMAS[name]}


@pytest.mark.parametrize("name", STUDY_ROWS)
def test_a_column_that_may_be_left_out_is_missing_in_a_row_without_it(name):
    optional = {field.name for field in fields(STUDY_ROWS[name]) if field.default is None}
    assert set(OPTIONAL.get(name, ())) <= optional


@pytest.mark.parametrize("name", STUDY_ROWS)
def test_a_table_has_the_same_columns_and_types_without_rows(name, tmp_path):
    frame = frame_of([], name)
    assert list(frame.columns) == [c for c in SCHEMAS[name].names if c not in OPTIONAL.get(name, ())]
    write_frame(tmp_path / "t.parquet", name, frame)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet", name).to_pandas(), frame)


def test_rows_come_back_from_a_table_and_from_its_file(tmp_path):
    rows = [fit(), fit(points=5, note="", limit=1.5, scale=2.0, exponent=0.5, r2=0.9)]
    frame = frame_of(rows, "fits")
    assert rows_of(frame, Fit) == rows
    write_frame(tmp_path / "fits.parquet", "fits", frame)
    read = pd.read_parquet(tmp_path / "fits.parquet")
    assert rows_of(read, Fit) == rows
    pd.testing.assert_frame_equal(read, frame)


def test_a_frame_with_other_columns_is_refused(tmp_path):
    frame = frame_of([fit()], "fits")
    for other in (frame.assign(extra=1), frame.drop(columns="note")):
        with pytest.raises(ValueError, match=r"extra|note"):
            write_frame(tmp_path / "t.parquet", "fits", other)
    with pytest.raises(TypeError, match="budget_kind"):
        rows_of(frame, Difference)
    assert not list(tmp_path.iterdir())


def test_optional_columns_are_there_where_a_row_has_them(tmp_path):
    frame = frame_of([], "comparison").assign(hours=pd.Series(dtype=float))
    write_frame(tmp_path / "t.parquet", "comparison", frame)
    names = read_table(tmp_path / "t.parquet", "comparison").column_names
    assert "hours" in names and "note" not in names


def test_the_comparison_begins_with_what_was_scored_and_ends_with_what_few_rows_have():
    names = SCHEMAS["comparison"].names
    assert names[: len(FIRST)] == list(FIRST)
    assert names[-2:] == ["hours", "note"]
    assert names[len(FIRST)] == "variant" and names[-3] == "ranks_real"
