"""Stage `reference_clips`: the audio of a set's captions, as clips like those of the data set."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ssmttm.errors import UserError
from ssmttm.evaluation.references.choice import ranked
from ssmttm.evaluation.references.leaks import by_id, by_sound
from ssmttm.evaluation.references.prompt_sets import KEY, read_prompt_set
from ssmttm.evaluation.references.references import Reference, cut_references, from_videos, in_folder
from ssmttm.evaluation.references.refusal import refuse
from ssmttm.progress import Progress, notify
from ssmttm.settings import StageSpec
from ssmttm.sources.contract import Context
from ssmttm.tables import list_arrays, read_table, write_table
from ssmttm.wording import counted, some

_SOURCES = {"musiccaps": "ytdlp", "song_describer": "jamendo"}
"""Where the recordings of a set would be in a data set."""
_HELD_OUT = "test"


def run(spec: StageSpec, splits: Path, fingerprints: list[Path], cache: Path, out: Path) -> None:
    """Write the clips of the first `generation.prompts` captions, by hash, whose audio can be had.

    `splits` and `fingerprints` are the data set's. Raises UserError when a reference is music of
    its training or validation split, by track id or by sound; all of them are in tables beside `out`.
    """
    chosen = spec["set"]
    captioned, notes = read_prompt_set(chosen)
    ids = [c.clip_id for c in captioned]
    split_of = read_table(splits, "splits", ["track_id", "split"]).to_pylist()
    trained = {row["track_id"] for row in split_of} - {r["track_id"] for r in split_of if r["split"] == _HELD_OUT}
    refuse(by_id(captioned, trained), ids, chosen["captions"], _SOURCES.get(chosen["set"]), out.parent)
    if chosen.get("audio"):
        captioned, locate, more = in_folder(captioned, Path(chosen["audio"]))
        notes += more
    else:
        locate = from_videos(spec["sources"].get("ytdlp") or {}, Context(spec["clips"], spec["fetch"], cache))
    by_name = {c.clip_id: c for c in captioned}
    order = [by_name[i] for i in ranked({c.clip_id: c.track_id for c in captioned}, spec["seed"])]
    count = min(spec["prompts"], len(order))
    progress = Progress("references", count, "clips")
    references: list[Reference] = []
    unusable: list[str] = []
    for result in cut_references(order, count, locate, spec["clips"], progress.update):
        if isinstance(result, Reference):
            references.append(result)
        else:
            unusable.append(f"{result[0]}: {result[1]}")
    if unusable:
        notes.append(f"{counted(len(unusable), 'reference')} left out for the audio: {some(unusable)}")
    if len(references) < 2:
        raise UserError(f"{KEY}: fewer than two references have usable audio: {some(unusable) or 'none has any'}")
    leaks, unheard = by_sound(
        {f.clip_id: f.codes for f in references}, _tracks(fingerprints, trained), spec["duplicates"]["similarity"]
    )
    refuse(leaks, ids, chosen["captions"], None, out.parent)
    if unheard:
        notes.append(
            f"{counted(len(unheard), 'reference')} too short or too quiet to be compared with the data set by sound, "
            f"so known by id only: {', '.join(unheard)}"
        )
    for note in notes + _lengths(references, spec):
        notify(note)
    write_table(out, "clips", [f.row for f in sorted(references, key=lambda f: f.clip_id)])


def _tracks(fingerprints: list[Path], trained: set[str]) -> Iterator[tuple[str, np.ndarray]]:
    """(track id, codes) of the tracks that are not held out."""
    for path in fingerprints:
        table = read_table(path, "fingerprints", ["track_id", "codes"])
        tracks = zip(table["track_id"].to_pylist(), list_arrays(table["codes"]), strict=True)
        yield from ((track, codes) for track, codes in tracks if track in trained)


def _lengths(references: list[Reference], spec: StageSpec) -> list[str]:
    count, notes = len(references), []
    if count < spec["prompts"]:
        notes.append(f"{KEY}: {count} references, fewer than generation.prompts = {spec['prompts']}; all are used")
    wanted = spec["clips"]["seconds"]
    short = [s for s in (reference.row["duration_s"] for reference in references) if s < wanted - 0.1]
    if short:
        notes.append(
            f"{len(short)} of {count} references last {min(short):.1f} s to {max(short):.1f} s, where the models make "
            f"{wanted:g} s: clips of different lengths are compared"
        )
    return notes
