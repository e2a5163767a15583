"""Stage `prompts`: choose the held-out captions that every system is asked for."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from ssmttm.errors import UserError
from ssmttm.seeds import stable_int
from ssmttm.tables import read_table, read_tables, write_table


def run(spec: dict[str, Any], captions: list[Path], splits: Path, out: Path) -> None:
    """Write the chosen rows of the tables `captions` to `out`, a table with the same schema.

    Fewer test captions than `generation.prompts` are all used, with a warning.
    """
    test = {r["clip_id"] for r in read_table(splits, "splits").to_pylist() if r["split"] == "test"}
    table = read_tables(captions, "captions")
    tracks = {r["clip_id"]: r["track_id"] for r in table.select(["clip_id", "track_id"]).to_pylist()}
    candidates = {clip: track for clip, track in tracks.items() if clip in test}
    if not candidates:
        raise UserError(f"{splits}: no captioned clip is in the test split; add music or raise data.split.test")
    chosen = choose(candidates, spec["prompts"], spec["seed"])
    if len(chosen) < spec["prompts"]:
        sys.stderr.write(
            f"ssmttm: the test split has {len(chosen)} clips, fewer than generation.prompts = {spec['prompts']}; "
            "all of them are used\n"
        )
    mask = pa.array([clip in chosen for clip in table.column("clip_id").to_pylist()])
    write_table(out, "captions", table.filter(mask).sort_by("clip_id"))


def choose(tracks: dict[str, str], count: int, seed: int) -> set[str]:
    """Up to `count` clip ids of `tracks` {clip: track}, spread evenly over the tracks.

    Every track gives its first clip, by hash, before any gives its second.
    """
    by_track: dict[str, list[str]] = defaultdict(list)
    for clip, track in tracks.items():
        by_track[track].append(clip)
    ranked = []
    for track, clips in by_track.items():
        clips.sort(key=lambda c: stable_int("prompt", seed, c))
        ranked += [(turn, stable_int("prompt track", seed, turn, track), clip) for turn, clip in enumerate(clips)]
    return {clip for _, _, clip in sorted(ranked)[:count]}
