"""Stage `license`: apply the license policy to the index; every track is kept or rejected with a reason."""

from pathlib import Path
from typing import Any

from ssmttm.corpus.attribution import attribution_page, credit
from ssmttm.corpus.license import apply_policy, make_policy
from ssmttm.errors import UserError
from ssmttm.files import write_text
from ssmttm.tables import read_table, write_table


def run(spec: dict[str, Any], index: Path, licensed: Path, rejected: Path, attribution: Path) -> None:
    """Write licensed.parquet, rejected.parquet and ATTRIBUTION.md; `spec` has `license`."""
    policy = make_policy(spec["license"]["allow"])
    rows = read_table(index, "index").to_pylist()
    kept, dropped = [], []
    for row, decision in zip(rows, apply_policy(rows, policy)):
        if decision.reason is None:
            kept.append(
                {
                    **row,
                    "license": decision.license,
                    "license_url": decision.license_url,
                    "license_kind": decision.kind,
                    "attribution": credit(row, str(decision.license), decision.license_url),
                }
            )
        else:
            dropped.append(
                {
                    "track_id": row["track_id"],
                    "stage": "index" if row["problem"] else "license",
                    "reason": decision.reason,
                    "detail": decision.detail,
                    "duration_s": row["duration_s"],
                }
            )
    assert len(kept) + len(dropped) == len(rows)
    assert sorted(r["track_id"] for r in kept + dropped) == sorted(r["track_id"] for r in rows)
    if not kept:
        reasons = sorted({r["reason"] for r in dropped})
        raise UserError(
            f"{index}: none of its {len(rows)} tracks may be used ({', '.join(reasons)}); "
            "check data.license.allow in the config, or add sources"
        )
    write_table(rejected, "rejected", dropped)
    write_text(attribution, attribution_page(kept))
    write_table(licensed, "licensed", kept)
