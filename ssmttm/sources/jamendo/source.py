"""MTG-Jamendo: 55,701 tracks under Creative Commons licenses, by the tables that its authors publish.

Contract: `ssmttm.sources.contract`. A track's key is its number, its `url` is `jamendo:48/948.low.mp3`:
where that file comes from is a matter of the settings (`audio`), so that a mirror can change
without a new index. The evidence is the track's statement in audio_licenses.txt.

A malformed row of the table of tracks is a rejected row of the index, with file, row and column;
see `ssmttm.sources.jamendo.metadata`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from ssmttm.errors import UserError
from ssmttm.fetch.download import download, local_copy
from ssmttm.fetch.download import forget as forget_download
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.paths import UnsafeName, safe_relative
from ssmttm.files import sha256_file
from ssmttm.licenses.policy import Evidence
from ssmttm.sources.contract import Context, IndexRow, web_page
from ssmttm.sources.exclusions import read_excluded
from ssmttm.sources.jamendo.checksums import read_checksums
from ssmttm.sources.jamendo.licenses import Stated, read_licenses, split_credit
from ssmttm.sources.jamendo.metadata import Names, Track, read_names, read_tracks, track_number
from ssmttm.sources.jamendo.tars import extract, open_index
from ssmttm.sources.limits import length_problem

_KEY = "data.sources.jamendo"
_VARIANTS = {"audio": ".mp3", "audio-low": ".low.mp3"}
_METADATA_BYTES = 1 << 30
_ARCHIVE_BYTES = 64 << 30
_PROGRESS_ROWS = 5000


def list_tracks(settings: Mapping[str, Any], context: Context) -> Iterator[IndexRow]:
    """Every track of the table as an `index` row; see the contract."""
    _audio(settings)
    name = _name(settings["licenses"])
    licenses = read_licenses(_file(settings, "licenses", context), name)
    names = read_names(_file(settings, "titles", context)) if settings.get("titles") else Names({}, {})
    checksums = read_checksums(_file(settings, "checksums", context)) if settings.get("checksums") else None
    excluded = read_excluded(settings.get("exclude"), context, _key)
    tracks = read_tracks(_file(settings, "metadata", context), _name(settings["metadata"]))
    suffix = _VARIANTS[settings["variant"]]
    paths = [t.path and t.path.removesuffix(".mp3") + suffix for t in tracks]
    if checksums is not None and not any(path in checksums for path in paths):
        raise UserError(
            f"{_KEY}.checksums: {settings['checksums']} has none of the {len(tracks)} tracks; "
            f"is it the list of variant {settings['variant']!r}, whose paths look like 48/948{suffix}?"
        )
    for done, (track, path) in enumerate(zip(tracks, paths)):
        if done % _PROGRESS_ROWS == 0:
            context.progress(done, len(tracks), "rows")
        stated = licenses.get(track.path or "", Stated())
        problem, detail = _problem(track, stated, excluded, context.clips)
        title, artist, album, page = _names(track, stated, names)
        yield IndexRow(
            track_id=f"jamendo:{track.number}",
            source="jamendo",
            url=f"jamendo:{quote(path)}" if path else "",
            homepage=page,
            title=title,
            artist=artist,
            album=album,
            duration_s=track.duration_s,
            tags=list(track.tags),
            license_evidence=[Evidence("catalog", s.text, s.url, f"{name}, line {s.line}") for s in stated.licenses],
            sha256=checksums.get(path) if checksums and path else None,
            problem=problem,
            problem_detail=detail,
        )
    context.progress(len(tracks), len(tracks), "rows")


def _key(text: str) -> str | None:
    number = track_number(text)
    return None if number is None else str(number)


def _problem(
    track: Track, stated: Stated, excluded: Mapping[str, str], clips: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """Why a track is not used, as far as the tables tell."""
    if where := excluded.get(str(track.number)):
        return "excluded", f"{where} holds it out for evaluation"
    if track.problem or track.duration_s is None:
        return "malformed", track.problem
    if stated.problem:
        return "no_license_evidence", stated.problem
    return length_problem(track.duration_s, clips)


def _names(track: Track, stated: Stated, names: Names) -> tuple[str | None, str | None, str | None, str | None]:
    """Title, artist, album and page; an artist without a known name goes by the id."""
    known = names.tracks.get(track.number)
    artist = (known and known.artist) or names.artists.get(track.artist_id or "")
    title, credited = split_credit(stated.credit, artist) if stated.credit else (None, None)
    if known is None:
        return title, artist or credited or track.artist_id, None, stated.page
    page = web_page(known.url) or stated.page
    return known.title or title, artist or credited or track.artist_id, known.album or None, page


def _name(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def _file(settings: Mapping[str, Any], key: str, context: Context) -> Path:
    """One of the published tables, downloaded if it is an address."""
    folder = context.cache / "jamendo" / "tables"
    try:
        return local_copy(settings[key], folder, fetching=context.fetch, max_bytes=_METADATA_BYTES, kind="text")
    except UserError as error:
        raise UserError(f"{_KEY}.{key}: {error}") from error


def _audio(settings: Mapping[str, Any]) -> tuple[str, str]:
    """(`address`, `tars` or `folder`, its value); raises UserError unless it is exactly one of them."""
    given = {k: v for k, v in settings["audio"].items() if v}
    if len(given) != 1 or not given.keys() <= {"address", "tars", "folder"}:
        raise UserError(f"{_KEY}.audio: give one of address, tars and folder, not {', '.join(given) or 'none'}")
    ((way, value),) = given.items()
    if way == "address" and "{path}" not in value:
        raise UserError(f"{_KEY}.audio.address: {value!r} lacks {{path}}, which becomes a path such as 48/948.low.mp3")
    if way == "tars" and "://" in value and "{archive}" not in value:
        raise UserError(f"{_KEY}.audio.tars: {value!r} lacks {{archive}}, the name such as raw_30s_audio-low-48.tar")
    if way != "address" and "://" not in value and "{archive}" not in value and not Path(value).is_dir():
        raise UserError(f"{_KEY}.audio.{way}: {value}: no such folder")
    return way, value


def _path(track: Mapping[str, Any]) -> PurePosixPath:
    """The file's path in the collection, from the row's `url`, which is not trusted."""
    if not track["url"].startswith("jamendo:"):
        raise Unavailable(f"{track['url']!r} is no locator of the Jamendo source; index again")
    try:
        return safe_relative(unquote(track["url"].removeprefix("jamendo:")))
    except UnsafeName as error:
        raise Unavailable(f"{track['url']!r} {error}") from None


def _target(path: PurePosixPath, context: Context) -> Path:
    return context.cache / "jamendo" / "tracks" / path


def fetch(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> Path:
    """The verified file of one indexed track; see the contract. Archives that were downloaded stay in the cache."""
    path, sha256 = _path(track), track["sha256"]
    way, value = _audio(settings)
    if way == "folder":
        return _from_folder(Path(value), path, sha256)
    target = _target(path, context)
    if way == "address":
        return download(value.replace("{path}", quote(str(path))), target, fetching=context.fetch, sha256=sha256)
    if sha256 and target.is_file() and sha256_file(target) == sha256:
        return target
    archive, published = _archive(settings, path, context)
    index = open_index(archive, context.cache / "jamendo" / "tars", published)
    size = index.members.get(str(path), (0, -1))[1]
    if sha256 or not target.is_file() or target.stat().st_size != size:
        extract(index, str(path), target, sha256)
    return target


def _archive(settings: Mapping[str, Any], path: PurePosixPath, context: Context) -> tuple[Path, str | None]:
    """The tar archive with the number of the track's folder, and its SHA-256 if that is still to be checked."""
    if re.fullmatch(r"[0-9]{2}/[^/]+", str(path)) is None:
        raise Unavailable(f"{path}: no archive holds it; archives are numbered by folders 00 to 99")
    value, ending = settings["audio"]["tars"], f"_{settings['variant']}-{path.parts[0]}.tar"
    sums = None
    if settings.get("tar_checksums"):
        sums = read_checksums(_file(settings, "tar_checksums", context))
    name = next((n for n in sums or () if re.fullmatch(rf"\w+{ending}", n)), f"raw_30s{ending}")
    if sums is not None and name not in sums:
        raise UserError(f"{_KEY}.tar_checksums: {settings['tar_checksums']} has no archive *{ending}")
    published = sums[name] if sums is not None else None
    if "{archive}" not in value:
        file = Path(value, name)
        others = sorted(Path(value).glob(f"*{ending}"))
        if sums is None and len(others) == 1:
            file = others[0]
    elif "://" not in value:
        file = Path(value.replace("{archive}", name))
    else:
        return _download_archive(value.replace("{archive}", quote(name)), name, published, context), None
    if not file.is_file():
        raise Unavailable(f"{file}: no such archive")
    return file, published


def _download_archive(address: str, name: str, sha256: str | None, context: Context) -> Path:
    target = context.cache / "jamendo" / "archives" / name
    try:
        return download(
            address, target, fetching=context.fetch, max_bytes=_ARCHIVE_BYTES, sha256=sha256, kind="archive"
        )
    except Unavailable as error:
        if error.reason == "unavailable":
            raise
        # Hundreds of tracks are in it: that is not one bad track.
        raise UserError(f"{error}; check {_KEY}.audio.tars and tar_checksums") from error


def forget(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> None:
    """Remove the copy of a track from the cache; archives and a folder of the user's are left alone."""
    if _audio(settings)[0] != "folder":
        forget_download(_target(_path(track), context))


def _from_folder(folder: Path, path: PurePosixPath, sha256: str | None) -> Path:
    file = folder / path
    try:
        inside = file.resolve(strict=True).is_relative_to(folder.resolve())
    except OSError:
        raise Unavailable(f"{file}: no such file") from None
    if not inside or not file.is_file():
        raise Unavailable(f"{file}: not a file inside {folder}")
    if sha256 and sha256_file(file) != sha256:
        raise Unavailable(f"{file}: its SHA-256 is not the published one", "checksum_mismatch")
    return file
