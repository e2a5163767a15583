"""Stage `audio`: fetch and verify the encoded audio of one shard's tracks."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from ssmttm.audio.streams import Undecodable, probe
from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.files import sha256_file
from ssmttm.licenses.policy import Policy, best_first, decide, evidence_of, make_policy
from ssmttm.licenses.tags import tag_evidence
from ssmttm.progress import Progress
from ssmttm.seeds import shard_of
from ssmttm.sources.contract import Context, load_source
from ssmttm.tables import read_table, table_writer, write_table

_COLUMNS = ["track_id", "source", "url", "sha256", "duration_s", "license_evidence"]

EMBEDDED_BYTES = 64 << 20
"""Larger files stay in the cache, and the table names their path: a shard's job holds a few rows in memory."""


@dataclass(frozen=True)
class _Fetched:
    """One track's file, or why there is none."""

    track: dict[str, Any]
    path: Path | None = None
    reason: str = ""
    detail: str = ""


def run(spec: dict[str, Any], licensed: Path, shard: int, shards: int, cache: Path, out: Path, rejected: Path) -> None:
    """Write audio/{shard}.parquet and the shard's rejections; `spec` has `sources`, `fetch`, `clips` and `license`."""
    if shard >= shards:
        raise UserError(f"--shard {shard}: with --shards {shards} they are 0 to {shards - 1}")
    tracks = read_table(licensed, "licensed", _COLUMNS).to_pylist()
    mine = sorted((t for t in tracks if shard_of(t["track_id"], shards) == shard), key=lambda t: t["url"])
    for track in mine:
        if track["source"] not in spec["sources"]:
            raise UserError(
                f"{track['track_id']}: source {track['source']!r} is not in data.sources any more; index again"
            )
    policy = make_policy(spec["license"])
    context = Context(spec["clips"], spec["fetch"], cache)
    progress = Progress(f"audio {shard}", len(mine), "tracks")
    dropped: list[dict[str, Any]] = []
    done: list[dict[str, Any]] = []
    with table_writer(out, "audio", rows_per_group=4) as add:
        for fetched in _fetch_all(spec, mine, context, policy):
            track = fetched.track
            if fetched.path is None:
                dropped.append(
                    {
                        "track_id": track["track_id"],
                        "stage": "audio",
                        "reason": fetched.reason,
                        "detail": fetched.detail,
                        "duration_s": track["duration_s"],
                    }
                )
            else:
                embedded = fetched.path.stat().st_size <= EMBEDDED_BYTES
                name = PurePosixPath(unquote(track["url"], errors="replace")).name
                path = name if embedded else str(fetched.path.resolve())
                data = fetched.path.read_bytes() if embedded else None
                add({"track_id": track["track_id"], "audio": {"bytes": data, "path": path}})
            if fetched.path is None or embedded:
                done.append(track)
            progress.advance()
        write_table(rejected, "rejected", dropped)
    if not spec["fetch"]["keep"]:
        _forget(spec, done, context)


def _fetch_all(
    spec: dict[str, Any], tracks: Iterable[dict[str, Any]], context: Context, policy: Policy
) -> Iterator[_Fetched]:
    """Every track's file in order, a few of them under way at once."""
    workers = context.fetch["connections"]
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Fetched]] = deque()
        try:
            for track in tracks:
                waiting.append(pool.submit(_get, spec["sources"][track["source"]], track, context, policy))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _get(settings: dict[str, Any], track: dict[str, Any], context: Context, policy: Policy) -> _Fetched:
    """The track's verified file, or a rejection reason with its detail."""
    try:
        path = load_source(track["source"]).fetch(settings, track, context)
    except Unavailable as error:
        return _Fetched(track, None, error.reason, str(error))
    if track["sha256"] and sha256_file(path) != track["sha256"]:
        detail = f"{path.stat().st_size} bytes, SHA-256 is not {track['sha256']}"
        return _Fetched(track, None, "checksum_mismatch", detail)
    try:
        found = probe(path)
    except Undecodable as error:
        return _Fetched(track, None, "undecodable", str(error))
    listed = track["duration_s"]
    if listed and abs(found.duration_s - listed) > max(3.0, 0.05 * listed):
        detail = f"{found.duration_s:.1f} s long, and listed with {listed:.1f} s"
        return _Fetched(track, None, "changed", detail)
    if any(e["kind"] == "tag_url" for e in track["license_evidence"]):
        return _Fetched(track, path)
    decision = decide(best_first([*evidence_of(track["license_evidence"]), *tag_evidence(found.tags)]), policy)
    if decision.reason is not None:
        return _Fetched(track, None, decision.reason, decision.detail)
    return _Fetched(track, path)


def _forget(spec: dict[str, Any], tracks: Iterable[dict[str, Any]], context: Context) -> None:
    for track in tracks:
        forget = getattr(load_source(track["source"]), "forget", None)
        if forget is not None:
            forget(spec["sources"][track["source"]], track, context)
