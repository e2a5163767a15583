"""What comes out of a package: its members, which of them matter, and the bounds on their sizes and names."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

_AUDIO = re.compile(r"\.(?:ogg|oga|opus|spx|mp3|flac|wave?|m4a|aac|mka|aiff?|wma|ape|wv|mpc|tta)", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:zip|love|pk3|pk4)", re.IGNORECASE)
_TUNES_FOLDER = re.compile(r"albums?|bgm|music|ost|songs?|soundtracks?", re.IGNORECASE)
_EFFECTS_FOLDER = re.compile(r"sounds?|(?:sounds?|snd)?[ _-]?(?:fx|effects?)|sfx", re.IGNORECASE)
ALBUM, SONG = "album.json", "song.ini"
_LICENSE_NAME = re.compile(r"(?:licen[sc]e|copying|copyright)[\w -]*(?:\.(?:txt|md|rst))?", re.IGNORECASE)
_README_NAME = re.compile(r"read[ _-]?me(?:\.(?:txt|md|rst))?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """Bounds in bytes; an archive's content may also be at most `ratio` times its own size."""

    member: int = 512 << 20
    total: int = 8 << 30
    ratio: int = 100
    ratio_from: int = 64 << 20
    text: int = 256 << 10
    directory: int = 32 << 20
    """Of an archive's list of its members, which is read as a whole."""

    def content(self, archive_bytes: int) -> int:
        """How much an archive of that size may hold, uncompressed."""
        return min(self.total, max(self.ratio_from, self.ratio * archive_bytes))


class UnsafeArchive(Exception):
    """A member with an unsafe path or size; the message says which bound or rule."""


class BrokenArchive(Exception):
    """An archive that can't be read to its end."""


@dataclass(frozen=True)
class Member:
    """An audio file of a package, a text that goes with one, or one that was refused.

    `path` is inside the package, `inner` inside an archive at `path`. Either `data` is there, or
    `problem` (a rejection reason) with `detail`.
    """

    path: str
    inner: str | None = None
    data: bytes = b""
    problem: str | None = None
    detail: str | None = None

    @property
    def name(self) -> str:
        """The innermost path."""
        return self.inner if self.inner is not None else self.path

    @property
    def full(self) -> str:
        """The path with the archive's, "usr/share/x.love/data/a.ogg"."""
        return self.path if self.inner is None else f"{self.path}/{self.inner}"

    @property
    def folder(self) -> tuple[str, str]:
        """Where it lies: archive ("" for none) and folder. Files that share it lie beside each other."""
        return (self.path if self.inner is not None else "", str(PurePosixPath(self.name).parent))


def safe_path(name: str) -> str:
    """A member's path, relative and normal; raises UnsafeArchive if it is absolute or climbs out."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain):
        raise UnsafeArchive("absolute path")
    if "\0" in plain or ".." in plain.split("/"):
        raise UnsafeArchive("path leads out of the archive")
    return str(PurePosixPath(plain))


def is_audio(path: str) -> bool:
    """Whether the extension is one of an audio file."""
    return _AUDIO.fullmatch(PurePosixPath(path).suffix) is not None


def is_archive(path: str) -> bool:
    """Whether the extension is one of an archive that is opened."""
    return _ARCHIVE.fullmatch(PurePosixPath(path).suffix) is not None


def is_license(path: str) -> bool:
    """Whether the file's name is that of a license text."""
    return _LICENSE_NAME.fullmatch(PurePosixPath(path).name) is not None


def is_readme(path: str) -> bool:
    """Whether the file's name is that of a readme."""
    return _README_NAME.fullmatch(PurePosixPath(path).name) is not None


def is_text(path: str) -> bool:
    """Whether the file may say something about the audio beside it."""
    return PurePosixPath(path).name in (ALBUM, SONG) or is_license(path) or is_readme(path)


def read_bounded(stream: IO[bytes], limit: int) -> bytes:
    """All of a stream; raises UnsafeArchive once it turns out longer than `limit` bytes."""
    parts, total = [], 0
    while part := stream.read(1 << 20):
        total += len(part)
        if total > limit:
            raise UnsafeArchive(f"larger than {limit >> 20} MiB")
        parts.append(part)
    return b"".join(parts)


def in_effects_folder(path: str) -> bool:
    """Whether the innermost folder whose name tells music from sound effects says effects: `sounds`, `sfx`."""
    for folder in reversed(PurePosixPath(path).parts[:-1]):
        if _TUNES_FOLDER.fullmatch(folder):
            return False
        if _EFFECTS_FOLDER.fullmatch(folder):
            return True
    return False
