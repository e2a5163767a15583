"""What one package holds: its audio, and the texts that say something about it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ssmttm.sources.debian.copyright import CopyrightFile, read_copyright
from ssmttm.sources.debian.grants import part_about
from ssmttm.sources.debian.members import ALBUM, SONG, Member, is_license
from ssmttm.sources.debian.sidecars import Credit, Malformed, read_album, read_song
from ssmttm.sources.debian.stems import is_stem
from ssmttm.sources.texts import Unreadable, decode
from ssmttm.wording import valid_unicode

Folder = tuple[str, str]

_TEXT_BYTES = 64 << 20
_MUSIC_FOLDER = re.compile(r"albums?|audio|bgm|music|ost|songs?|soundtracks?", re.IGNORECASE)
_DISC_FOLDER = re.compile(r"(?:cd|dis[ck]|part|side|vol(?:ume)?)[ _-]*\w?\d*", re.IGNORECASE)


@dataclass(frozen=True)
class Track:
    """One piece of music of a package, after its bytes are gone: one file, or the stems of one mix."""

    members: tuple[Member, ...]  # without data
    sha256: str | None = None
    duration_s: float | None = None
    tags: tuple[Mapping[str, str], ...] = ()  # of each member
    problem: str | None = None
    detail: str | None = None

    @property
    def main(self) -> Member:
        """The file that stands for the track; of stems, the last one."""
        return self.members[-1]


@dataclass
class Contents:
    """The texts of a package, gathered while it is read, then asked about each file."""

    package: str
    note: Callable[[str], None]
    """Takes a line about something that was left out."""
    copyright: CopyrightFile = field(default_factory=CopyrightFile)
    albums: dict[Folder, dict[str, Credit]] = field(default_factory=dict)
    songs: dict[Folder, Credit] = field(default_factory=dict)
    licenses: dict[Folder, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    readmes: dict[Folder, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    unreadable: dict[Folder, str] = field(default_factory=dict)
    """Of folders whose license file is no text, why."""
    _left: int = _TEXT_BYTES

    def add(self, member: Member) -> None:
        """Take a text of the package; a malformed one is noted and left out."""
        self._left -= len(member.data)
        if self._left < 0:
            self.note(
                f"{valid_unicode(member.full)} is ignored: the package has more than {_TEXT_BYTES >> 20} MiB of texts"
            )
            return
        name = PurePosixPath(member.name).name
        try:
            if name == ALBUM:
                self.albums[member.folder] = read_album(member.data)
            elif name == SONG:
                self.songs[member.folder] = read_song(member.data)
            else:
                self._add_text(member, "\n".join(decode(member.data).splitlines()))  # whatever ends its lines
        except (Malformed, Unreadable) as error:
            self.note(f"{valid_unicode(member.full)} is ignored: {error}")
            if is_license(name):
                self.unreadable.setdefault(member.folder, f"{valid_unicode(member.full)} {error}")

    def _add_text(self, member: Member, text: str) -> None:
        name = PurePosixPath(member.name).name
        if member.full == f"usr/share/doc/{self.package}/copyright":
            self.copyright = read_copyright(text)
        elif is_license(name):
            self.licenses[member.folder].append((valid_unicode(member.full), text))
        else:
            self.readmes[member.folder].append((valid_unicode(member.full), text))

    def credit(self, member: Member) -> Credit:
        """What a sidecar states about a file."""
        listed = self.albums.get(member.folder, {}).get(PurePosixPath(member.name).name)
        if listed is None and is_stem(member.name):
            listed = self.songs.get(member.folder)
        return listed or Credit()

    def statements(self, member: Member, beside: Iterable[str]) -> Iterator[tuple[str, str]]:
        """(where, text) of what license files say about a file: those of the nearest folder that has any.

        That is its own, or one above it up to the album's or the music's. `beside` are the names of
        the other audio files. A readme counts where it belongs to one album or song.
        """
        others = list(beside)
        for folder in self._folders(member.folder):
            found = list(self.licenses.get(folder, ()))
            if folder in self.songs or folder in self.albums:
                found += self.readmes.get(folder, ())
            said = [(where, part_about(text, member.name, others)) for where, text in sorted(found)]
            if said:
                yield from ((where, part) for where, part in said if part)
                return

    def problem(self, member: Member) -> str | None:
        """Why the license file that would speak about a file can't be read; None if there is none such."""
        for folder in self._folders(member.folder):
            if folder in self.unreadable:
                return self.unreadable[folder]
            if folder in self.licenses:
                return None
        return None

    def _folders(self, folder: Folder) -> Iterator[Folder]:
        """A file's folder and those above it, up to the album's or the music's.

        Above those lie the whole game's licenses, which say nothing about music.
        """
        archive, path = folder
        yield folder
        for parent in PurePosixPath(path).parents:
            disc = _DISC_FOLDER.fullmatch(PurePosixPath(path).name)
            path = str(parent)
            if not (disc or _MUSIC_FOLDER.fullmatch(parent.name) or (archive, path) in self.albums):
                return
            yield archive, path
