"""Tables like MTG-Jamendo's, of its 55,701 tracks, for benchmarks of the data pipeline; and music to serve under them.

Published rows are repeated under new numbers. The audio is music of a Debian package (by apt), encoded to MP3.
"""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.streams import decode
from ssmttm.files import atomic_path
from ssmttm.seeds import stable_int
from ssmttm.sources.debian.apt import Apt
from ssmttm.sources.debian.deb import read_package

TRACKS = 55_701
LICENSES = ("by", "by-sa", "by-sa", "by-nc", "by-nc-sa", "by-nc-sa", "by-nc-sa", "by-nd", "by-nc-nd", "by-nc-nd")
ARCHIVES = 100
RATE = 44_100


def music(package: str, folder: Path) -> list[np.ndarray]:
    """The package's pieces of music, each in mono at `RATE`."""
    apt = Apt(folder / "debs")
    members = read_package(apt.path(apt.find(package)), package, lambda path: True)
    coded = [m.data for m in members if m.problem is None and m.name.endswith((".ogg", ".mp3", ".opus"))]
    return [decode(data, RATE, 3600) for data in coded]


def write_tables(published: Path, folder: Path, seconds: float, tracks: int = TRACKS) -> list[str]:
    """`tracks.tsv` and `audio_licenses.txt` in `folder`; returns the path of every track of the variant audio-low."""
    head, *rows = published.read_text(encoding="utf-8").splitlines()
    lines, blocks, paths = [head], [], []
    for number in range(1, tracks + 1):
        _, artist, album, _, _, *tags = rows[number % len(rows)].split("\t")
        path = f"{number % ARCHIVES:02d}/{number}.mp3"
        lines.append("\t".join([f"track_{number:07d}", artist, album, path, f"{seconds:.1f}", *tags]))
        url = f"http://creativecommons.org/licenses/{LICENSES[number % len(LICENSES)]}/3.0/"
        blocks.append(
            f"{path}\nPiece {number} by {artist} from Jamendo: http://www.jamendo.com/track/{number}\n"
            f"Available under a Creative Commons license: {url}\n"
        )
        paths.append(path.removesuffix(".mp3") + ".low.mp3")
    (folder / "tracks.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "audio_licenses.txt").write_text("\n".join(blocks), encoding="utf-8")
    return paths


def one_of(songs: list[bytes]) -> Callable[[str], bytes]:
    """Which of `songs` a path has: there are many more paths."""
    return lambda path: songs[stable_int("song", path) % len(songs)]


def strung(pieces: list[bytes], count: int) -> Callable[[str], bytes]:
    """`count` of the MP3 `pieces` after one another, others for each path: no two tracks are one recording."""

    def audio(path: str) -> bytes:
        chosen = np.random.default_rng(stable_int("pieces", path)).choice(len(pieces), count, replace=False)
        return b"".join(pieces[i] for i in chosen)

    return audio


def seconds_of(songs: list[np.ndarray]) -> list[bytes]:
    """Every whole second of `songs` that isn't silent, as MP3."""
    seconds = [song[start : start + RATE] for song in songs for start in range(0, len(song) - RATE, RATE)]
    return [encode_audio(wave, RATE, "MP3") for wave in seconds if np.abs(wave).max() > 0.02]


def write_archives(folder: Path, paths: list[str], audio: Callable[[str], bytes]) -> int:
    """The tar archives that hold `paths`, as the collection is published; returns their bytes. Those there are kept."""
    folder.mkdir(exist_ok=True)
    members: dict[str, list[str]] = {}
    for path in paths:
        members.setdefault(path[:2], []).append(path)
    for number, inside in members.items():
        target = folder / f"raw_30s_audio-low-{number}.tar"
        if target.is_file():
            continue
        with atomic_path(target) as temporary, tarfile.open(temporary, "w") as tar:
            for path in inside:
                data = audio(path)
                info = tarfile.TarInfo(path)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return sum(path.stat().st_size for path in folder.iterdir())
