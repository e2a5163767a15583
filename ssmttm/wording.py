"""Words in messages: text from elsewhere on one line, lists of names, counts."""

from collections.abc import Sequence


def some(names: Sequence[str], limit: int = 5) -> str:
    """`a, b, c and 4 more`."""
    first = ", ".join(names[:limit])
    return f"{first} and {len(names) - limit} more" if len(names) > limit else first


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `3,000 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def one_line(text: str | None, length: int | None = None) -> str:
    """Text from elsewhere as one printable line; with `length` no longer than that, plus a `…` where it was cut.

    White space, control characters and marks of direction become single spaces.
    """
    text = (text or "")[: length and 8 * length]  # bounded work
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if length is None or len(line) <= length else f"{line[:length]}…"


def quoted(text: str, length: int = 80) -> str:
    """Text from elsewhere in quotation marks, as it is, with what can't be printed as escapes, bounded."""
    return repr(text if len(text) <= length else text[:length] + "…")


def valid_unicode(text: str) -> str:
    """A path or an argument of the system as valid Unicode; undecodable bytes become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
