"""Stage `audio`: fetch, verify and store the encoded audio of one shard's tracks."""

from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from ssmttm.corpus.audio import Undecodable, probe
from ssmttm.corpus.sources import Unavailable, load_source
from ssmttm.errors import UserError
from ssmttm.files import sha256_bytes
from ssmttm.progress import Progress
from ssmttm.seeds import shard_of
from ssmttm.tables import read_table, table_writer, write_table


def run(spec: dict[str, Any], licensed: Path, shard: int, shards: int, cache: Path, out: Path, rejected: Path) -> None:
    """Write audio/{shard}.parquet and the shard's rejections; `spec` has `sources`."""
    if shard >= shards:
        raise UserError(f"--shard {shard}: with --shards {shards} they are 0 to {shards - 1}")
    columns = ["track_id", "source", "url", "sha256", "duration_s"]
    tracks = read_table(licensed, "licensed", columns).to_pylist()
    mine = sorted((t for t in tracks if shard_of(t["track_id"], shards) == shard), key=lambda t: t["url"])
    progress = Progress(f"audio {shard}", len(mine), "tracks")
    dropped = []
    with table_writer(out, "audio", rows_per_group=4) as add:
        for track in mine:
            data, reason, detail = _get(spec, track, cache)
            if reason is None:
                path = PurePosixPath(unquote(track["url"], errors="replace")).name
                add({"track_id": track["track_id"], "audio": {"bytes": data, "path": path}})
            else:
                dropped.append(
                    {
                        "track_id": track["track_id"],
                        "stage": "audio",
                        "reason": reason,
                        "detail": detail,
                        "duration_s": track["duration_s"],
                    }
                )
            progress.advance()
        write_table(rejected, "rejected", dropped)


def _get(spec: dict[str, Any], track: dict[str, Any], cache: Path) -> tuple[bytes, str | None, str]:
    """The track's bytes, or a rejection reason and its detail."""
    source = track["source"]
    if source not in spec["sources"]:
        raise UserError(f"{track['track_id']}: source {source!r} is not in data.sources any more; index again")
    try:
        data = load_source(source).fetch(spec["sources"][source], track, cache)
    except Unavailable as error:
        return b"", "unavailable", str(error)
    if track["sha256"] and sha256_bytes(data) != track["sha256"]:
        return b"", "checksum_mismatch", f"{len(data)} bytes, SHA-256 is not {track['sha256']}"
    try:
        probe(data)
    except Undecodable as error:
        return b"", "undecodable", str(error)
    return data, None, ""
