"""Stage `audio`: fetch and verify the encoded audio of one shard's tracks."""

from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from ssmttm.errors import UserError
from ssmttm.licenses.policy import make_policy
from ssmttm.progress import Progress
from ssmttm.rows import AudioRow, LicensedRow, RejectedRow
from ssmttm.seeds import shard_of
from ssmttm.settings import StageSpec
from ssmttm.sources.collect import fetch_all, forget_all
from ssmttm.sources.contract import Context
from ssmttm.tables import read_table, table_writer, write_table

_COLUMNS = ["track_id", "source", "url", "sha256", "duration_s", "license_evidence"]

EMBEDDED_BYTES = 64 << 20
"""Larger files stay in the cache, and the table names their path: a shard's job holds a few rows in memory."""


def run(spec: StageSpec, licensed: Path, shard: int, shards: int, cache: Path, out: Path, rejected: Path) -> None:
    """Write audio/{shard}.parquet and the shard's rejections; `spec` has `sources`, `fetch`, `clips` and `license`."""
    if shard >= shards:
        raise UserError(f"--shard {shard}: with --shards {shards} they are 0 to {shards - 1}")
    tracks: list[LicensedRow] = read_table(licensed, "licensed", _COLUMNS).to_pylist()
    mine = sorted((t for t in tracks if shard_of(t["track_id"], shards) == shard), key=lambda t: t["url"])
    for track in mine:
        if track["source"] not in spec["sources"]:
            raise UserError(
                f"{track['track_id']}: source {track['source']!r} is not in data.sources any more; index again"
            )
    context = Context(spec["clips"], spec["fetch"], cache)
    progress = Progress(f"audio {shard}", len(mine), "tracks")
    dropped: list[RejectedRow] = []
    done: list[LicensedRow] = []
    with table_writer(out, "audio", rows_per_group=4) as add:
        for fetched in fetch_all(spec, mine, context, make_policy(spec["license"])):
            if fetched.path is None:
                dropped.append(
                    {
                        "track_id": fetched.track["track_id"],
                        "stage": "audio",
                        "reason": str(fetched.reason),
                        "detail": fetched.detail,
                        "duration_s": fetched.track["duration_s"],
                    }
                )
            else:
                add(_row(fetched.track, fetched.path))
            if fetched.path is None or _embedded(fetched.path):
                done.append(fetched.track)
            progress.advance()
        write_table(rejected, "rejected", dropped)
    if not spec["fetch"]["keep"]:
        forget_all(spec, done, context)


def _embedded(path: Path) -> bool:
    return path.stat().st_size <= EMBEDDED_BYTES


def _row(track: LicensedRow, path: Path) -> AudioRow:
    if not _embedded(path):
        return {"track_id": track["track_id"], "audio": {"bytes": None, "path": str(path.resolve())}}
    name = PurePosixPath(unquote(track["url"], errors="replace")).name
    return {"track_id": track["track_id"], "audio": {"bytes": path.read_bytes(), "path": name}}
