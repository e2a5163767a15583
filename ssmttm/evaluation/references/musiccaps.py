"""MusicCaps: captions of 10 s of YouTube videos, its clips without singing, and their audio as a reference set.

The audio is nobody's to redistribute or to train on: it serves statistics of a reference set only,
which is why its license is not asked for here. The table is Google Research's, CC BY-SA 4.0.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.streams import probe, stream
from ssmttm.evaluation.references.singing import mentions_voice
from ssmttm.fetch.failures import Unavailable
from ssmttm.files import write_bytes
from ssmttm.settings import Section
from ssmttm.sources.contract import Context
from ssmttm.sources.ytdlp import download
from ssmttm.sources.ytdlp.text import clean, track_id
from ssmttm.tabular import read_columns
from ssmttm.wording import quoted

_COLUMNS = {name: name for name in ("ytid", "start_s", "end_s", "aspect_list", "caption")}
"""What must be there; the other published columns are left alone."""

_LONGEST_SECONDS = 60.0
_CAPTION_CHARACTERS = 5000
_LAST_START_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Clip:
    """One captioned excerpt."""

    ytid: str
    start_s: float
    end_s: float
    caption: str
    aspects: tuple[str, ...]

    @property
    def clip_id(self) -> str:
        """`YTID_START`, unique in the table."""
        return f"{self.ytid}_{self.start_s:g}"

    @property
    def url(self) -> str:
        """The video's page."""
        return f"https://www.youtube.com/watch?v={self.ytid}"


class Captions(NamedTuple):
    """The usable rows, and (row, reason) of the others."""

    clips: list[Clip]
    rejected: list[tuple[int, str]]


def read_captions(path: Path) -> Captions:
    """Read the published CSV (or the same as Parquet).

    Raises UserError when the file can't be read or lacks a column; a bad row is listed and left out.
    """
    clips: dict[str, Clip] = {}
    rejected = []
    for row, fields in read_columns(path, _COLUMNS, _COLUMNS, "it should be MusicCaps' table of captions"):
        clip = _clip(fields)
        if isinstance(clip, str):
            rejected.append((row, clip))
        elif clip.clip_id in clips:
            rejected.append((row, f"{clip.clip_id} is already the clip of an earlier row"))
        else:
            clips[clip.clip_id] = clip
    return Captions(list(clips.values()), rejected)


def _clip(values: Mapping[str, str]) -> Clip | str:
    """The clip of a row, or what is wrong with it."""
    ytid = values["ytid"]
    if not re.fullmatch(r"[A-Za-z0-9_-]{11}", ytid):
        return f"ytid {quoted(ytid)} is no YouTube id"
    try:
        start, end = float(values["start_s"]), float(values["end_s"])
    except ValueError:
        return f"start_s {quoted(values['start_s'])} or end_s {quoted(values['end_s'])} is no number"
    if not (math.isfinite(end) and 0 <= start <= _LAST_START_SECONDS and 0 < end - start <= _LONGEST_SECONDS):
        return f"from {start:g} s to {end:g} s is no excerpt of at most {_LONGEST_SECONDS:g} s"
    caption = clean(values["caption"], _CAPTION_CHARACTERS)
    if not caption:
        return "the caption is empty"
    return Clip(ytid, start, end, caption, _aspects(values["aspect_list"]))


def _aspects(text: str) -> tuple[str, ...]:
    """The strings of a list as Python writes it; of Parquet, those between semicolons."""
    if text.startswith("["):
        strings = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", text)
        values = [re.sub(r"\\(.)", r"\1", one or two) for one, two in strings]
    else:
        values = text.split(";")
    return tuple(filter(None, (clean(value, 200) for value in values)))


def no_singing(clips: Iterable[Clip]) -> list[Clip]:
    """The clips in which, by aspects and caption, nobody sings, raps, hums or uses the voice otherwise.

    What is called instrumental and has a singer all the same is out. The subset that others publish, 2,218 of the
    5,521 clips, is smaller: clips whose text says that there are no voices are missing from it.
    """
    return [clip for clip in clips if not any(mentions_voice(text) for text in (*clip.aspects, clip.caption))]


def reference_clip(clip: Clip, settings: Section, context: Context) -> Path:
    """The clip's audio as mono FLAC at the video's own sample rate, in `context.cache`.

    `settings` are those of `data.sources.ytdlp`. The whole audio of the video is fetched, since to
    fetch a part takes another program, and dropped again unless `data.fetch.keep` is set. Raises
    Unavailable, also when the video has become too short, and UserError.
    """
    path = context.cache / "musiccaps" / f"{clip.clip_id}.flac"
    if path.is_file():
        return path

    def check(info: Mapping[str, Any]) -> None:
        if info.get("is_live"):
            raise Unavailable(f"{clip.url}: a live stream")
        if (info.get("duration") or math.inf) < clip.end_s - 1:
            raise Unavailable(
                f"{clip.url}: now {info['duration']} s long; the clip ends at {clip.end_s:g} s", "changed"
            )

    video = track_id("youtube", clip.ytid)
    wave, rate = _cut(download.download(clip.url, video, settings, context, check), clip)
    write_bytes(path, encode_audio(wave, rate))
    if not context.fetch["keep"]:
        download.forget(video, context.cache)
    return path


def _cut(path: Path, clip: Clip) -> tuple[np.ndarray, int]:
    """Samples `[n]` (float32, mono) of the clip and their rate; decodes no further than its end."""
    rate = probe(path).sample_rate
    parts = []
    for block in stream(path, rate):
        if block.start_s >= clip.end_s:
            break
        first, last = (round((t - block.start_s) * rate) for t in (clip.start_s, clip.end_s))
        parts.append(block.wave[max(0, first) : max(0, last)])
    wave = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    seconds = clip.end_s - clip.start_s
    if len(wave) < 0.95 * seconds * rate:
        raise Unavailable(f"{clip.url}: only {len(wave) / rate:.1f} s of the {seconds:g} s can be decoded", "too_short")
    return wave, rate
