"""Foreign strings made storable: one line, bounded, valid Unicode; ids that can't be mistaken for paths."""

import hashlib
from typing import Any
from urllib.parse import quote

from ssmttm.wording import one_line

_ID_CHARACTERS = 100


def clean(value: Any, length: int) -> str:
    """`value` as one line of at most `length` characters, lone surrogates as `?`; "" if it is no text."""
    if not isinstance(value, str):
        return ""
    return one_line(value[: 8 * length].encode("utf-8", "replace").decode())[:length].strip()


def safe_id(value: str) -> str:
    """A site's id with letters, digits, `-`, `_`, `.`, `~` and `%xx` only, at most 100 characters, unique as before.

    >>> safe_id("../a b")
    '..%2Fa%20b'
    """
    text = quote(value, safe="", errors="backslashreplace")
    if not text.strip("."):
        text = text.replace(".", "%2E")
    if len(text) > _ID_CHARACTERS:
        digest = hashlib.sha256(value.encode("utf-8", "backslashreplace")).hexdigest()
        text = f"{text[:60]}~{digest[:32]}"
    return text


def track_id(extractor: str, video: str) -> str:
    """ "ytdlp:EXTRACTOR:ID", stable from run to run."""
    return f"ytdlp:{safe_id(extractor.lower())}:{safe_id(video)}"
