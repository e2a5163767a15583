"""Is an answer what was asked for, or a page that says why not? Judged by its first bytes and content type."""

import re

HEAD = 512
"""Bytes of a file that are looked at."""

_AUDIO = (
    b"ID3", b"OggS", b"fLaC", b"RIFF", b"RF64", b"FORM", b"MAC ", b"wvPk", b"TTA1", b"caff", b"MP+", b"MPCK", b"ADIF",
    b".snd", b"#!AMR", b"DSD ", b"IMPM", b"\x1aE\xdf\xa3", b"0&\xb2u",
)  # fmt: skip
_ARCHIVE = (b"PK", b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"!<arch>")
_MARKUP = re.compile(rb"<(!doctype|html|head|body|title|meta|script|\?xml|!--|error|[a-z]+:?[a-z]*>)", re.IGNORECASE)
_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_JSON = re.compile(rb"\{\s*[\"}]|\[\s*[\[{\"\]]")
_TEXT_TYPE = re.compile(r"text/|application/(json|xml|xhtml)|[^;]*\+(json|xml)\b", re.IGNORECASE)


def wrong_type(kind: str, head: bytes, content_type: str | None) -> str | None:
    """What the answer is, if it isn't the `kind` that was asked for, else None.

    Args:
        kind: `audio`, `archive`, `text` (anything but a web page or binary data), or `any`.
        head: the file's first `HEAD` bytes.
        content_type: as the server states it; a wrong one does no harm if the bytes are right.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if kind == "any":
        return None
    if kind == "text":
        if _PAGE.match(text):
            return "a web page"
        return "binary data" if b"\0" in head else None
    if _MARKUP.match(text):
        return "a web page"
    if _JSON.match(text):
        return "a JSON message"
    right = _is_audio(head) if kind == "audio" else head.startswith(_ARCHIVE) or head[257:262] == b"ustar"
    return None if right or not _TEXT_TYPE.match(content_type or "") else "text"


def _is_audio(head: bytes) -> bool:
    mpeg = head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0 and head[1] != 0xFE  # FF FE starts UTF-16
    return mpeg or head.startswith(_AUDIO) or head[4:8] == b"ftyp"
