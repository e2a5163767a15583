"""Music inside Debian packages, by package name, from apt or from a mirror.

Contract: `ssmttm.sources.contract`. A track's key is `package/path` (`package/archive/path` inside
a .love or .pk3, the folder for a song in stems), its `url` is `deb:package=version!/path!/inner`,
percent-encoded; of a song in stems, `+/path` follows for each further one.
"""

import fnmatch
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from ssmttm.audio.streams import TooLong, Undecodable, probe
from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.files import sha256_bytes, sha256_file, write_bytes
from ssmttm.sources.contract import Context, IndexRow
from ssmttm.sources.debian.apt import Apt
from ssmttm.sources.debian.contents import Contents, Track
from ssmttm.sources.debian.deb import read_package
from ssmttm.sources.debian.members import Member, in_effects_folder, is_audio
from ssmttm.sources.debian.mirror import Mirror
from ssmttm.sources.debian.packages import Package
from ssmttm.sources.debian.rows import located, package_rows
from ssmttm.sources.debian.stems import is_stem, mix

EFFECTS_SECONDS = 60.0
"""Longer files are music, in whatever folder: games call a folder of both `sounds`."""

_UNPACKING: defaultdict[str, Lock] = defaultdict(Lock)
"""One lock per package: many tracks may be asked for at once, and one unpacking serves them all."""


def list_tracks(settings: Mapping[str, Any], context: Context) -> Iterator[IndexRow]:
    """Every audio file of the configured packages as an `index` row; see the contract."""
    archive = _archive(settings, context)
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
    count = 0
    for number, package in enumerate(packages):
        context.progress(number, len(names), package.name)

        def note(line: str, number: int = number, package: Package = package) -> None:
            context.progress(number, len(names), f"{package.name}: {line}")

        for row in _package_rows(package, archive.path(package), settings, context, note):
            count += 1
            yield row
    context.progress(len(names), len(names), f"{count} files")
    if not count:
        where = "match data.sources.debian.files in" if settings.get("files") else "are audio in"
        raise UserError(f"no files {where} the packages {', '.join(names)}")


def _archive(settings: Mapping[str, Any], context: Context) -> Apt | Mirror:
    folder = context.cache / "debian"
    if mirror := settings.get("mirror"):
        return Mirror(mirror, settings.get("suite") or "stable", folder, context.fetch)
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


def _package_rows(
    package: Package, path: Path, settings: Mapping[str, Any], context: Context, note: Callable[[str], None]
) -> list[IndexRow]:
    contents = Contents(package.name, note)
    tracks: list[Track] = []
    for member in read_package(path, package.name, _wanted(settings, package.name)):
        if member.problem is None and not is_audio(member.name):
            contents.add(member)
        else:
            tracks.append(_examined(member, context, settings.get("effects_seconds", EFFECTS_SECONDS)))
    return package_rows(package, contents, _with_mixes(tracks, contents, context))


def _examined(member: Member, context: Context, effects_seconds: float) -> Track:
    """Probe an audio file; a usable one is kept in the cache by its checksum for `fetch`.

    One shorter than `effects_seconds` in a folder of sound effects is taken for one.
    """
    bare = (replace(member, data=b"", problem=None, detail=None),)
    if member.problem:
        return Track(bare, problem=member.problem, detail=member.detail)
    sha256 = sha256_bytes(member.data)
    try:
        info = probe(member.data)
    except Undecodable as error:
        return Track(bare, sha256, problem="undecodable", detail=str(error))
    problem, detail = _unfit(info.duration_s, context)
    if problem is None and info.duration_s < effects_seconds and in_effects_folder(member.full):
        problem, detail = "sound_effect", f"{info.duration_s:.1f} s, in a folder of sound effects"
    track = Track(bare, sha256, info.duration_s, (info.tags,), problem, detail)
    if track.problem is None:
        _store(member.data, sha256, context.cache)
    return track


def _unfit(seconds: float, context: Context) -> tuple[str | None, str | None]:
    """Why a track of that length isn't used, as a rejection reason and its detail."""
    shortest, longest = context.clips["seconds"], context.clips["max_track_seconds"]
    if seconds < shortest:
        return "too_short", f"{seconds:.2f} s, a clip is {shortest:g} s"
    if seconds > longest:
        return "too_long", f"{seconds:.0f} s, the bound is {longest:g} s"
    return None, None


def _with_mixes(tracks: Iterable[Track], contents: Contents, context: Context) -> list[Track]:
    """The tracks, where the stems of each song are replaced by their mix, a track of its own."""
    result: list[Track] = []
    stems: dict[tuple[str, str], list[Track]] = defaultdict(list)
    for track in tracks:
        song = track.main.folder in contents.songs and is_stem(track.main.name)
        (stems[track.main.folder] if song else result).append(track)
    for group in stems.values():
        result += group if len(group) == 1 else [_mixed(sorted(group, key=lambda t: t.main.name), context)]
    needed = {track.sha256 for track in result}
    for stem in (stem for group in stems.values() for stem in group if stem.sha256 not in needed):
        _stored_path(str(stem.sha256), context.cache).unlink(missing_ok=True)
    return result


def _mixed(stems: list[Track], context: Context) -> Track:
    """The sum of a song's stems, kept in the cache instead of them; rejected if one of them is."""
    together = Track(tuple(s.main for s in stems), None, max((s.duration_s or 0.0 for s in stems), default=None))
    bad = next((s for s in stems if s.problem), None)
    if bad is not None:
        return replace(together, problem=bad.problem, detail=f"{bad.main.name}, one of its stems: {bad.detail}")
    try:
        path = _mix([str(s.sha256) for s in stems], context)
        info = probe(path)
    except (Undecodable, TooLong) as error:
        reason = "too_long" if isinstance(error, TooLong) else "undecodable"
        return replace(together, problem=reason, detail=f"its stems: {error}")
    tags = tuple(s.tags[0] for s in stems)
    return Track(together.members, path.name, info.duration_s, tags, *_unfit(info.duration_s, context))


def _mix(sha256s: list[str], context: Context) -> Path:
    """Mix stems that lie in the cache; the result lies there under its own checksum."""
    made = _stored_path(f"mix-{sha256_bytes('+'.join(sha256s).encode())}", context.cache)
    mix([_stored_path(sha256, context.cache) for sha256 in sha256s], made, context.clips["max_track_seconds"])
    return made.replace(_stored_path(sha256_file(made), context.cache))


def _stored_path(sha256: str, cache: Path) -> Path:
    return cache / "debian" / "tracks" / sha256


def _store(data: bytes, sha256: str, cache: Path) -> None:
    path = _stored_path(sha256, cache)
    if not path.is_file() or path.stat().st_size != len(data):
        write_bytes(path, data)


def fetch(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> Path:
    """The encoded file of one indexed track, from the cache or the package; see the contract."""
    stored = _stored_path(track["sha256"], context.cache)
    if _is_intact(stored):
        return stored
    try:
        name, version, places = located(track["url"])
    except ValueError as error:
        raise Unavailable(str(error)) from None
    with _UNPACKING[name]:
        if _is_intact(stored):
            return stored
        archive = _archive(settings, context)
        package = archive.find(name, version)
        if package is None:
            raise Unavailable(f"Debian package {name} {version} is no longer there; index again")
        found = _unpack(archive.path(package), settings, name, context)
        if missing := [place for place in places if place not in found]:
            raise Unavailable(f"{track['url']}: {missing[0]} is not in the package any more")
        if len(places) > 1 and _mix([found[place] for place in places], context) != stored:
            raise Unavailable(f"{track['url']}: the mix of the stems is another than when it was indexed", "changed")
    if not _is_intact(stored):
        raise Unavailable(f"{track['url']}: the file in the package is another than the one indexed", "changed")
    return stored


def _is_intact(path: Path) -> bool:
    """Whether a stored track is there with the checksum that is its name; a damaged one is removed."""
    if not path.is_file():
        return False
    if sha256_file(path) == path.name:
        return True
    path.unlink(missing_ok=True)
    return False


def _unpack(path: Path, settings: Mapping[str, Any], name: str, context: Context) -> dict[tuple[str, str | None], str]:
    """Store all wanted tracks of a package, which has to be read as a whole anyway; their checksums by place."""
    found = {}
    for member in read_package(path, name, _wanted(settings, name)):
        if member.problem is None and is_audio(member.name):
            found[member.path, member.inner] = sha256_bytes(member.data)
            _store(member.data, found[member.path, member.inner], context.cache)
    return found


def forget(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> None:
    """Remove the stored file of one track; the package stays."""
    _stored_path(track["sha256"], context.cache).unlink(missing_ok=True)
