"""Reference clips: the audio of a set's captions, cut like the clips of a data set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.container import Undecodable, glance
from ssmttm.audio.fingerprint import Fingerprinter
from ssmttm.dataset.clips import finish
from ssmttm.errors import UserError
from ssmttm.evaluation.references import musiccaps
from ssmttm.evaluation.references.prompt_sets import KEY, Captioned
from ssmttm.evaluation.systems.audio_folder import AudioFolder
from ssmttm.evaluation.systems.external_audio import (
    SHORTEST_SECONDS,
    Unusable,
    read_external_audio,
)
from ssmttm.fetch.failures import Unavailable
from ssmttm.generation.prompts import file_name
from ssmttm.rows import Clip as ClipRow
from ssmttm.settings import ClipSettings, Section
from ssmttm.sources.contract import Context
from ssmttm.wording import counted, some

_MARGIN_SECONDS = 1.0
"""A file that is longer than its excerpt by more than this is the whole video."""

Locate = Callable[[Captioned], Path]
"""Where a caption's audio is; raises Unavailable."""


@dataclass(frozen=True)
class Reference:
    """One reference clip."""

    clip_id: str
    row: ClipRow
    codes: np.ndarray
    """Chromaprint of what was read of the file, uint32 [n]."""


def in_folder(captioned: Sequence[Captioned], folder: Path) -> tuple[list[Captioned], Locate, list[str]]:
    """The captions that have a file in the folder, where it is, and a note on those that have none.

    Raises UserError when fewer than two have one, and when one file would serve two captions that are not
    about the same recording.
    """
    files = AudioFolder(folder, f"{KEY}.audio", by_start=True)
    paths: dict[str, Path] = {}
    taken: dict[Path, Captioned] = {}
    for caption in captioned:
        path = files.find(*caption.names, *map(file_name, caption.names))
        if path is None:
            continue
        other = taken.setdefault(path, caption)
        if not _may_share(other, caption, path):
            raise UserError(
                f"{KEY}.audio: {path} is named by two ids, {other.clip_id!r} and {caption.clip_id!r}; give each a file "
                "of its own"
            )
        paths[caption.clip_id] = path
    without = [c.clip_id for c in captioned if c.clip_id not in paths]
    if len(paths) < 2:
        raise UserError(
            f"{KEY}.audio: {folder} holds {counted(len(files.files), 'audio file')}, of {len(paths)} of the "
            f"{len(captioned)} captions; name the files by the captions' ids, such as {captioned[0].names[0]}.wav"
        )
    notes = []
    if without:
        notes.append(
            f"{folder}: {counted(len(without), 'caption')} without audio left out ({some(without)}); "
            "put the files there, named by these ids, to use them"
        )
    return [c for c in captioned if c.clip_id in paths], lambda caption: paths[caption.clip_id], notes


def _may_share(one: Captioned, other: Captioned, path: Path) -> bool:
    """Whether both captions are about what is in the file: one recording, or excerpts of one whole video."""
    if one.names == other.names:
        return True
    if one.track_id != other.track_id or one.excerpt is None:
        return False
    try:
        seconds = glance(path).duration_s
    except (Undecodable, OSError):
        return True  # both are left out, with that reason
    return _is_whole(seconds, one) and _is_whole(seconds, other)


def _is_whole(seconds: float, caption: Captioned) -> bool:
    """Whether audio of that length is the whole video, and not the caption's excerpt of it."""
    excerpt = caption.excerpt
    return excerpt is not None and seconds > excerpt.end_s - excerpt.start_s + _MARGIN_SECONDS


def from_videos(settings: Section, context: Context) -> Locate:
    """MusicCaps' excerpts through yt-dlp, with the settings of `data.sources.ytdlp`."""

    def locate(caption: Captioned) -> Path:
        if caption.excerpt is None:
            raise UserError(f"{KEY}.audio: only MusicCaps' audio comes through yt-dlp; name a folder")
        return musiccaps.reference_clip(caption.excerpt, settings, context)

    return locate


def cut_references(
    captioned: Sequence[Captioned], count: int, locate: Locate, clips: ClipSettings, seen: Callable[[int], None]
) -> Iterator[Reference | tuple[str, str]]:
    """The first `count` of `captioned` whose audio can be used, as `Reference`; the others on the way as (id, why not).

    `clips` is `data.clips` of the config; a file longer than its clips gives its middle, a shorter one
    all of it. `seen` is called with how many are there.
    """
    done = 0
    for caption in captioned:
        if done == count:
            return
        try:
            yield _reference(caption, locate(caption), clips)
        except (Unavailable, Unusable) as error:
            yield caption.clip_id, str(error)
            continue
        done += 1
        seen(done)


def _reference(caption: Captioned, path: Path, clips: ClipSettings) -> Reference:
    rate = clips["sample_rate"]
    audio = read_external_audio(path, rate)
    fingerprinter = Fingerprinter(rate)
    fingerprinter.feed(audio.wave)
    start_s, wave = _cut(caption, audio.wave, rate, clips["seconds"])
    clip = finish(start_s, wave, clips)
    if clip.wave is None or clip.quality is None:
        raise Unusable("silent", f"{path} is silent")
    quality = clip.quality
    row: ClipRow = {
        "clip_id": caption.clip_id,
        "track_id": caption.track_id,
        "start_s": start_s,
        "duration_s": len(clip.wave) / rate,
        "sample_rate": rate,
        "audio": {"bytes": encode_audio(clip.wave, rate), "path": f"{file_name(caption.clip_id)}.flac"},
        "loudness_lufs": clip.loudness_lufs,
        "peak": clip.peak,
        "clipped": quality.clipped,
        "dc_offset": quality.dc_offset,
        "bandwidth_hz": quality.bandwidth_hz,
        "silence": quality.silence,
        "crest_db": quality.crest_db,
    }
    return Reference(caption.clip_id, row, fingerprinter.result().codes)


def _cut(caption: Captioned, wave: np.ndarray, rate: int, seconds: float) -> tuple[float, np.ndarray]:
    """Start in s and samples `[n]` of at most `seconds`."""
    first, excerpt = 0, caption.excerpt
    length = round(seconds * rate)
    if excerpt is not None and _is_whole(len(wave) / rate, caption):
        first, end = round(excerpt.start_s * rate), round(excerpt.end_s * rate)
        if len(wave) - first < SHORTEST_SECONDS * rate:
            raise Unusable(
                "too_short", f"ends after {len(wave) / rate:.1f} s, before the excerpt at {excerpt.start_s:g} s"
            )
        wave = wave[first:end]
    middle = max(0, len(wave) - length) // 2 if excerpt is None else 0
    return (first + middle) / rate, wave[middle : middle + length]
