"""A folder of audio files that are named by ids."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ssmttm.errors import UserError

_FORMATS = re.compile(
    r"\.(aac|ac3|aiff?|amr|ape|au|caf|dsf|flac|m4[ab]|mka|mkv|mov|mp[234]|mpc|oga|ogg|opus|tak|tta|voc|w64|wave?|webm"
    r"|wma|wv)",
    re.IGNORECASE,
)


def audio_files(folder: Path) -> list[Path]:
    """The audio files of a folder and of those inside it, by their names, sorted; none if it does not exist."""
    paths: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = [name for name in files if not name.startswith(".") and _FORMATS.fullmatch(Path(name).suffix)]
        paths += [Path(root) / name for name in names]
    return sorted(paths)


class AudioFolder:
    """The audio files of a folder and of those inside it, found by name without suffix.

    A file is found by its whole stem, else, if `by_start`, by what stands before its first dot: `948.2min.mp3` is 948.
    """

    def __init__(self, folder: Path, key: str, by_start: bool = False) -> None:
        """`key` is the config key that `folder` is from, for messages. Raises UserError if it is no folder."""
        if not folder.is_dir():
            raise UserError(f"{key}: {folder}: no such folder")
        self.folder, self.key = folder, key
        self.files = audio_files(folder)
        self._known = [_grouped(self.files, lambda path: path.stem)]
        if by_start:
            self._known.append(_grouped(self.files, lambda path: path.name.split(".", 1)[0]))

    def find(self, *names: str) -> Path | None:
        """The file of the first of `names` that has one; UserError when two files have that name."""
        for name in names:
            for known in self._known:
                if paths := known.get(name):
                    if len(paths) > 1:
                        raise UserError(
                            f"{self.key}: {paths[0]} and {paths[1]} are both named by the id {name!r}; remove one"
                        )
                    return paths[0]
        return None


def _grouped(files: Iterable[Path], name_of: Callable[[Path], str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in files:
        groups.setdefault(name_of(path), []).append(path)
    return groups
