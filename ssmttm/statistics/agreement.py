"""Krippendorff's alpha: do listeners agree more than chance would have them?

Krippendorff, Computing Krippendorff's Alpha-Reliability (2011); Content Analysis, chapter 12.
"""

import numpy as np

LEVELS = ("nominal", "ordinal", "interval")


def krippendorff(values: np.ndarray, level: str) -> float | None:
    """Alpha of `values` `[observers, units]` with NaN for missing; numbers, also for nominal categories.

    1 is perfect agreement, 0 what chance gives, below 0 systematic disagreement. None where alpha
    is undefined: no unit has two values, or all values are equal.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level!r}: expected one of {', '.join(LEVELS)}")
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or np.isinf(values).any():
        raise ValueError(f"expected finite values or NaN [observers, units], got shape {values.shape}")
    categories = np.unique(values[~np.isnan(values)])
    counts = (values.T[:, :, None] == categories).sum(axis=1).astype(np.float64)  # [units, categories]
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return None
    distances = _distances(categories, counts.sum(axis=0), level)
    # Sums over ordered pairs within a unit; a value pairs with itself at distance 0, so it may stay in.
    observed = (np.einsum("uc,ck,uk->u", counts, distances, counts) / (counts.sum(axis=1) - 1)).sum()
    total = counts.sum(axis=0)
    expected = total @ distances @ total / (total.sum() - 1)
    return None if expected == 0 else float(1 - observed / expected)


def _distances(categories: np.ndarray, total: np.ndarray, level: str) -> np.ndarray:
    """Squared distances `[c, c]` between categories that are used `total` times."""
    if level == "nominal":
        return 1.0 - np.eye(len(categories))
    if level == "interval":
        return (categories[:, None] - categories) ** 2
    # Ranks: how many values lie between the middles of both categories.
    middle = np.cumsum(total) - total / 2
    return (middle[:, None] - middle) ** 2
