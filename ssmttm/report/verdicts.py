"""Which of two systems is better: one rule for the table of differences and for the summary.

Among many pairs some differ by chance, and an interval is of its pair alone. So two systems are
told apart by a p-value that is adjusted for all pairs of the same score and budget.
"""

from typing import Any

import pandas as pd

from ssmttm.numbers import known


def told_apart(row: Any) -> bool:
    """Whether a row of differences.parquet tells its two systems apart."""
    return known(row.p_adjusted) and row.p_adjusted < level(row.confidence)


def verdict(row: Any) -> str:
    """Which system of a row of differences.parquet is better, if it tells them apart."""
    if not known(row.p_adjusted):
        return "not tested"
    if not told_apart(row):
        return "not told apart"
    return "first is better" if (row.difference > 0) == (row.better == "higher") else "second is better"


def level(confidence: float) -> float:
    """The adjusted p-value that tells two systems apart is below this."""
    return round(1 - confidence, 12)


def rule(rows: pd.DataFrame) -> str:
    """How `verdict` decides about these rows."""
    if rows.empty:
        return ""
    below = level(rows["confidence"].iloc[0])
    return (
        "p is how often chance alone would give such a difference: by random signs for means over clips, by the "
        "resamples for scores of whole sets. It is adjusted by Holm’s method for all pairs of the same score and "
        f"budget. A verdict needs an adjusted p below {below:g}; intervals are of each pair alone."
    )
