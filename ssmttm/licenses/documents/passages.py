"""A document in passages: sentences, entries of lists and labels, each with the heading that it stands under.

The full text of a license is cut out first: it says what a license means, not what is under it.
"""

import re
from typing import NamedTuple

from ssmttm.licenses.skeleton import LONGEST, plain
from ssmttm.licenses.subjects import normal, phrases

LEGAL_HEADING = re.compile(
    r"^[ \t]*(?:\[[A-Z]{2}\]|(?:creative commons )?legal code|creative commons(?: public)? licen[sc]e"
    r"|gnu (?:lesser |library |affero )?general public licen[sc]e"
    r"|(?:creative commons )?attribution(?:[- ](?:noncommercial|sharealike|noderiv\w*))*(?: \d\.\d)?"
    r"(?: (?:unported|international|generic))?(?: public licen[sc]e)?|(?:creative commons )?cc0 1\.0 universal"
    r"|gnu free documentation licen[sc]e)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
"""A line that is the title of a license's full text."""

_LEGAL_END = re.compile(
    r"^.*(?:creative commons may be contacted at|end of terms and conditions|is not a party to this document"
    r"|instead of this[ ]license|why-not-lgpl\.html|that's all there is to it"
    r"|for more information, please see\s+<?https?://creativecommons).*(?:\n[ \t]*\S.*)*$",
    re.IGNORECASE | re.MULTILINE,
)
_LEGAL_PROSE = re.compile(
    r"\b(?:licensor|licensee|affirmer|licensed (?:material|rights)|public licen[sc]e|you (?:must|may not|are free to)"
    r"|hereby|thereof|herein|waive[sr]?|warrant\w*|liab\w*|deed|terms and conditions|legal code)\b",
    re.IGNORECASE,
)
_LEGAL_LEAST = 600
"""Characters from which a text under such a title is a license's text and no heading of a section."""

_RULE = re.compile(r"^[ \t]*([-=_*~#])(?:[ \t]*\1){2,}[ \t]*$")
_BULLET = re.compile(r"^[ \t]*(?:[-*+•–·]|\(?\d{1,2}[.)])[ \t]+(?=\S)")
_HEADING = re.compile(
    r"^[ \t]*(?P<marks>#{1,6}|={2,6}|\[)[ \t]*(?P<title>[^#=\[\]]{1,80}?)[ \t]*(?:#{1,6}|={2,6}|\])?:?[ \t]*$"
)
_LABEL = re.compile(r"^(?P<label>[^:.!?;/]{1,60}?)[ \t]*:(?!//)(?:[ \t]+(?P<rest>\S.*)|[ \t]*)$", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?;。！？；])[\"')\]]*(?:\s+|(?<=[。！？；]))(?=[^\W\d_]|[\"'(\[#*©☐☑\d])")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|z\.b|mr|mrs|dr|inc|ltd|feat|ft|vs|no|nr|vol|v|ver|approx|st|jr|[A-Z]))\.$", re.IGNORECASE
)
_LEADS_ON = re.compile(
    r"\b(?:under|unter|sous|bajo|sotto|sob|licen[sc]ed|available|released|terms|by|the|and|or|of|creative commons"
    r"|(?:creative commons )?attribution-?)\s*:?$",
    re.IGNORECASE,
)
_NAMES_A_LICENSE = re.compile(r"\bcc\b|cc0|cc-|creative ?commons|\bgpl|public domain|\d\.\d|https?://", re.IGNORECASE)
_VERB = re.compile(r"\b(?:is|are|was|were|ist|sind|est|sont|es|son)\b")
_NEUTRAL = re.compile(
    r"\W*(?:(?:the|full|general|files?|spdx) )*(?:licen[sc](?:e|es|ing|ed)?|licence|lizenz(?:en)?|licencia|licenza"
    r"|licenca|licencja|лицензия|rights?(?: info)?|copyrights?(?: notices?)?(?: (?:and|&) licen[sc]e)?|copying"
    r"|legal|terms(?: of use)?|about|credits?|info(?:rmation)?|read ?me|url|link|source|homepage|version|date|year"
    r"|title|artist|author|authors|by|see|usage|use|attribution|note|autor|auteur|autore|titel|titre|titulo|titolo"
    r"|ライセンス|许可|許可|라이선스|licen[sc]e (?:information|notice|terms|url|identifier)"
    r"|(?:spdx-)?license-identifier)\W*",
    re.IGNORECASE,
)
"""A heading or label that says of nothing in particular that what follows is about it."""


class Passage(NamedTuple):
    """One sentence or entry. `scope` is the heading or label that it stands under, None without one."""

    text: str
    scope: str | None
    paragraph: int


class Document(NamedTuple):
    """The passages of a document; the title lines of the license text that it holds, with the heading above it."""

    passages: list[Passage]
    legal: Passage | None
    whole: bool = True  # False: too long to be read


class _Heading(NamedTuple):
    """A heading, and how deep it is: under 1 stands 2."""

    title: str
    depth: int


def read_passages(text: str) -> Document:
    """Passages of a document in their order."""
    before, legal, after = without_legal_text(text)
    if len(before) + len(after) > LONGEST:
        return Document([], None, whole=False)
    before, after = plain(before), plain(after)
    passages: list[Passage] = []
    above = _read_block(before, passages)
    _read_block(after, passages)
    return Document(passages, Passage(legal, above.title if above else None, 0) if legal else None)


def _read_block(text: str, passages: list[Passage]) -> _Heading | None:
    """Append the passages of a text; returns the heading that holds at its end."""
    scope: _Heading | None = None
    first = passages[-1].paragraph + 1 if passages else 1
    for paragraph, lines in enumerate(_paragraphs(text), first):
        scope = _read_paragraph(lines, paragraph, scope, passages)
    return scope


def without_legal_text(text: str) -> tuple[str, str, str]:
    """The text before a license's full text, its first lines, and what follows it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for heading in LEGAL_HEADING.finditer(text):
        body = text[heading.start() :]
        if len(body) < _LEGAL_LEAST or len(_LEGAL_PROSE.findall(body[: 20 * _LEGAL_LEAST])) < 3:
            continue
        ends = [match.end() for match in _LEGAL_END.finditer(body)]
        title = "\n".join([line for line in body[:1000].splitlines() if line.strip()][:6])
        if ends:
            return text[: heading.start()], title, body[ends[-1] :]
        # Without a known end: sentences that no license has, because they speak of songs or the music.
        sentences = _SENTENCE.split(" ".join(body.split()))
        return text[: heading.start()], title, "\n".join(filter(_OF_MUSIC.search, sentences))
    return text, "", ""


_OF_MUSIC = re.compile(
    r"\b(?:soundtracks?|songs?|albums?|(?:the|our|my|all|this|game) music|audio files?|sound (?:files?|effects?))\b",
    re.IGNORECASE,
)


def _paragraphs(text: str) -> list[list[str]]:
    """Groups of lines that blank lines separate; a rule stands alone."""
    paragraphs: list[list[str]] = [[]]
    for line in text.split("\n"):
        if not line.strip():
            paragraphs.append([])
        elif _RULE.match(line) and not paragraphs[-1]:
            paragraphs += [[line], []]
        else:
            paragraphs[-1].append(line)
    return [p for p in paragraphs if p]


def _read_paragraph(
    lines: list[str], paragraph: int, scope: _Heading | None, passages: list[Passage]
) -> _Heading | None:
    """Append the passages of one paragraph; returns the heading that holds behind it."""
    lines = [line.strip("|").replace(" | ", "\n").rstrip() for line in lines]
    lines = "\n".join(lines).split("\n")
    widest = max(map(len, lines))
    entry: list[str] = []

    def close() -> None:
        if entry:
            title = scope.title if scope else None
            passages.extend(Passage(s, title, paragraph) for s in _sentences(" ".join(entry)))
            entry.clear()

    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _RULE.match(line):
            close()
            if not (number and _underlined(lines[number - 1], line)):
                scope = None
            continue
        if heading := _heading(line, following, alone=len(lines) == 1):
            close()
            scope = _scope(heading, scope)
            continue
        if _BULLET.match(line) or (entry and _starts(entry, line, widest)):
            close()
        entry.append(_BULLET.sub("", line).strip())
    close()
    return scope


def _underlined(title: str, rule: str) -> bool:
    return (
        bool(title.strip())
        and not title.rstrip().endswith((".", ";"))
        and rule.strip()[0] in "-=~#*_"
        and len(title) < 80
    )


def _heading(line: str, following: str, alone: bool) -> _Heading | None:
    """The heading that a line is; None if it is none."""
    if (marked := _HEADING.match(line)) and "://" not in line:
        return _Heading(marked["title"], len(marked["marks"]) if marked["marks"][0] in "#=" else 2)
    bare = line.strip()
    if _RULE.match(following) and _underlined(line, following) and len(bare.split()) <= 10:
        return _Heading(bare.rstrip(":"), 1 if following.strip()[0] == "=" else 2)
    if len(bare) > 70 or len(bare.split()) > 8 or _NAMES_A_LICENSE.search(bare):
        return None
    if bare.endswith(":") and not _LEADS_ON.search(bare):
        return _Heading(bare.rstrip(":").strip("*_ "), 9)
    emphasized = re.fullmatch(r"(\*{1,2}|_{1,2})(.+?)\1:?", bare)
    if alone and not re.search(r"[.!?;,]$", bare) and (emphasized or len(bare.split()) <= 4):
        title = (emphasized[2] if emphasized else bare).strip()
        about = {p.subject for p in phrases(normal(title))}
        if emphasized or (about and "unknown" not in about) or _NEUTRAL.fullmatch(title):
            return _Heading(title, 9)
    return None


def _scope(heading: _Heading, scope: _Heading | None) -> _Heading | None:
    """The heading that holds from here on: "License" under "Graphics" is still about graphics."""
    if not _NEUTRAL.fullmatch(heading.title):
        return heading
    return scope if scope and (heading.depth > scope.depth or heading.depth == 9) else None


def _starts(entry: list[str], line: str, widest: int) -> bool:
    """Whether a line begins something new instead of going on with the sentence of the lines above it."""
    last = entry[-1].rstrip()
    if _LEADS_ON.search(last):
        return False
    bare = line.strip()
    if last.endswith((".", "!", "?", ";", ">", ":")) or re.match(r"https?://\S+$", last):
        return True
    label = _LABEL.match(bare)
    if label and len(label["label"].split()) <= 4:
        return True
    return len(last) < max(45, 0.66 * widest) and (bare[:1].isupper() or bare[:1] in "(©\"'*")


def _sentences(text: str) -> list[str]:
    parts: list[str] = []
    for part in _SENTENCE.split(" ".join(text.split())):
        if parts and _ABBREVIATED.search(parts[-1]):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return [p for p in (part.strip() for part in parts) if p]


def labeled(text: str) -> tuple[str | None, str]:
    """The label of an entry ("Music: CC BY 4.0") and the rest of it; None where no label says of what it speaks."""
    match = _LABEL.match(text)
    if match is None or not match["rest"]:
        return None, text
    label = match["label"]
    no_label = _NAMES_A_LICENSE.search(label) or _LEADS_ON.search(label) or _VERB.search(label)
    if no_label or len(label.split()) > 8 or _NEUTRAL.fullmatch(label):
        return None, text
    return label, match["rest"]
