"""What license statements are understood as, and what the policy says of them, for people and for programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ssmttm.licenses.policy import Evidence, Policy, addresses, decide_row, evidence_of, named
from ssmttm.wording import one_line


class Explained(NamedTuple):
    """One statement, as it was given, with what it means. `verdict` is keep or reject."""

    text: str
    license: str | None  # SPDX expression
    verdict: str
    reason: str


def explain(texts: Iterable[str], policy: Policy) -> Iterator[Explained]:
    """What each text says about a license and whether the policy allows it; texts count as a catalog's statement."""
    for text in texts:
        statement = Evidence("catalog", text, None, None)
        reading = statement.reading
        if policy.ml_reservations == "reject" and (sentence := statement.reservation):
            yield Explained(text, reading.license, "reject", f"reserves machine learning: {sentence}")
            continue
        if reading.license is None:
            yield Explained(text, None, "reject", f"not understood: {reading.note}")
            continue
        ruling = policy.rule(reading.license)
        if ruling.branch is None:
            yield Explained(text, reading.license, "reject", ruling.why)
        else:
            offered = f", one branch of {reading.license}" if " OR " in reading.license else ""
            reason = f"{ruling.branch} {ruling.why}{offered}; understood by {reading.note}"
            yield Explained(text, reading.license, "keep", reason)


def render(explained: Explained, as_json: bool) -> str:
    """For programs one JSON object on one line; for people three or four short lines."""
    if as_json:
        return json.dumps(explained._asdict(), ensure_ascii=False)
    lines = [_short(explained.text) or "(nothing)"]
    if explained.license:
        lines.append(f"  license  {named(explained.license)}")
        lines += [f"           {url}" for url in (addresses(explained.license) or "").split()]
    else:
        lines.append("  license  unknown")
    lines.append(f"  {explained.verdict:<8} {_short(explained.reason)}")
    return "\n".join(lines)


def _short(text: str) -> str:
    return one_line(text, 160)


def render_trace(row: Mapping[str, Any], policy: Policy, reasons: Mapping[str, str], as_json: bool) -> str:
    """The trace of one track: every piece of evidence, what it was understood as, and the verdict.

    `reasons`: what each reason for a rejection means.
    """
    evidence, decision = evidence_of(row["license_evidence"]), decide_row(row, policy)
    if as_json:
        understood = [
            one._asdict()
            | {"license": one.reading.license, "understood": one.reading.note, "decides": one.kind == decision.kind}
            for one in evidence
        ]
        traced = {
            "track_id": row["track_id"],
            "evidence": understood,
            "license": decision.license,
            "verdict": "keep" if decision.reason is None else "reject",
            "reason": decision.reason,
            "detail": decision.detail,
        }
        return json.dumps(traced, ensure_ascii=False)
    lines = [f"{row['track_id']}  {_short(row['title'] or '')}"]
    for number, one in enumerate(evidence, 1):
        lines.append(f"{number:>3}. {one.kind}, {_short(one.where or 'no place given')}")
        lines.append(f"     says       {_short(one.text or '') or '(no text)'}")
        if one.url:
            lines.append(f"     address    {_short(one.url)}")
        lines.append(f"     understood {one.reading.license or 'nothing'}: {_short(one.reading.note)}")
    if not evidence:
        lines.append("  no evidence")
    if decision.reason is None:
        lines.append(f"  keep     {_short(decision.detail)}")
    else:
        lines.append(f"  reject   {decision.reason}: {reasons[decision.reason]}")
        lines.append(f"           {_short(decision.detail)}")
    return "\n".join(lines)
