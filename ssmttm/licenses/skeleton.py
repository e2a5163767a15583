"""From raw text to a skeleton: a short line of canonical words, the same for all statements of one form.

` "Some Title" by Somebody. Licensed under CC BY 4.0 (https://…/by/4.0/) ` becomes
` " x " by x . licensed under cc by 4.0 ( <CC-BY-4.0> ) `. Words outside of the vocabulary are `x`,
other numbers `#`, links `<identifier>`, `<~elements>` without a version, `<!problem>` or `<url>`.
Every step takes time linear in the text, which is bounded first.
"""

import html
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from ssmttm.licenses.known.creative_commons import JURISDICTIONS
from ssmttm.licenses.known.links import HOSTS, TRAILING, read_link
from ssmttm.licenses.polarity import RESTRICTS
from ssmttm.licenses.vocabulary import Remembered, fold, has_spaceless_script
from ssmttm.licenses.words import RESTRICTING, join_phrases, significant_words, single_words, spaceless_phrases

LONGEST = 20_000
"""Characters of a statement that are read."""

_ADDRESS = re.compile(
    r"""
      (?:(?<![\w.])[A-Za-z][A-Za-z0-9+.-]{0,15}:)?//[^\s<>"|]+                        # with a scheme
    | (?<![\w@%+./-])[\w@%+-]+(?:\.[\w@%+-]+)*\.[^\W\d_]{2,63}(?::\d+)?[/?\#][^<>"|]*   # without one
    """,
    re.VERBOSE,
)
_WORDS = r"LETTER+(?:'LETTER+)*|\d+(?:\.\d+)*|[^\w\s]|(?<=[^\W_])_(?=[^\W_])"
_TOKEN = re.compile(_WORDS.replace("LETTER", r"[^\W\d_]"))
_ASCII_TOKEN = re.compile(_WORDS.replace("LETTER", "[A-Za-z]"), re.ASCII)
_PAGE = re.compile(r"([(\"\[]*)https?://(?:www\.)?([\w.-]+)/[\w./?=&%#:~+-]*(?<=[\w/])([)\].,;:!?\"]*)")
_LABEL = re.compile(
    r"\W*(?:licen[sc][ei]?a?(?:url)?|lizenz|licenza|licença|url|uri|link|see|source|rights|cc|terms|at):", re.I
)
_DASHES = {ord(c): "-" for c in "‐‑‒–—―−﹘﹣－⁃"}
_QUOTES = {ord(c): "'" for c in "’‘‛ʼ`´＇"} | {ord(c): '"' for c in "“”„«»‹›「」『』＂"}
_SYMBOLS = {
    0x1F16D: " CC ", 0x1F16F: " BY ", 0x1F10F: " NC ", 0x1F16E: " public domain ", 0x1F10D: " zero ", 0x1F10E: " SA ",
    0x229C: " ND ", 0x24B8: "(c)", 0x00A9: "(c)", 0x2117: "(c)",
}  # fmt: skip
"""Characters that Creative Commons had added to Unicode, and copyright signs."""

_TABLE = {c: " " for c in (*range(32), *range(127, 160)) if c not in (9, 10, 13)} | _DASHES | _QUOTES | _SYMBOLS
_PUNCTUATION = {
    **dict.fromkeys("([{", "("), **dict.fromkeys(")]}", ")"), **{c: c for c in ".,;:!?/+&|-\"="}, "'": '"',
    "*": "", "_": "-", "~": "", "•": ";", "·": "-", "¶": "¶", "…": ".", "\\": "/", "。": ".", "、": ",", "؟": "?",
    "×": "-",
}  # fmt: skip
_STARTS_A_STATEMENT = re.compile(
    r"\([cC]\)|Licen[sc]ed |Available |Released |Published |This (?:work|song|track|music|album|file|recording)\b|"
    r"Copyright|Verify |Permissions |To view|https?:|[\w ]{1,24}:"
)
_FROM_JAMENDO = re.compile(r"^.* from Jamendo: *https?://\S+ *$", re.MULTILINE)
_ATTRIBUTE = re.compile(r"""\b(?:href|resource|content|about)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE)
_BLOCK = re.compile(r"/?(?:br|p|div|li|ul|ol|tr|td|h[1-6]|table|dd|dt|dl)\b", re.IGNORECASE)
_CODES = frozenset(c.upper() for c in JURISDICTIONS)


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
    """The options of a form that are ticked, without the others; None if it is unclear which they are.

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
    ticked_options = [option for box, option in zip(parts[::2], parts[1::2], strict=True) if not _OPEN.fullmatch(box)]
    return " ".join(part.strip() for part in (first, *ticked_options)).strip()


def stated(text: str) -> str:
    """What a statement says without what it strikes out and leaves unticked; "" if nothing, or if that is unclear."""
    kept = ticked(without_struck(text[:LONGEST]))
    return kept + text[LONGEST:] if kept and not kept.isspace() else ""


def plain(text: str) -> str:
    """The readable text: bounded, without markup, control and invisible characters, with plain dashes and quotes."""
    text = text[:LONGEST]
    if " from Jamendo: " in text:
        text = _FROM_JAMENDO.sub("", text)  # the title's line, whatever words it has
    if "&" in text:
        text = html.unescape(text)
    if not (text.isascii() and text.replace("\n", "").isprintable()):
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
        text = text.translate(_TABLE)
        if not text.isascii():
            normal = unicodedata.normalize("NFKC", text)[:LONGEST].translate(_TABLE)  # full-width letters, odd spaces
            text = "".join(c for c in normal if unicodedata.category(c) not in ("Cf", "Cs", "Co"))
            if has_spaceless_script(text):
                for phrase, english in spaceless_phrases():
                    text = text.replace(phrase, english)
    return _without_markup(text) if "<" in text and ">" in text else text


def _without_markup(text: str) -> str:
    """HTML as text: links in place of the tags that hold them, comments gone."""
    kept: list[str] = []
    position = 0
    while (start := text.find("<", position)) >= 0:
        kept.append(text[position:start])
        if text.startswith("<!--", start):
            end = text.find("-->", start)
            position = len(text) if end < 0 else end + 3
            continue
        end = text.find(">", start, start + 3000)
        inside = text[start + 1 : end] if end > 0 else ""
        if not inside or not (inside[0].isalpha() or inside[0] in "/!?"):
            kept.append(" ")
            position = start + 1
        elif inside.lower().startswith(("http:", "https:", "url:", "//")):
            kept.append(f" {inside.removeprefix('URL:')} ")
            position = end + 1
        else:
            links = [m[1].strip("\"'") for m in _ATTRIBUTE.finditer(inside)]
            kept.append(" ".join(["", *(a for a in links if "/" in a), ""]) if links else "")
            kept.append("\n" if _BLOCK.match(inside) else "")
            position = end + 1
    return "".join(kept) + text[position:]


def _canonical_words(run: str) -> str:
    """What stands between two spaces as its canonical words, each with a space before it."""
    if run.isalpha():
        return f" {_word(run)}"
    if run.strip("-") == "":
        return " --"
    if "/" not in run:
        return _sequence(run)
    page = _PAGE.fullmatch(run)
    if page and page[2] not in HOSTS and "commons" not in run.lower():
        return f"{_sequence(page[1]) if page[1] else ''} <url>{_sequence(page[3]) if page[3] else ''}"
    canonical, position = "", 0
    for match in _ADDRESS.finditer(run):
        address, before = match[0].rstrip(TRAILING), run[position : match.start()]
        if before.endswith(":") and "//" not in address and not _LABEL.fullmatch(before):
            address, before = before + address, ""  # "javascript:…": part of the address
        canonical += f"{_sequence(before)} {_link(address)}"
        position = match.start() + len(match[0].rstrip(TRAILING))
    return canonical + _sequence(run[position:])


_canonical = Remembered(_canonical_words)


def _sequence(text: str) -> str:
    tokens = _ASCII_TOKEN.findall(text) if text.isascii() else _TOKEN.findall(text)
    return "".join([f" {word}" for token in tokens if (word := _word(token))])


def _word(token: str) -> str:
    first = token[0]
    if first.isdigit():
        return token if len(token) < 3 or ("." in token and len(token) < 12) else "#"
    if not first.isalpha():
        return _PUNCTUATION.get(token, "")
    return token if token in _CODES else single_words().get(fold(token), "x")


def _link(address: str) -> str:
    link = read_link(address)
    if link.license:
        return f"<{link.license}>"
    if link.elements:
        return f"<~{link.elements}>"
    return f"<!{link.problem}>" if link.problem else "<url>"


_REPEATED = re.compile(r" x(?: (?:x|the|a|of|in|to|on|at|it|this|that|you|my|so|up|and|is))* x(?= )")
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])([1-4]),([015])(?![\d.,])")
"""German and others write "4,0"."""

_SENTENCE = re.compile(r" ([.!;?¶])(?= )")
_NUMBERED = re.compile(r"<(?!url>)|\d\.\d")
_GLUED_VERSION = re.compile(r"(?<= - )([1-4]) - ([05])(?= )")
_NAMES = re.compile(r"(?<= )[x#](?:(?: (?:--?|,|&|\(|\)|\"|/|:|\+|=|\|))* [x#])+(?= )")


def skeleton(text: str, statement: bool = False) -> str:
    """The skeleton of a raw text, with a space at both ends; of a statement only sentences with significant words."""
    text = plain(text)
    if "\n" in text:
        text = _join_lines(text)
    if "," in text and _DECIMAL_COMMA.search(text):
        text = _DECIMAL_COMMA.sub(r"\1.\2", text)
    kept, last = [], ""
    for run in text.split():
        word = _canonical[run]
        if word != " x" or last != " x":
            kept.append(word)
        last = word
    words = "".join(kept) + " "
    if " - 0 " in words or " - 5 " in words:
        words = _GLUED_VERSION.sub(r"\1.\2", words)
    return _reduced(_significant_sentences(words) if statement else words)


def _significant_sentences(words: str) -> str:
    """Sentences that name no license and restrict nothing, such as titles, as ` x `."""
    parts = _SENTENCE.split(words)
    if len(parts) == 1:
        return words
    for i in range(0, len(parts), 2):
        if len(parts[i]) > 2 and not _is_significant(parts[i]):
            parts[i] = " x"
        if i:
            parts[i - 1] = f" {parts[i - 1]}"
    joined = "".join(parts)
    return joined if joined.endswith(" ") else f"{joined} "


def _is_significant(sentence: str) -> bool:
    words = sentence.split()
    if not significant_words().isdisjoint(words) or _NUMBERED.search(sentence):
        return True
    return not RESTRICTING.isdisjoint(words) and RESTRICTS.search(f"{sentence} ") is not None


@lru_cache(maxsize=16_384)
def _reduced(words: str) -> str:
    """Names joined to one `x`, phrases to one word."""
    return join_phrases(_NAMES.sub(lambda names: names[0][0], _REPEATED.sub(" x", words)))


def _join_lines(text: str) -> str:
    """Lines of one wrapped sentence joined; line breaks that end a statement stay."""
    lines = [line.strip() for line in text.split("\n")]
    joined = lines[0]
    for before, line in pairwise(lines):
        ends = not before or not line or before[-1] in ".!?;:>/" or _STARTS_A_STATEMENT.match(line)
        joined += (" ¶ " if ends else " ") + line
    return joined


def license_address(text: str) -> str | None:
    """The first address in a text that leads to a Creative Commons license or what looks like one; None without one."""
    for run in text[:LONGEST].split():
        if "creativecommons" in run.lower() and "/" in run:
            for match in _ADDRESS.finditer(run):
                address = match[0].rstrip(TRAILING)
                if _link(address) not in ("<url>", "<!page>"):
                    return address
    return None
