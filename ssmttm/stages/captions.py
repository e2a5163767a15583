"""Stage `captions`: analyze the clips of one shard and write a caption for each, in every style."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from ssmttm.captions.analysis import Heard, Reworded, caption, listen, of_track
from ssmttm.captions.rewrite import Rewriter
from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.rows import CaptionRow, Clip, LicensedRow
from ssmttm.settings import StageSpec
from ssmttm.tables import count_rows, iter_rows, read_table, table_writer
from ssmttm.threads import set_threads


def run(spec: StageSpec, clips: Path, licensed: Path, out: Path, cache: Path | None = None) -> None:
    """Write captions for the table `clips`; genres and artists come from the table `licensed`.

    All clips are analyzed first, since a clip's caption says what the whole of its track bears out. A language
    model's answers are stored under `cache`, by default beside `out`. Rows are written as they get ready, in the order
    of the clips.
    """
    set_threads(1)  # one shard is one job on one core
    settings = spec["captions"]
    if settings["rewrite"] and settings["style"] == "tags":
        raise UserError("data.captions: a list of tags has no wording to rewrite; change style, or set rewrite: null")
    progress = Progress(f"captions {clips.stem}", count_rows(clips, "clips"), "clips")
    heard: dict[str, Heard] = {}
    by_track: dict[str, list[Heard]] = {}
    for clip, track in _with_tracks(clips, licensed):
        heard[clip["clip_id"]] = listen(clip, settings.get("analyzer", "essentia"))
        by_track.setdefault(track["track_id"], []).append(heard[clip["clip_id"]])
        progress.advance()
    whole = {track_id: of_track(of_clips) for track_id, of_clips in by_track.items()}
    with ExitStack() as stack:
        rewriter = None
        if settings["rewrite"]:
            rewriter = stack.enter_context(Rewriter(settings["rewrite"], cache or out.parent))
        add = stack.enter_context(table_writer(out, "captions"))
        waiting: deque[tuple[CaptionRow, Reworded | None]] = deque()
        for clip, track in _with_tracks(clips, licensed):
            analysis = heard[clip["clip_id"]], whole[track["track_id"]]
            waiting.append(caption(clip, track, *analysis, settings, spec["seed"], rewriter))
            if rewriter is None or len(waiting) > 2 * rewriter.batch:
                add(_finished(*waiting.popleft()))
        while waiting:
            add(_finished(*waiting.popleft()))
        if rewriter is not None:
            sys.stderr.write(f"captions {clips.stem}: {rewriter.finish()}\n")


def _with_tracks(clips: Path, licensed: Path) -> Iterator[tuple[Clip, LicensedRow]]:
    """Each clip with its track; only this shard's tracks are kept in memory."""
    wanted = set(read_table(clips, "clips", ["track_id"])["track_id"].to_pylist())
    tracks = {}
    for batch in read_table(licensed, "licensed", ["track_id", "artist", "tags"]).to_batches(max_chunksize=4096):
        tracks.update({row["track_id"]: row for row in batch.to_pylist() if row["track_id"] in wanted})
    for clip in iter_rows(clips, "clips"):
        if clip["track_id"] not in tracks:
            raise UserError(f"{clips}: track {clip['track_id']} is not in {licensed}; build the clips again")
        yield clip, tracks[clip["track_id"]]


def _finished(row: CaptionRow, reworded: Reworded | None) -> CaptionRow:
    if reworded is not None:
        row["caption"], row["written_by"] = reworded.result()
    return row
