"""Music inside Debian packages, by package name, from apt or from a mirror.

Contract: `ssmttm.corpus.sources`. A track's key is `package/path` (`package/archive/path` inside
a .love or .pk3), its `url` is `deb:package=version!/path!/inner`, percent-encoded.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from ssmttm.corpus.audio import Probe, Undecodable, probe
from ssmttm.corpus.debian.apt import Apt
from ssmttm.corpus.debian.copyright import CopyrightFile, find_paragraph, read_copyright
from ssmttm.corpus.debian.deb import Member, is_license, read_package
from ssmttm.corpus.debian.mirror import Mirror
from ssmttm.corpus.debian.packages import Package
from ssmttm.corpus.sources import Unavailable
from ssmttm.errors import UserError
from ssmttm.files import sha256_bytes, write_bytes

Progress = Callable[[int, int, str], None]

_LICENSE_TAGS = frozenset(["license", "licence", "license_url", "licenseurl", "license-url", "wcop"])
_COPYRIGHT_TAGS = frozenset(["copyright", "copyright message", "copyright-message", "tcop", "copyrightmessage"])
_SPEAKS_OF_LICENSE = re.compile(r"https?://|licen[sc]|public.domain|rights reserved|\bcc[ -]?(by|0)", re.IGNORECASE)
_CC_URL = re.compile(r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licen[sc]es|publicdomain)/[^\s<>\"')]+", re.I)
_UNKNOWN_TAG = frozenset(["", "unknown", "unknown artist", "artist", "none", "untitled", "various"])


@dataclass(frozen=True)
class _Found:
    """One audio file of a package, or a refused member, after its bytes are gone."""

    member: Member  # without data
    sha256: str | None = None
    probe: Probe | None = None
    problem: str | None = None
    detail: str | None = None


def _archive(settings: Mapping[str, Any], cache: Path) -> Apt | Mirror:
    folder = cache / "debian"
    if mirror := settings.get("mirror"):
        return Mirror(mirror, settings.get("suite") or "stable", folder)
    return Apt(folder)


def _wanted(settings: Mapping[str, Any], package: str) -> Callable[[str], bool]:
    """Whether a path matches `files`: a pattern fits the whole path or its last components."""
    patterns = settings.get("files")
    if not patterns:
        return lambda path: True

    def matches(path: str) -> bool:
        parts = f"{package}/{path}".split("/")
        tails = ["/".join(parts[i:]) for i in range(len(parts))]
        return any(fnmatch.fnmatchcase(tail, pattern) for pattern in patterns for tail in tails)

    return matches


def list_tracks(
    settings: Mapping[str, Any], limits: Mapping[str, Any], cache: Path, progress: Progress
) -> list[dict[str, Any]]:
    """Every audio file of the configured packages as an `index` row; see the contract."""
    archive = _archive(settings, cache)
    names = settings["packages"]
    packages = []
    for name in names:  # all names before any download: a misspelt one shows at once
        package = archive.find(name)
        if package is None:
            raise UserError(
                f"Debian package {name!r} does not exist in the configured sources; "
                "check its spelling in data.sources.debian.packages, or remove it there"
            )
        packages.append(package)
    rows = []
    for number, package in enumerate(packages):
        progress(number, len(names), package.name)
        rows += list(_package_rows(package, archive.path(package), settings, limits, cache))
    progress(len(names), len(names), f"{len(rows)} files")
    if not rows:
        where = "match data.sources.debian.files in" if settings.get("files") else "are audio in"
        raise UserError(f"no files {where} the packages {', '.join(names)}")
    return rows


def _package_rows(
    package: Package, path: Path, settings: Mapping[str, Any], limits: Mapping[str, Any], cache: Path
) -> Iterable[dict[str, Any]]:
    copyright = CopyrightFile()
    licenses: dict[tuple[str, str], tuple[str, str]] = {}
    found: list[_Found] = []
    for member in read_package(path, package.name, _wanted(settings, package.name)):
        if member.problem is None and member.inner is None and member.path == f"usr/share/doc/{package.name}/copyright":
            copyright = read_copyright(member.data.decode("utf-8", "replace"))
        elif member.problem is None and is_license(member.name):
            licenses[_folder(member)] = (_shown(member.name), member.data.decode("utf-8", "replace"))
        else:
            found.append(_examine(member, limits, cache))
    for item in found:
        yield _row(package, item, copyright, licenses)


def _folder(member: Member) -> tuple[str, str]:
    """What a license file must share with a track to speak about it: archive and folder."""
    archive = member.path if member.inner is not None else ""
    return archive, str(PurePosixPath(member.name).parent)


def _examine(member: Member, limits: Mapping[str, Any], cache: Path) -> _Found:
    """Probe an audio file; a usable one is kept in the cache by its checksum for `fetch`."""
    bare = Member(member.path, member.inner)
    if member.problem:
        return _Found(bare, problem=member.problem, detail=member.detail)
    sha256 = sha256_bytes(member.data)
    try:
        info = probe(member.data)
    except Undecodable as error:
        return _Found(bare, sha256, problem="undecodable", detail=str(error))
    if info.duration_s < limits["seconds"]:
        detail = f"{info.duration_s:.2f} s, a clip is {limits['seconds']:g} s"
        return _Found(bare, sha256, info, "too_short", detail)
    if info.duration_s > limits["max_track_seconds"]:
        detail = f"{info.duration_s:.0f} s, the bound is {limits['max_track_seconds']:g} s"
        return _Found(bare, sha256, info, "too_long", detail)
    _store(member.data, sha256, cache)
    return _Found(bare, sha256, info)


def _stored_path(sha256: str, cache: Path) -> Path:
    return cache / "debian" / "tracks" / sha256


def _store(data: bytes, sha256: str, cache: Path) -> None:
    path = _stored_path(sha256, cache)
    if not path.is_file() or path.stat().st_size != len(data):
        write_bytes(path, data)


def _shown(path: str) -> str:
    """A path as valid Unicode; undecodable bytes become replacement characters."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _locator(package: Package, member: Member) -> str:
    parts = [member.path] if member.inner is None else [member.path, member.inner]
    return f"deb:{package.name}={package.version}" + "".join(
        f"!/{quote(p, safe='/', errors='surrogateescape')}" for p in parts
    )


def _row(
    package: Package, item: _Found, copyright: CopyrightFile, licenses: Mapping[tuple[str, str], tuple[str, str]]
) -> dict[str, Any]:
    member = item.member
    path = member.path if member.inner is None else f"{member.path}/{member.inner}"
    tags = {k: v.strip() for k, v in item.probe.tags.items()} if item.probe else {}
    paragraph = find_paragraph(copyright, _shown(path), member.inner and _shown(member.inner))
    artist = next((tags[k] for k in ("artist", "album_artist", "composer", "performer") if _named(tags.get(k))), None)
    stem = _shown(PurePosixPath(member.name).stem)
    return {
        "track_id": f"debian:{package.name}/{_shown(path)}",
        "source": "debian",
        "url": _locator(package, member),
        "homepage": copyright.homepage or package.homepage,
        "title": tags["title"] if _named(tags.get("title")) else stem.replace("_", " ").strip() or stem,
        "artist": artist or (", ".join(paragraph.holders) if paragraph else "") or package.name,
        "album": tags.get("album") or None,
        "duration_s": item.probe.duration_s if item.probe else None,
        "tags": [t.strip() for t in re.split(r"[;/,\0]", tags.get("genre", "")) if t.strip()],
        "license_evidence": _evidence(package, member, tags, copyright, licenses),
        "sha256": item.sha256,
        "problem": item.problem,
        "problem_detail": item.detail,
    }


def _named(value: str | None) -> bool:
    return (value or "").casefold() not in _UNKNOWN_TAG


def _evidence(
    package: Package,
    member: Member,
    tags: Mapping[str, str],
    copyright: CopyrightFile,
    licenses: Mapping[tuple[str, str], tuple[str, str]],
) -> list[dict[str, str | None]]:
    """All five kinds of evidence about one file, best first, as far as they exist."""
    path = _shown(member.path if member.inner is None else f"{member.path}/{member.inner}")
    source = f"usr/share/doc/{package.name}/copyright"
    rows: list[dict[str, str | None]] = []

    def add(kind: str, text: str, where: str, url: str | None = None) -> None:
        rows.append({"kind": kind, "text": text, "url": url, "where": where})

    if paragraph := find_paragraph(copyright, path, member.inner and _shown(member.inner)):
        add("dep5_files", paragraph.license, f"{source}, Files: {' '.join(paragraph.globs)[:200]}")
    if beside := licenses.get(_folder(member)):
        add("license_file", beside[1], beside[0])
    for key, value in tags.items():
        match = _CC_URL.search(value)
        if key in _LICENSE_TAGS or match or (key in _COPYRIGHT_TAGS and _SPEAKS_OF_LICENSE.search(value)):
            add("tag_url", value, f"tag {key}", match[0].rstrip(".,;") if match else None)
    if copyright.text:
        add("package_text", copyright.text, source)
    if copyright.catch_all:
        add("catch_all", copyright.catch_all.license, f"{source}, Files: *")
    return rows


def fetch(settings: Mapping[str, Any], track: Mapping[str, Any], cache: Path) -> bytes:
    """The encoded bytes of one indexed track, from the cache or the package; see the contract."""
    stored = _stored_path(track["sha256"], cache)
    if stored.is_file():
        data = stored.read_bytes()
        if sha256_bytes(data) == track["sha256"]:
            return data
        stored.unlink(missing_ok=True)  # damaged on disk
    match = re.fullmatch(r"deb:([^=!]+)=([^!]+)!/([^!]+)(?:!/([^!]+))?", track["url"])
    if match is None:
        raise Unavailable(f"{track['url']} is no locator of the Debian source")
    name, version = match[1], match[2]
    inside = tuple(unquote(p, errors="surrogateescape") if p else None for p in (match[3], match[4]))
    archive = _archive(settings, cache)
    package = archive.find(name, version)
    if package is None:
        raise Unavailable(f"Debian package {name} {version} is no longer there; index again")
    data = None
    for member in read_package(archive.path(package), name, _wanted(settings, name)):
        if member.problem is None and not is_license(member.name) and member.data:
            # The whole package has to be unpacked anyway: keep the others for the next calls.
            _store(member.data, sha256_bytes(member.data), cache)
            if (member.path, member.inner) == inside:
                data = member.data
    if data is None:
        raise Unavailable(f"{track['url']} is not in the package any more")
    return data
