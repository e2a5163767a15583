"""Stage `license`: apply the license policy to the index; every track is kept or rejected with a reason."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ssmttm.dataset.attribution import attribution_page, credit
from ssmttm.errors import UserError
from ssmttm.files import write_text
from ssmttm.licenses.policy import Decision, apply_policy, make_policy
from ssmttm.rows import IndexRecord, RejectedRow
from ssmttm.settings import StageSpec
from ssmttm.tables import SCHEMAS, read_table, write_table

_CREDITED = ["track_id", "homepage", "title", "artist", "album", "duration_s"]
_JUDGED = ["license_evidence", "problem", "problem_detail"]
"""Columns that credits, rejections and decisions need; the others are only passed on."""


def run(spec: StageSpec, index: Path, licensed: Path, rejected: Path, attribution: Path) -> None:
    """Write licensed.parquet, rejected.parquet and ATTRIBUTION.md; `spec` has `license` and, optional, `vocals`."""
    policy = make_policy(spec["license"])
    vocals_removed = (spec.get("vocals") or {}).get("mode") == "separate"
    table = read_table(index, "index")
    rows = table.select(_CREDITED + _JUDGED).to_pylist()
    decisions = apply_policy(rows, policy)
    kept = [i for i, d in enumerate(decisions) if d.reason is None]
    dropped = [_rejection(rows[i], d) for i, d in enumerate(decisions) if d.reason is not None]
    if not kept:
        reasons = sorted({r["reason"] for r in dropped})
        raise UserError(
            f"{index}: none of its {len(rows)} tracks may be used ({', '.join(reasons)}); "
            "check data.license.allow in the config, or add sources"
        )
    added: dict[str, list[Any]] = {
        "license": [decisions[i].license for i in kept],
        "license_url": [decisions[i].license_url for i in kept],
        "license_kind": [decisions[i].kind for i in kept],
        "attribution": [
            credit(rows[i], str(decisions[i].license), decisions[i].license_url, vocals_removed) for i in kept
        ],
    }
    for i, license, url in zip(kept, added["license"], added["license_url"]):
        rows[i] |= {"license": license, "license_url": url}
    page = attribution_page((rows[i] for i in kept), vocals_removed)
    table = table.take(pa.array(kept, pa.int64()))
    for name, values in added.items():
        table = table.append_column(SCHEMAS["licensed"].field(name), pa.array(values, pa.string()))
    write_table(rejected, "rejected", dropped)
    write_text(attribution, page)
    write_table(licensed, "licensed", table)


def _rejection(row: IndexRecord, decision: Decision) -> RejectedRow:
    return {
        "track_id": row["track_id"],
        "stage": "index" if row["problem"] else "license",
        "reason": str(decision.reason),
        "detail": decision.detail,
        "duration_s": row["duration_s"],
    }
