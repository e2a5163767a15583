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
from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.files import write_bytes
from ssmttm.sources.contract import Context
from ssmttm.sources.ytdlp import download
from ssmttm.sources.ytdlp.text import clean, track_id
from ssmttm.tabular import header, read_records
from ssmttm.wording import quoted

COLUMNS = ("ytid", "start_s", "end_s", "aspect_list", "caption")
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
    records = read_records(path, COLUMNS)
    first = next(records, None)
    names = header(first) if first else []
    if missing := [name for name in COLUMNS if name not in names]:
        raise UserError(f"{path}: no column {', '.join(missing)}; it should be MusicCaps' table of captions")
    where = {name: names.index(name) for name in COLUMNS}
    found: dict[str, Clip] = {}
    rejected = []
    for row, fields in records:
        values = {name: fields[i].strip() if i < len(fields) else "" for name, i in where.items()}
        clip = _clip(values)
        if isinstance(clip, str):
            rejected.append((row, clip))
        elif clip.clip_id in found:
            rejected.append((row, f"{clip.clip_id} is there twice"))
        else:
            found[clip.clip_id] = clip
    return Captions(list(found.values()), rejected)


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
        quoted = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", text)
        values = [re.sub(r"\\(.)", r"\1", one or two) for one, two in quoted]
    else:
        values = text.split(";")
    return tuple(filter(None, (clean(value, 200) for value in values)))


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


_INSTRUMENT = (
    r"(?:instrument(?:al|s)?|strings?|brass|wind|keys|drums?|percussion|(?:bass|e-|synth)?\s?guitars?|(?:e-)?bass(?:line|es)?"
    r"|ukulel\w+|banjos?|mandolins?|harps?|lutes?|sitars?|piano\w*|organs?|keyboards?|accordions?|harmonicas?"
    r"|violins?|violas?|cellos?|fiddles?|flutes?|recorders?|clarinets?|oboes?|bassoons?|sax\w*|trumpets?|trombones?"
    r"|horns?|tubas?|bagpipes?|bells?|marimbas?|xylophones?|tablas?|synth\w*|theremins?|leads?|pads?)"
)
_VOICE = _words(
    r"vocal\w*",
    r"vocables?",
    r"vocod\w+",
    r"voices?",
    r"voiced",
    r"sing(?:s|ing|er|ers|ersongwriter)?",
    r"sung",
    r"rap(?:s|ping|ped|per|pers)?",
    r"choirs?",
    r"choral",
    r"chants?",
    r"chanting",
    r"lyrics?",
    r"a[\s-]?cap+el+a",
    r"scream(?:s|ing|ed)?",
    r"growl(?:s|ing|ed)?",
    r"humm(?:ing|ed)",
    r"hums",
    r"yodel\w*",
    r"scat(?:s|ting)",
    r"beat[\s-]?box\w*",
    r"duets?",
    r"sopranos?",
    r"(?:counter)?tenors?",
    r"baritones?",
    r"opera(?:tic)?",
    r"croon\w*",
    r"autotuned?",
)
_NO_VOICE = re.compile(
    r"(?:\b(?:no|nor|neither|without|lack(?:s|ing)?|(?:de)?void of|free of|absence of|instead of)"
    r"|(?:\bnot|n['’]t)\s+(?:have|contain|feature|include|hear|any))"
    r"\s+(?:any\s+)?(?:(?!(?:but|only|just|with|yet)\b)\w+\s+){0,2}?"
    r"(?:vocals?|voices?|sing(?:er|ers|ing)|lyrics?|rap\w*|choirs?)"
    r"(?:(?:\s*,\s*|\s+(?:or|and|nor)\s+)(?:vocals?|voices?|sing(?:er|ers|ing)|lyrics?))*\b"
    r"|\bnon-?vocal\b|\b(?:nobody|no[\s-]one)\s+(?:is\s+)?sing(?:s|ing)\b",
    re.IGNORECASE,
)
_OTHER = _words(
    r"singing (?:bowls?|birds?|saws?|glass(?:es)?)",
    r"birds? sing(?:s|ing)?",
    r"(?:soprano|tenor|baritone) (?:sax\w*|guitars?|recorders?|ukulel\w+|banjos?|horns?|drums?|trombones?|clarinets?)",
    r"synth\w* (?:choir|vocal|voice)s?",
    r"choir (?:synth\w*|pads?|patch(?:es)?|stabs?)",
    r"(?:vocal|voice|choir)[\s-]like",
    r"humming (?:noise|tone|sound|drone)s?",
    r"(?:amp\w*|electric\w*|engine|machine|motor|insect|bee)s? (?:humming|hums)",
    r"voiced? (?:chords?|leading)",
    r"opera (?:halls?|houses?|theat\w+|overtures?)",
    r"(?:soap|space) operas?",
    r"(?:at|to) (?:an|the) opera",
    rf"(?:growl|scream)(?:s|ing)? (?:\w+ )?{_INSTRUMENT}",
    rf"{_INSTRUMENT} (?:growl|scream)(?:s|ing)?",
    r"(?:animal|lion|tiger|bear|dog|dubstep|engine|motor|crowd|audience|fan)s? (?:growl|scream)(?:s|ing)?",
    rf"{_INSTRUMENT}(?: and (?:\w+ )?{_INSTRUMENT})? duets?",
    rf"duets? (?:of|for|by|between|on) (?:an? |the |two )?(?:\w+ )?{_INSTRUMENT}",
    r"rap (?:beat|instrumental)s?",
)


def no_singing(clips: Iterable[Clip]) -> list[Clip]:
    """The clips in which, by aspects and caption, nobody sings, raps, hums or uses the voice otherwise.

    A rule of our own: no word for a voice is left once negations ("no voices", "without any vocal")
    and things that only sound so ("singing bowls", "tenor sax", "opera hall", "guitar duet") are taken
    away. Plain speech is not counted as a voice. What is called instrumental and has a singer all the
    same is out. The subset that others publish, 2,218 of the 5,521 clips, is smaller: clips whose text
    says that there are no voices are missing from it.
    """
    return [clip for clip in clips if not any(_voice(text) for text in (*clip.aspects, clip.caption))]


def _voice(text: str) -> bool:
    return bool(_VOICE.search(_NO_VOICE.sub(" ", _OTHER.sub(" ", text))))


def reference_clip(clip: Clip, settings: Mapping[str, Any], context: Context) -> Path:
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
