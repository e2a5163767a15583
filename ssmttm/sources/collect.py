"""The files of licensed tracks: fetched several at once, and checked against what the index says of them."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ssmttm.audio.streams import Undecodable, probe
from ssmttm.fetch.failures import Unavailable
from ssmttm.files import sha256_file
from ssmttm.licenses.policy import Policy, best_first, decide, evidence_of
from ssmttm.licenses.tags import tag_evidence
from ssmttm.rows import LicensedRow
from ssmttm.settings import StageSpec
from ssmttm.sources.contract import Context, load_source


@dataclass(frozen=True)
class Fetched:
    """One track's file, or why there is none."""

    track: LicensedRow
    path: Path | None = None
    reason: str | None = None
    detail: str = ""


def fetch_all(spec: StageSpec, tracks: Iterable[LicensedRow], context: Context, policy: Policy) -> Iterator[Fetched]:
    """Every track's file in order, a few of them under way at once."""
    workers = spec["fetch"]["connections"]
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Fetched]] = deque()
        try:
            for track in tracks:
                waiting.append(pool.submit(_fetch, spec, track, context, policy))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _fetch(spec: StageSpec, track: LicensedRow, context: Context, policy: Policy) -> Fetched:
    """The track's verified file, or a rejection reason with its detail."""
    source = track["source"]
    try:
        path = load_source(source).fetch(spec["sources"][source], track, context)
    except Unavailable as error:
        return Fetched(track, None, error.reason, str(error))
    if track["sha256"] and sha256_file(path) != track["sha256"]:
        detail = f"{path.stat().st_size} bytes, SHA-256 is not {track['sha256']}"
        return Fetched(track, None, "checksum_mismatch", detail)
    try:
        file = probe(path)
    except Undecodable as error:
        return Fetched(track, None, "undecodable", str(error))
    listed = track["duration_s"]
    if listed and abs(file.duration_s - listed) > max(3.0, 0.05 * listed):
        return Fetched(track, None, "changed", f"{file.duration_s:.1f} s long, and listed with {listed:.1f} s")
    if any(e["kind"] == "tag_url" for e in track["license_evidence"]):
        return Fetched(track, path)
    decision = decide(best_first([*evidence_of(track["license_evidence"]), *tag_evidence(file.tags)]), policy)
    return Fetched(track, path if decision.reason is None else None, decision.reason, decision.detail)


def forget_all(spec: StageSpec, tracks: Iterable[LicensedRow], context: Context) -> None:
    """Remove what fetching stored of `tracks`, for sources that can."""
    for track in tracks:
        forget = getattr(load_source(track["source"]), "forget", None)
        if forget is not None:
            forget(spec["sources"][track["source"]], track, context)
