"""Captions to evaluate on: MusicCaps, Song Describer, or a table of one's own.

Each caption keeps the id that its set gives it. Track ids are those that the same recording would
have in a data set of this project, so that what was trained on can be recognized by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.evaluation.references import musiccaps
from ssmttm.evaluation.references.subsets import TRACK, VIDEO, read_subset
from ssmttm.evaluation.references.track_ids import SOURCES, BadTrack, normal_track
from ssmttm.generation.prompts import check_prompt
from ssmttm.settings import Section
from ssmttm.sources.jamendo.metadata import track_number
from ssmttm.sources.ytdlp.text import track_id
from ssmttm.tabular import read_columns
from ssmttm.wording import counted, quoted, some

KEY = "evaluation.prompts"

_COLUMNS = {"id": "id", "caption": "caption", "track": "track"}
_SONG_DESCRIBER = {"id": "caption_id", "caption": "caption", "track": "track_id"}
_LISTED = 20
"""Rows that are left out: so many are named."""


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


def read_prompt_set(settings: Section) -> tuple[list[Captioned], list[str]]:
    """The captions of the set that `evaluation.prompts` names, and notes on what is left out or not understood.

    Raises UserError with file and row: a column that lacks, an id that is there twice, a caption that
    is empty or far too long. Of MusicCaps such rows are left out and noted.
    """
    path = Path(settings["captions"])
    columns = _COLUMNS | (settings.get("columns") or {})
    notes: list[str] = []
    if settings["set"] == "musiccaps":
        captioned, notes = _musiccaps(path, settings.get("singing", True) or False)
    elif settings["set"] == "song_describer":
        captioned = list(_song_describer(path))
    else:
        captioned, notes = _own(path, columns, "track" in (settings.get("columns") or {}))
    if not captioned:
        raise UserError("; ".join([f"{KEY}.captions: {path}: it holds no captions", *notes]))
    if only := settings.get("only"):
        captioned, unmatched = _restrict(captioned, Path(only), columns["id"] if settings["set"] == "table" else None)
        notes += unmatched
    return captioned, notes


def _musiccaps(path: Path, singing: bool) -> tuple[list[Captioned], list[str]]:
    captions = musiccaps.read_captions(path)
    rejected = [f"row {row}: {reason}" for row, reason in captions.rejected]
    usable = []
    for clip in captions.clips:
        try:
            check_prompt(clip.caption)
            usable.append(clip)
        except UserError as error:
            rejected.append(f"{clip.clip_id}: {error}")
    notes = []
    if rejected:
        notes.append(f"{path}: {counted(len(rejected), 'row')} left out ({some(rejected, _LISTED)})")
    clips = usable if singing else musiccaps.no_singing(usable)
    if usable and not clips:
        raise UserError(f"{KEY}.singing: in every clip of {path} somebody sings; write singing: true")
    return [
        Captioned(clip.clip_id, track_id("youtube", clip.ytid), clip.caption, (clip.clip_id, clip.ytid), clip)
        for clip in clips
    ], notes


def _song_describer(path: Path) -> Iterator[Captioned]:
    for row, cells in _rows(path, _SONG_DESCRIBER, required=("id", "caption", "track")):
        number = track_number(cells["track"])
        if number is None:
            raise UserError(
                f"{path}, row {row}: track_id {quoted(cells['track'])} is no number of an MTG-Jamendo track"
            )
        yield Captioned(cells["id"], f"jamendo:{number}", cells["caption"], (str(number),))


def _own(path: Path, columns: Mapping[str, str], tracks: bool) -> tuple[list[Captioned], list[str]]:
    captioned, unknown = [], []
    for row, cells in _rows(path, columns, ("id", "caption", *(["track"] if tracks else []))):
        track = cells["track"]
        try:
            normal = normal_track(track) if track else cells["id"]
        except BadTrack as error:
            raise UserError(f"{path}, row {row}: track {quoted(track)} is {error}") from None
        if normal is None:
            unknown.append(f"row {row}: {quoted(track)}")
        captioned.append(Captioned(cells["id"], normal or track, cells["caption"], (cells["id"],)))
    notes = []
    if unknown:
        notes.append(
            f"{path}: {counted(len(unknown), 'track')} of no source of a data set ({some(unknown)}): whether they were "
            f"trained on is not checked by id; ids are SOURCE:KEY, with {', '.join(SOURCES)}, such as jamendo:948"
        )
    return captioned, notes


def _rows(path: Path, columns: Mapping[str, str], required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, {id, caption, track}) of each row, ids unique, captions usable."""
    seen: dict[str, int] = {}
    for row, cells in read_columns(path, columns, required, f"see {KEY} in docs/evaluation.md"):
        if not cells["id"]:
            raise UserError(f"{path}, row {row}: the {columns['id']} is empty; every caption needs an id of its own")
        if cells["id"] in seen:
            raise UserError(
                f"{path}, row {row}: {columns['id']} {quoted(cells['id'])} is already that of row {seen[cells['id']]}; "
                "ids must differ, since scores are paired by them"
            )
        seen[cells["id"]] = row
        if not cells["caption"]:
            raise UserError(f"{path}, row {row}: the caption is empty; write one or remove the row")
        try:
            cells["caption"] = check_prompt(cells["caption"])
        except UserError as error:
            raise UserError(f"{path}, row {row}: {error}") from None
        yield row, cells


def _restrict(captioned: list[Captioned], path: Path, id_column: str | None) -> tuple[list[Captioned], list[str]]:
    """The captions that the file names, by the column that it has; and a note on ids that name none."""
    column, ids = read_subset(path, id_column)
    if column in (TRACK, VIDEO):
        wanted = {_track(i, column): i for i in ids}
        named = [(c, [c.track_id]) for c in captioned]
    else:
        wanted = {i: i for i in ids}
        named = [(c, [c.clip_id, *([c.excerpt.ytid] if c.excerpt else [])]) for c in captioned]
    kept = [c for c, names in named if not wanted.keys().isdisjoint(names)]
    if not kept:
        where = f"column {column}" if column else "without a column of ids"
        raise UserError(f"{KEY}.only: {path} ({where}) has none of the {len(named)} ids, such as {named[0][1][0]}")
    unmatched = sorted(wanted[name] for name in wanted.keys() - {name for _, names in named for name in names})
    if not unmatched:
        return kept, []
    return kept, [f"{KEY}.only: {path}: {counted(len(unmatched), 'id')} of no caption of the set: {some(unmatched)}"]


def _track(text: str, column: str) -> str:
    """The track id that a row of the column `track_id` or `ytid` means."""
    if column == VIDEO:
        return track_id("youtube", text)
    try:
        return normal_track(text) or text
    except BadTrack:
        return text
