"""License evidence from a Debian package's copyright file, machine-readable (DEP-5) or free text."""

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from debian.copyright import Copyright, Error

from ssmttm.licenses.expressions import parse_expression
from ssmttm.sources.debian.credits import person
from ssmttm.sources.debian.grants import grant

_KEPT_TEXT = 20_000
_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_WILD = re.compile(r"[*?\\]")
_AUTHORS = re.compile(r"^[ \t]*Upstream Authors?(?:\(s\))?:?(.*(?:\n[ \t]+\S.*)*)", re.IGNORECASE | re.MULTILINE)
_BRITISH = re.compile(r"^licence( *:)", re.MULTILINE | re.IGNORECASE)
"""The field `License` as some files spell it."""


@dataclass(frozen=True)
class Files:
    """One `Files:` paragraph: glob patterns of source paths, holders, license name and text."""

    globs: tuple[str, ...]
    holders: tuple[str, ...]
    license: str  # first line the short name, below it the text if any

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """The globs by the last path component that they fit; those with wildcards under the empty one."""
        found: dict[str, list[str]] = {}
        for glob in self.globs:
            found.setdefault("" if _WILD.search(glob) else glob.rpartition("/")[2], []).append(glob)
        return found

    def strength(self, path: str) -> int:
        """How many trailing components of `path` the best of the globs names; see `match_strength`."""
        candidates = [*self._by_name.get(path.rpartition("/")[2], ()), *self._by_name.get("", ())]
        return max((match_strength(glob, path) for glob in candidates), default=0)


@dataclass(frozen=True)
class CopyrightFile:
    """A copyright file: paragraphs if it is machine-readable, else its text."""

    paragraphs: tuple[Files, ...] = ()
    text: str | None = None
    homepage: str | None = None
    authors: tuple[str, ...] = ()  # of a whole package, where its text names them
    catch_all: Files | None = field(default=None)


def read_copyright(text: str) -> CopyrightFile:
    """Parse the text of a copyright file. Anything that is no DEP-5 becomes free text; never raises."""
    if not re.search(r"^(?:Format|Format-Specification):", text, re.M | re.I) or not re.search(r"^Files:", text, re.M):
        return _free_text(text)
    text = _BRITISH.sub(r"License\1", text)
    try:
        parsed = Copyright(text.splitlines(keepends=True), strict=False)
    except (Error, ValueError):
        return _free_text(text)
    # Fields by name, not python-debian's properties: those split `Files` at whitespace only, though
    # old files have commas, and raise on a paragraph without `License`, or with a text that isn't indented.
    texts: dict[str, str] = {}
    for stated in parsed.all_license_paragraphs():
        name, _, body = _field(stated, "License").partition("\n")
        texts[name.strip()] = body
    paragraphs = []
    for paragraph in parsed.all_files_paragraphs():
        names = _globs(_field(paragraph, "Files"))
        license = _license(_field(paragraph, "License"), texts)
        paragraphs.append(Files(names, holders(_field(paragraph, "Copyright")), license))
    source = _field(parsed.header, "Source") or _field(parsed.header, "Upstream-Contact")
    catch_all = [p for p in paragraphs if any(map(is_catch_all, p.globs))]
    return CopyrightFile(tuple(paragraphs), None, _first_url(source), (), catch_all[-1] if catch_all else None)


def _field(paragraph: Any, name: str) -> str:
    return paragraph[name] if name in paragraph else ""  # noqa: SIM401 (they have no `get`)


def _free_text(text: str) -> CopyrightFile:
    source = re.search(r"(?:downloaded|obtained|available|taken)(?: and repackaged)? (?:from|at):?\s*(\S+)", text, re.I)
    authors = _AUTHORS.search(text[:_KEPT_TEXT])
    return CopyrightFile(
        # One character more than is read, so that a reader knows of a text that was cut.
        text=(grant(text) if len(text) > _KEPT_TEXT else text)[: _KEPT_TEXT + 1],
        homepage=_first_url(source[1]) if source else None,
        authors=holders(authors[1]) if authors else (),
    )


def _first_url(text: str) -> str | None:
    """The first address in a text; of a file to download, its folder, because several may be listed."""
    match = _URL.search(text)
    return re.sub(r"[^/]+\.(?:tar(?:\.\w+)?|t[gbx]z2?|zip|7z)$", "", match[0].rstrip(".,;")) if match else None


def _globs(value: str) -> tuple[str, ...]:
    """The patterns of a `Files:` field, without a leading `./` or `/`."""
    return tuple(re.sub(r"^(?:\./|/)+", "", g) or "*" for g in re.split(r"[\s,]+", value.strip()) if g)


def _license(value: str, texts: dict[str, str]) -> str:
    """The license's name with its text; the text only where the name alone says too little."""
    synopsis, _, body = value.partition("\n")
    synopsis = synopsis.strip()
    if parse_expression(synopsis):
        return synopsis
    body = "\n".join(line.strip().removeprefix(".") for line in (body or texts.get(synopsis) or "").splitlines())
    return f"{synopsis}\n{body}".strip()[:_KEPT_TEXT] if body.strip() else synopsis


def holders(value: str) -> tuple[str, ...]:
    """Names in a `Copyright:` field, without years, addresses and the word copyright."""
    return tuple(dict.fromkeys(filter(None, map(person, value.splitlines()))))


@lru_cache(maxsize=20_000)
def _glob_pattern(glob: str) -> re.Pattern[str]:
    """DEP-5: `*` and `?` match any character, `/` too; a backslash escapes."""
    pattern, i = "", 0
    while i < len(glob):
        c = glob[i]
        if c == "\\" and i + 1 < len(glob):
            i += 1
            pattern += re.escape(glob[i])
        else:
            pattern += {"*": ".*", "?": "."}.get(c, re.escape(c))
        i += 1
    return re.compile(pattern, re.DOTALL)


def is_catch_all(glob: str) -> bool:
    """Whether a pattern fits whatever there is, because nothing in it names anything.

    >>> [is_catch_all(glob) for glob in ("*", "**", "*/*", "?*", "*.*", "music/*", "*.ogg")]
    [True, True, True, True, True, False, False]
    """
    return not any(c.isalnum() for c in glob)


def _is_packaging(glob: str) -> bool:
    return glob.startswith("debian/") and is_catch_all(glob.removeprefix("debian/"))


def match_strength(glob: str, path: str) -> int:
    """How many trailing path components of `glob` name `path`; 0 if it doesn't, or says nothing.

    Globs name source paths and `path` is where the package (or an archive) puts the file, so
    leading components of either may differ. A basename alone is weak: it counts only if it has
    something of its own, at least two letters or digits besides wildcards and the extension.
    """
    if is_catch_all(glob) or _is_packaging(glob):
        return 0
    parts, names = glob.split("/"), path.split("/")
    for k in range(len(parts), 0, -1):
        tail = "/".join(parts[-k:])
        if k < len(parts) and not _is_telling(tail):
            continue
        # `*` matches "/" too, so the glob's k components may cover more of the path's.
        pattern = _glob_pattern(tail)
        spans = range(k, len(names) + 1) if "*" in tail else range(k, min(k, len(names)) + 1)
        if any(pattern.fullmatch("/".join(names[-n:])) for n in spans):
            return k
    return 0


def _is_telling(glob: str) -> bool:
    """Whether a glob's shortened tail still names something: `mus*.ogg` does, `*.ogg` and `*` don't."""
    stem = re.sub(r"\.\w+$", "", glob.rsplit("/", 1)[-1])
    literal = re.sub(r"[^A-Za-z0-9]", "", glob if "/" in glob else stem)
    return len(literal) >= 2


def find_paragraph(copyright: CopyrightFile, path: str, anchored: str | None = None) -> Files | None:
    """The specific `Files:` paragraph that speaks about the file at `path`, or None.

    `anchored` is the path from the source's root, where it is known (inside an archive): there
    the last matching paragraph applies, as DEP-5 says. Otherwise the paragraph with the most
    matching trailing components, the later one if equal. A catch-all is never returned.
    """
    if anchored is not None:
        for paragraph in reversed(copyright.paragraphs):
            telling = (g for g in paragraph.globs if not is_catch_all(g) and not _is_packaging(g))
            if any(_glob_pattern(g).fullmatch(anchored) for g in telling):
                return paragraph
    best, strength = None, 0
    for paragraph in copyright.paragraphs:
        found = paragraph.strength(path)
        if found and found >= strength:
            best, strength = paragraph, found
    return best
