"""Captions to evaluate on: MusicCaps, Song Describer, or a table of one's own.

Each caption keeps the id that its set gives it. Track ids are those that the same recording would
have in a data set of this project, so that what was trained on can be told by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssmttm.corpus import musiccaps
from ssmttm.corpus.jamendo.metadata import track_number
from ssmttm.corpus.names import shown
from ssmttm.corpus.tabular import header, read_records
from ssmttm.corpus.ytdlp.text import track_id
from ssmttm.errors import UserError
from ssmttm.generation.prompts import check_prompt
from ssmttm.systems.wording import counted, some

KEY = "evaluation.prompts"

_COLUMNS = {"id": "id", "caption": "caption", "track": "track"}
_SONG_DESCRIBER = {"id": "caption_id", "caption": "caption", "track": "track_id"}
_ID_COLUMNS = ("id", "clip_id", "caption_id", "ytid", "track_id", "name")


@dataclass(frozen=True)
class Captioned:
    """One caption of a set."""

    clip_id: str
    track_id: str
    """As in a data set: `jamendo:948`, `ytdlp:youtube:ID`; of a table without that column, the clip's id."""
    caption: str
    names: tuple[str, ...]
    """What its audio file may be called, best first."""
    excerpt: musiccaps.Clip | None = None
    """Which part of a video it is about."""


def read_prompt_set(settings: Mapping[str, Any]) -> tuple[list[Captioned], list[str]]:
    """The captions of the set that `evaluation.prompts` names, and notes on rows that are left out.

    Raises UserError with file and row: a column that lacks, an id that is there twice, a caption that
    is empty or far too long.
    """
    path = Path(settings["captions"])
    readers = {"musiccaps": _musiccaps, "song_describer": _song_describer, "table": _own}
    captioned, notes = readers[settings["set"]](path, settings)
    if not captioned:
        raise UserError(f"{KEY}.captions: {path}: it holds no captions")
    if settings.get("only"):
        captioned = _restrict(captioned, Path(settings["only"]))
    return captioned, notes


def _musiccaps(path: Path, settings: Mapping[str, Any]) -> tuple[list[Captioned], list[str]]:
    found = musiccaps.read_captions(path)
    notes = []
    if found.rejected:
        row, reason = found.rejected[0]
        notes.append(f"{path}: {counted(len(found.rejected), 'row')} left out, such as row {row}: {reason}")
    clips = found.clips if settings.get("singing", True) else musiccaps.no_singing(found.clips)
    if found.clips and not clips:
        raise UserError(f"{KEY}.singing: in every clip of {path} somebody sings; write singing: true")
    videos: dict[str, int] = {}
    for clip in found.clips:
        videos[clip.ytid] = videos.get(clip.ytid, 0) + 1
    return [
        Captioned(
            clip.clip_id,
            track_id("youtube", clip.ytid),
            _checked(clip.caption, f"{path}, {clip.clip_id}"),
            (clip.clip_id, clip.ytid),
            clip,
        )
        for clip in clips
    ], notes


def _song_describer(path: Path, settings: Mapping[str, Any]) -> tuple[list[Captioned], list[str]]:
    found = []
    for row, cells in _rows(path, _SONG_DESCRIBER, required=("id", "caption", "track")):
        number = track_number(cells["track"])
        if number is None:
            raise UserError(f"{path}, row {row}: track_id {shown(cells['track'])} is no number of an MTG-Jamendo track")
        found.append(Captioned(cells["id"], f"jamendo:{number}", cells["caption"], (str(number),)))
    return found, []


def _own(path: Path, settings: Mapping[str, Any]) -> tuple[list[Captioned], list[str]]:
    columns = _COLUMNS | dict(settings.get("columns") or {})
    stated = settings.get("columns") or {}
    required = ("id", "caption", *(["track"] if "track" in stated else []))
    return [
        Captioned(cells["id"], cells["track"] or cells["id"], cells["caption"], (cells["id"],))
        for _, cells in _rows(path, columns, required)
    ], []


def _rows(path: Path, columns: Mapping[str, str], required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, {id, caption, track}) of each row, ids unique, captions usable."""
    records = read_records(path, columns.values())
    first = next(records, None)
    names = header(first) if first else []
    where = {key: names.index(name.casefold()) for key, name in columns.items() if name.casefold() in names}
    if missing := [columns[key] for key in required if key not in where]:
        there = some([shown(name) for name in names], 20)
        raise UserError(
            f"{path}: no column {', '.join(missing)}; it has {there or 'none'}: see {KEY} in docs/evaluation.md"
        )
    seen: dict[str, int] = {}
    for row, fields in records:
        cells = dict.fromkeys(columns, "")
        cells |= {key: fields[i].strip() for key, i in where.items() if i < len(fields)}
        if not cells["id"]:
            raise UserError(f"{path}, row {row}: the {columns['id']} is empty; every caption needs an id of its own")
        if cells["id"] in seen:
            raise UserError(
                f"{path}, row {row}: {columns['id']} {shown(cells['id'])} is already that of row {seen[cells['id']]}; "
                "ids must differ, since scores are paired by them"
            )
        seen[cells["id"]] = row
        cells["caption"] = _checked(cells["caption"], f"{path}, row {row}")
        yield row, cells


def _checked(caption: str, where: str) -> str:
    if not caption.strip():
        raise UserError(f"{where}: the caption is empty; write one or remove the row")
    try:
        return check_prompt(caption)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _restrict(captioned: list[Captioned], path: Path) -> list[Captioned]:
    """Those whose id, or a name of whose audio, is in the file."""
    wanted = _ids(path)
    kept = [c for c in captioned if c.clip_id in wanted or wanted.intersection(c.names)]
    if not kept:
        raise UserError(f"{KEY}.only: {path} has none of the {len(captioned)} ids, such as {captioned[0].clip_id}")
    return kept


def _ids(path: Path) -> set[str]:
    """The ids of a table with a column of ids, else the first field of each line."""
    records = list(read_records(path, _ID_COLUMNS))
    names = header(records[0]) if records else []
    column = next((names.index(name) for name in _ID_COLUMNS if name in names), None)
    chosen = records if column is None else records[1:]
    return {record.fields[column or 0].strip() for record in chosen if len(record.fields) > (column or 0)}
