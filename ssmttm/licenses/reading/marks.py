"""What a statement strikes out or leaves unticked, and so does not say."""

import re

_STRUCK = re.compile(
    r"~~.*?~~|<(?P<tag>s|del|strike)\b[^>]*>.*?</(?P=tag)\s*>|(?:[^\s]?[\u0335-\u0338]\s?)+", re.IGNORECASE | re.DOTALL
)
_UNTICKED = r"[☐□▢⬜◻◯○⚪❏❑🔲]|\[ ?\]|(?<![\w(])\( \)"
_TICKED = r"[☑☒✅✔✓🗹◉●⦿⚫🔘■◼⬛]|\[[xX✓✔*]\]|\([xX•●✓]\)"
_BOX = re.compile(rf"({_UNTICKED}|{_TICKED})")
_CROSSED = re.compile(r"[❌✗✘❎🚫⛔]")
_OPEN = re.compile(_UNTICKED)


def without_struck(text: str) -> str:
    """A text without what is struck out: `~~…~~`, `<s>`, `<del>`, and combining strokes."""
    return _STRUCK.sub(" ", text) if "~~" in text or "</" in text or re.search("[\u0335-\u0338]", text) else text


def ticked(text: str) -> str | None:
    """The options of a form that are ticked, without the others; None if they can't be told apart.

    Every option follows its box. A text without an empty box is no form and stays as it is.

    >>> ticked("☐ CC0 ☑ CC BY 4.0")
    'CC BY 4.0'
    """
    if _CROSSED.search(text):
        return None
    if not _OPEN.search(text):
        return text
    first, *parts = _BOX.split(text)
    if first.strip() and not first.rstrip().endswith(":"):
        return None
    chosen = [option for box, option in zip(parts[::2], parts[1::2], strict=True) if not _OPEN.fullmatch(box)]
    return " ".join(part.strip() for part in (first, *chosen)).strip()


_LONGEST = 20_000
"""Characters in which marks are looked for."""


def said(text: str) -> str:
    """What a statement says without what it strikes out and leaves unticked; "" if nothing, or if that is unclear."""
    kept = ticked(without_struck(text[:_LONGEST]))
    return kept + text[_LONGEST:] if kept and not kept.isspace() else ""
