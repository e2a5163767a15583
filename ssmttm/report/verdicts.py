"""Which of two systems is better: one rule for the table of differences and for what the numbers say.

Among many pairs some differ by chance, and an interval is of its pair alone. So a difference is
significant by a p-value that is adjusted for all pairs of the same score and budget.
"""

from ssmttm.study_rows import Difference


def is_significant(pair: Difference) -> bool:
    """Whether the two systems differ by more than chance."""
    return pair.p_adjusted is not None and pair.p_adjusted < level(pair.confidence)


def verdict(pair: Difference) -> str:
    """Which of the two systems is better, if they differ significantly."""
    if pair.p_adjusted is None:
        return "not tested"
    if not is_significant(pair):
        return "no significant difference"
    return "first is better" if (pair.difference > 0) == (pair.better == "higher") else "second is better"


def level(confidence: float) -> float:
    """A significant difference has an adjusted p-value below this."""
    return round(1 - confidence, 12)
