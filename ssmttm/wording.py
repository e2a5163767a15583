"""Names in messages: on one line, the first few of a list, how many there are."""

from collections.abc import Sequence


def some(names: Sequence[str], limit: int = 5) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `3 files`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def one_line(text: str | None) -> str:
    """Metadata as one printable line: whitespace and control characters collapse to single spaces."""
    if not text:
        return ""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())
