"""Tables of a study from rows and back, which rows may stand together, and how far a score is off."""

from collections.abc import Iterable
from dataclasses import fields
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from ssmttm.study_rows import OPTIONAL
from ssmttm.tables import SCHEMAS

SCORE = ["embedder", "metric", "reference"]
"""What makes scores comparable: the columns that no fit, mean or test mixes."""

SETUP = ["variant", "size", "budget_kind", "budget", "seed"]
"""What makes a run, as far as the tables say."""

Row = TypeVar("Row")
Numbers = TypeVar("Numbers", float, np.ndarray, pd.Series)

_DTYPES = {pa.string(): "str", pa.int64(): "Int64", pa.float64(): "float64", pa.bool_(): "boolean"}


def frame_of(rows: Iterable[object], name: str) -> pd.DataFrame:
    """Rows as table `name` of a study: the columns of its schema, of the same types whether there are rows or not."""
    schema = SCHEMAS[name]
    frame = pd.DataFrame([vars(row) for row in rows], columns=schema.names)
    frame = frame.astype({field.name: _DTYPES[field.type] for field in schema})
    return frame.drop(columns=[column for column in OPTIONAL.get(name, ()) if frame[column].isna().all()])


def rows_of(frame: pd.DataFrame, row: type[Row]) -> list[Row]:
    """The rows of a table, or of some of its rows, as values of the type `row`; missing values are None."""
    columns = frame[[field.name for field in fields(row) if field.name in frame]].astype(object)  # type: ignore[arg-type]
    return [row(**values) for values in columns.where(columns.notna(), None).to_dict("records")]


def twins(frame: pd.DataFrame, column: str = "system") -> list[str]:
    """Runs that the columns `SETUP` don't distinguish, such as a run and its ablation by overrides."""
    runs = frame.drop_duplicates([column, *SETUP])
    return sorted(runs.loc[runs.duplicated(SETUP, keep=False), column])


def without_twins(frame: pd.DataFrame, column: str = "system") -> pd.DataFrame:
    """The rows of all other runs: runs that differ otherwise are neither averaged nor put on one curve."""
    return frame[~frame[column].isin(twins(frame, column))]


def standard_error(low: Numbers, high: Numbers, confidence: float) -> Numbers:
    """The standard error that a normal interval of this confidence has."""
    return (high - low) / (2 * stats.norm.ppf((1 + confidence) / 2))
