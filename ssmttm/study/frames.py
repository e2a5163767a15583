"""What the tables of a study have in common: which rows may stand together, and typed columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

SCORE = ["embedder", "metric", "reference"]
"""What makes scores comparable: the columns that no fit, mean or test mixes."""

SETUP = ["variant", "size", "budget_kind", "budget", "seed"]
"""What makes a run, as far as the tables say."""

_WHOLE = ("points", "seeds", "sizes", "seed", "steps", "clips_seen", "tokens", "parameters", "n", "core_parameters")

_NUMBERS = (
    *("limit", "scale", "exponent", "r2", "value", "cost_value", "at", "mean", "difference", "low", "high"),
    *("p_value", "p_adjusted", "target_value", "target_cost", "ratio", "budget", "fraction", "slope", "error"),
    "core_fraction",
    *("flops", "seconds", "gpu_hours"),
)


def frame_of(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A frame with these columns, of the same types whether there are rows or not.

    Counts are Int64, other numbers float64 with NaN for what there is not, the rest text.
    """
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype({name: _type(name) for name in columns})


def _type(name: str) -> Any:
    if name in _WHOLE:
        return "Int64"
    return np.float64 if name in _NUMBERS or name.endswith(("_low", "_high")) else object


def twins(frame: pd.DataFrame, column: str = "system") -> list[str]:
    """Runs that the columns `SETUP` don't tell apart, such as a run and its ablation by overrides."""
    runs = frame.drop_duplicates([column, *SETUP])
    return sorted(runs.loc[runs.duplicated(SETUP, keep=False), column])


def without_twins(frame: pd.DataFrame, column: str = "system") -> pd.DataFrame:
    """The rows of all other runs: unlike runs are neither averaged nor put on one curve."""
    return frame[~frame[column].isin(twins(frame, column))]


def standard_error(low: Any, high: Any, confidence: float) -> Any:
    """The standard error that a normal interval of this confidence has."""
    return (high - low) / (2 * stats.norm.ppf((1 + confidence) / 2))
