"""What the tables of a study have in common: which rows may stand together, and how far a score is off."""

from typing import TypeVar

import numpy as np
import pandas as pd
from scipy import stats

SCORE = ["embedder", "metric", "reference"]
"""What makes scores comparable: the columns that no fit, mean or test mixes."""

SETUP = ["variant", "size", "budget_kind", "budget", "seed"]
"""What makes a run, as far as the tables say."""

Numbers = TypeVar("Numbers", float, np.ndarray, pd.Series)


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
