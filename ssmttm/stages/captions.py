"""Stage `captions`: analyze the clips of one shard and write a caption for each, in every style."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ssmttm.audio.coded import decode_audio, encode_audio, resample
from ssmttm.captions import features, stated, styles, tags
from ssmttm.captions.facts import Facts
from ssmttm.captions.rewrite import TEMPLATE, Rewriter
from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.seeds import stable_int
from ssmttm.tables import iter_rows, read_table, table_writer
from ssmttm.threads import set_threads

_LISTENING_RATE = 16000
"""Hz: what models that listen hear."""


def run(spec: dict[str, Any], clips: Path, licensed: Path, out: Path, cache: Path | None = None) -> None:
    """Write captions for the table `clips`; genres and artists come from the table `licensed`.

    A language model's answers are stored under `cache`, by default beside `out`. Rows are written as
    they get ready, in the order of the clips.
    """
    set_threads(1)  # one shard is one job on one core
    settings = spec["captions"]
    if settings["rewrite"] and settings["style"] == "tags":
        raise UserError("data.captions: a list of tags has no wording to rewrite; change style, or set rewrite: null")
    total = read_table(clips, "clips", ["clip_id"]).num_rows
    progress = Progress(f"captions {clips.stem}", total, "clips")
    with ExitStack() as stack:
        rewriter = None
        if settings["rewrite"]:
            rewriter = stack.enter_context(Rewriter(settings["rewrite"], cache or out.parent))
        add = stack.enter_context(table_writer(out, "captions"))
        waiting: deque[tuple[dict[str, Any], Future[tuple[str, str]] | None]] = deque()
        for clip, track in _with_tracks(clips, licensed):
            waiting.append(_caption(clip, track, spec, rewriter))
            if rewriter is None or len(waiting) > 2 * rewriter.batch:
                add(_finished(*waiting.popleft()))
            progress.advance()
        while waiting:
            add(_finished(*waiting.popleft()))
        if rewriter is not None:
            sys.stderr.write(f"captions {clips.stem}: {rewriter.finish()}\n")


def _with_tracks(clips: Path, licensed: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each clip with its track; only this shard's tracks are kept in memory."""
    wanted = set(read_table(clips, "clips", ["track_id"]).column("track_id").to_pylist())
    tracks = {}
    for batch in read_table(licensed, "licensed", ["track_id", "artist", "tags"]).to_batches(max_chunksize=4096):
        tracks.update({row["track_id"]: row for row in batch.to_pylist() if row["track_id"] in wanted})
    for clip in iter_rows(clips, "clips"):
        if clip["track_id"] not in tracks:
            raise UserError(f"{clips}: track {clip['track_id']} is not in {licensed}; build the clips again")
        yield clip, tracks[clip["track_id"]]


def _caption(
    clip: Mapping[str, Any], track: Mapping[str, Any], spec: Mapping[str, Any], rewriter: Rewriter | None
) -> tuple[dict[str, Any], Future[tuple[str, str]] | None]:
    """One row, and the future (caption, who wrote it) that replaces its caption, if a model is asked."""
    settings, seed = spec["captions"], stable_int("caption", spec["seed"], clip["clip_id"])
    wave, sample_rate = decode_audio(clip["audio"]["bytes"])
    analysis = asdict(features.analyze(wave, sample_rate))
    heard = tags.choose(tags.hear(wave, sample_rate), settings["tags"], settings["tag_threshold"])
    genres, given = stated.stated_genres(track["tags"], track["artist"]), stated.stated_tags(track["tags"])
    known = {*genres, *given, *(word for genre in genres for word in genre.split())}  # space rock is rock
    heard = [t for t in heard if t not in known and not any(tags.contradict(t, s) for s in known)]
    known_facts = Facts(clip["duration_s"], tuple(given + heard), tuple(genres), **analysis)
    if known_facts.tempo:  # a measured tempo overrules those of the tags
        heard = [t for t in heard if t not in ("slow", "fast")]
        given = [t for t in given if t not in ("slow", "fast")]
    texts = styles.write_all(known_facts, seed)
    style = styles.choose_style(settings["style"], clip["clip_id"], spec["seed"])
    row = {
        "clip_id": clip["clip_id"],
        "track_id": clip["track_id"],
        "caption": texts[style],
        "styles": [{"style": name, "text": text} for name, text in texts.items()],
        "written_by": TEMPLATE,
        "tags": genres + given + heard,
        "loudness_lufs": clip["loudness_lufs"],
        **analysis,
    }
    if rewriter is None or style == "tags":
        return row, None
    audio = clip["audio"]["bytes"], partial(_listenable, wave, sample_rate)
    return row, rewriter.submit(known_facts, style, texts[style], seed, audio)


def _listenable(wave: np.ndarray, sample_rate: int) -> bytes:
    return encode_audio(resample(wave, sample_rate, _LISTENING_RATE), _LISTENING_RATE, "WAV")


def _finished(row: dict[str, Any], rewritten: Future[tuple[str, str]] | None) -> dict[str, Any]:
    if rewritten is not None:
        row["caption"], row["written_by"] = rewritten.result()
    return row
