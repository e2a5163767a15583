"""Stage `captions`: analyze the clips of one shard and write a caption for each."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ssmttm.audio import decode_audio
from ssmttm.captions import features, tags, write
from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.seeds import stable_int
from ssmttm.tables import read_table, write_table


def run(spec: dict[str, Any], clips: Path, licensed: Path, out: Path) -> None:
    """Write captions for the table `clips`; genres and artists come from the table `licensed`."""
    torch.set_num_threads(1)  # one shard is one job on one core
    tracks = {t["track_id"]: t for t in read_table(licensed, "licensed", ["track_id", "artist", "tags"]).to_pylist()}
    table = read_table(clips, "clips")
    progress = Progress("captions", len(table), "clips")
    rows = []
    for batch in table.to_batches(max_chunksize=32):
        for clip in batch.to_pylist():
            if clip["track_id"] not in tracks:
                raise UserError(f"{clips}: track {clip['track_id']} is not in {licensed}; build the clips again")
            rows.append(_caption(clip, tracks[clip["track_id"]], spec))
            progress.advance()
    write_table(out, "captions", rows)


def _caption(clip: dict[str, Any], track: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    wave, sample_rate = decode_audio(clip["audio"]["bytes"])
    analysis = features.analyze(wave, sample_rate)
    settings = spec["captions"]
    heard = tags.choose(tags.hear(wave, sample_rate), settings["tags"], settings["tag_threshold"])
    stated = tags.from_source(track["tags"], track["artist"])
    heard = [t for t in heard if t not in stated and not any(tags.contradict(t, s) for s in stated)]
    facts = write.Facts(clip["duration_s"], tuple(heard), tuple(stated), **asdict(analysis))
    if write.tempo_class(facts):  # a measured tempo overrules the tagger's
        heard = [t for t in heard if t not in ("slow", "fast")]
    return {
        "clip_id": clip["clip_id"],
        "track_id": clip["track_id"],
        "caption": write.write_caption(facts, stable_int("caption", spec["seed"], clip["clip_id"])),
        "tags": stated + heard,
        "loudness_lufs": clip["loudness_lufs"],
        **asdict(analysis),
    }
