"""Lists of names in messages: the first few, and how many more."""

from collections.abc import Sequence


def some(names: Sequence[str], limit: int = 5) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `3 files`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
