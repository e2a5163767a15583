"""Foreign text files as text: by their byte order mark, else UTF-8, else Windows' Latin-1."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ALLOWED = frozenset("\t\n\r\v\f\x1a\x1b")
"""Control characters of text files; \\x1a ended those of DOS."""


class Unreadable(Exception):
    """Bytes that are no text; the message says why."""


def decode(data: bytes) -> str:
    """The text of a file, without its byte order mark; raises Unreadable instead of guessing.

    >>> decode("CC BY 4.0".encode("utf-16"))
    'CC BY 4.0'
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return _sensible(data[len(mark) :].decode(encoding))
            except UnicodeDecodeError as error:
                raise Unreadable(f"is marked as {encoding.upper()} and is not") from error
    try:
        return _sensible(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    try:
        return _sensible(data.decode("cp1252"))
    except UnicodeDecodeError as error:
        raise Unreadable("is neither UTF-8 nor Latin-1 nor marked as UTF-16") from error


def _sensible(text: str) -> str:
    if any((c < " " and c not in _ALLOWED) or c == "\ufffe" for c in text):
        raise Unreadable("holds control characters, so it is no text in UTF-8 or Latin-1, nor marked as UTF-16")
    return text
