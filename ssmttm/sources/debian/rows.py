"""Rows of the `index` table from what a package holds."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from ssmttm.licenses.policy import HOLDERS, KINDS, Evidence, best_first
from ssmttm.licenses.tags import tag_evidence
from ssmttm.sources.contract import IndexRow
from ssmttm.sources.debian import credits
from ssmttm.sources.debian.contents import Contents, Track
from ssmttm.sources.debian.copyright import Files, find_paragraph, holders
from ssmttm.sources.debian.members import Member
from ssmttm.sources.debian.packages import Package
from ssmttm.wording import one_line, valid_unicode

Beside = defaultdict[tuple[str, str], set[str]]
"""Names of the audio files of each folder."""

_COPYRIGHT_LINE = re.compile(r"\bcopyright[ \t]+(?:\(c\)|©)?[ \t]*((?:[\d, –-]+)?[A-Z][^.\n]{1,80})$", re.I | re.M)
_LICENSE_AUTHORS = ("Free Software Foundation", "Creative Commons")
_LOCATOR = re.compile(r"deb:([^=!]+)=([^!]+)!/(.+)", re.DOTALL)


def locator(package: Package, members: Iterable[Member]) -> str:
    """Where the file of a track is, or the stems of its mix: deb:package=version!/path!/inner+/path!/inner."""
    places = ("!/".join(map(_quoted, _path(member))) for member in members)
    return f"deb:{package.name}={package.version}!/" + "+/".join(places)


def _path(member: Member) -> list[str]:
    return [member.path] if member.inner is None else [member.path, member.inner]


def _quoted(path: str) -> str:
    return quote(path, safe="/", errors="surrogateescape")


def located(url: str) -> tuple[str, str, list[tuple[str, str | None]]]:
    """Package, version and (path, inner) of each file that a locator names; ValueError if it is none."""
    match = _LOCATOR.fullmatch(url)
    if match is None:
        raise ValueError(f"{url} is no locator of the Debian source")
    places: list[tuple[str, str | None]] = []
    for place in match[3].split("+/"):
        path, *inner = (unquote(part, errors="surrogateescape") for part in place.split("!/"))
        if not path or len(inner) > 1:
            raise ValueError(f"{url} is no locator of the Debian source")
        places.append((path, inner[0] if inner else None))
    return match[1], match[2], places


def _key(path: str) -> str:
    """A path as part of a track's id: what isn't printable is percent-encoded, so that no two paths share one."""
    return "".join(c if c.isprintable() and c != "%" else quote(c, safe="", errors="surrogateescape") for c in path)


def package_rows(package: Package, contents: Contents, tracks: Sequence[Track]) -> list[IndexRow]:
    """One `index` row for each track of a package, usable or not."""
    beside: Beside = defaultdict(set)
    for track in tracks:
        for member in track.members:
            beside[member.folder].add(PurePosixPath(member.name).name)
    rows = [_row(package, contents, track, beside) for track in tracks]
    _complete_artists(rows, tracks, contents)
    usable = [(row, track) for row, track in zip(rows, tracks) if row.problem is None]
    titles = credits.distinct_titles((_file_name(track), row.title or "", row.artist) for row, track in usable)
    for (row, _), title in zip(usable, titles):
        row.title = title
    _tell_apart(rows)
    return rows


def _row(package: Package, contents: Contents, track: Track, beside: Beside) -> IndexRow:
    tags = {k: v.strip() for member in track.tags for k, v in member.items()}
    credit = contents.credit(track.main)
    all_tags = chain(track.tags, repeat({}))
    statements = [_evidence(contents, member, own, beside) for member, own in zip(track.members, all_tags)]
    problem, detail = track.problem, track.detail
    if problem is None and (unreadable := next(filter(None, map(contents.problem, track.members)), None)):
        problem, detail = "license_unreadable", unreadable
    if problem is None and (differing := _disagreement(statements)):
        problem, detail = "license_conflict", f"the stems of the song differ: {differing}"
    unique: dict[tuple[str | None, ...], Evidence] = {}
    for item in (item for stated in statements for item in stated):
        unique.setdefault(item[:3], item)
    return IndexRow(
        track_id=f"debian:{package.name}/{_key(_file_name(track, within_package=True))}",
        source="debian",
        url=locator(package, track.members),
        homepage=contents.copyright.homepage or package.homepage,
        title=credits.title(credit.title or tags.get("title"), _file_name(track)),
        artist=credits.person(credit.artist) or credits.artist(tags),
        album=credits.album(credit.album or tags.get("album")),
        duration_s=track.duration_s,
        tags=credits.genres(tags.get("genre")),
        license_evidence=list(best_first(unique.values())),
        sha256=track.sha256,
        problem=problem,
        problem_detail=detail,
    )


def _file_name(track: Track, within_package: bool = False) -> str:
    """The path whose last part names the music: a file's, or that of the folder of stems."""
    path = track.main.full if within_package else track.main.name
    return path if len(track.members) == 1 else str(PurePosixPath(path).parent)


def _paragraph(contents: Contents, member: Member) -> Files | None:
    return find_paragraph(contents.copyright, valid_unicode(member.full), member.inner and valid_unicode(member.inner))


def _evidence(contents: Contents, member: Member, tags: Mapping[str, str], beside: Beside) -> list[Evidence]:
    """Everything that is stated about one file's license."""
    source, copyright = f"usr/share/doc/{contents.package}/copyright", contents.copyright
    found: list[tuple[str, str, str]] = []
    if paragraph := _paragraph(contents, member):
        found.append(("dep5_files", _stated(paragraph), f"{source}, Files: {' '.join(paragraph.globs)[:200]}"))
    others = beside[member.folder] - {PurePosixPath(member.name).name}
    found += [("license_file", text, where) for where, text in contents.statements(member, others)]
    if copyright.text:
        found.append(("package_text", copyright.text, source))
    if copyright.catch_all:
        named = " ".join(copyright.catch_all.globs)[:200]
        found.append(("catch_all", copyright.catch_all.license, f"{source}, Files: {named}"))
    return [Evidence(kind, text, None, where) for kind, text, where in found] + tag_evidence(tags)


def _stated(paragraph: Files) -> str:
    """A paragraph's license with its copyright holders in the line below the name, as credits need them."""
    name, newline, text = paragraph.license.partition("\n")
    held = f"\n{HOLDERS}{', '.join(paragraph.holders)}" if paragraph.holders else ""
    return f"{name}{held}{newline}{text}"


def _disagreement(statements: Sequence[Iterable[Evidence]]) -> str:
    """The kind of evidence in which the stems of one song differ, and what they say; empty if they agree."""
    for kind in KINDS:
        said = [frozenset((_unheld(e.text), e.url) for e in stated if e.kind == kind) for stated in statements]
        different = set(filter(None, said))
        if len(different) > 1:
            texts = sorted(one_line(text, 100) for one in different for text, _ in one)
            return f"{kind} says {' and '.join(map(repr, texts))}"
    return ""


def _unheld(text: str | None) -> str | None:
    """A statement without its copyright holders, who may differ."""
    return re.sub(rf"\n{HOLDERS}[^\n]*", "", text, count=1) if text else text


def _complete_artists(rows: Sequence[IndexRow], tracks: Sequence[Track], contents: Contents) -> None:
    """Name who is named elsewhere: the copyright holders, by file name where there are several."""
    paragraphs = [_paragraph(contents, track.main) for track in tracks]
    tagged: dict[Files | None, list[str]] = defaultdict(list)
    for row, paragraph in zip(rows, paragraphs):
        if row.artist:
            tagged[paragraph].append(row.artist)
    for row, track, paragraph in zip(rows, tracks, paragraphs):
        if row.artist:
            continue
        names: Sequence[str] = paragraph.holders if paragraph else ()
        if len(names) > 1:  # of all files of the paragraph together, and a file may say whose it is
            path = _file_name(track)
            one = credits.named_in(path, names) or credits.named_in(path, tagged[paragraph])
            names = [one] if one else names
        if not names:
            texts = (e.text or "" for e in row.license_evidence if e.kind == "license_file")
            found = holders("\n".join(line for text in texts for line in _COPYRIGHT_LINE.findall(text)))
            names = [name for name in found if not name.startswith(_LICENSE_AUTHORS)]
        row.artist = ", ".join(names or contents.copyright.authors) or None


def _tell_apart(rows: Iterable[IndexRow]) -> None:
    """Number the ids of members with one name, which archives may hold, and reject all but the first."""
    seen: Counter[str] = Counter()
    for row in rows:
        number = seen[row.track_id]
        seen[row.track_id] += 1
        if number:
            row.track_id += f"%#{number + 1}"
            if row.problem is None:
                row.problem, row.problem_detail = "unsafe_archive", "a second file of the same name"
