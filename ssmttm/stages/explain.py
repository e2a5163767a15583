"""Command `license explain`: what license statements are understood as, and what the policy says of them."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ssmttm.dataset.attribution import one_line
from ssmttm.errors import UserError
from ssmttm.licenses.policy import Decision, Evidence, Policy, addresses, decide, evidence_of, make_policy, named
from ssmttm.tables import REASONS, read_table

_SHOWN = 160


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
        if policy.ml_reservations == "reject" and (found := statement.reservation):
            yield Explained(text, reading.license, "reject", f"reserves machine learning: {found}")
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
    line = one_line(text[: 4 * _SHOWN])
    return line[:_SHOWN] + ("…" if len(line) > _SHOWN else "")


def trace(row: dict[str, Any], policy: Policy) -> tuple[list[Evidence], Decision]:
    """All evidence about one row of the `index` table, best first, and the decision."""
    if row["problem"]:
        return list(evidence_of(row["license_evidence"])), Decision(row["problem"], row["problem_detail"] or "")
    evidence = evidence_of(row["license_evidence"])
    return list(evidence), decide(evidence, policy)


def render_trace(row: dict[str, Any], policy: Policy, as_json: bool) -> str:
    """The trace of one track: every piece of evidence, what it was understood as, and the verdict."""
    evidence, decision = trace(row, policy)
    if as_json:
        found = [
            {
                **e._asdict(),
                "license": e.reading.license,
                "understood": e.reading.note,
                "decides": e.kind == decision.kind,
            }
            for e in evidence
        ]
        verdict = "keep" if decision.reason is None else "reject"
        return json.dumps(
            {
                "track_id": row["track_id"],
                "evidence": found,
                "license": decision.license,
                "verdict": verdict,
                "reason": decision.reason,
                "detail": decision.detail,
            },
            ensure_ascii=False,
        )
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
        lines.append(f"  reject   {decision.reason}: {REASONS[decision.reason]}")
        lines.append(f"           {_short(decision.detail)}")
    return "\n".join(lines)


def run(
    spec: dict[str, Any],
    texts: Iterable[str],
    lines: Iterable[bytes] | None = None,
    index: Path | None = None,
    track: str | None = None,
    as_json: bool = False,
) -> Iterator[str]:
    """What to print, piece by piece; `spec` has `license`.

    Either `texts` and the lines of a UTF-8 stream (`lines`; empty ones are skipped), or one track of
    an index. Raises UserError if there is nothing to explain, or no such track.
    """
    policy = make_policy(spec["license"])
    if (index is None) != (track is None):
        raise UserError("--index and --track go together: the table, and the id of one of its tracks")
    if index is not None and track is not None:
        table = read_table(index, "index")
        found = table.filter(pc.equal(table["track_id"], pa.scalar(track, pa.string()))).to_pylist()
        if not found:
            raise UserError(f"{index}: no track {one_line(track)!r}; ids look like source:key, see its column track_id")
        yield render_trace(found[0], policy, as_json)
        return
    given = [_valid(text) for text in texts]
    if not given and lines is None:
        raise UserError("nothing to explain: give texts, or one a line on standard input, or --index with --track")
    for explained in explain(_all(given, lines), policy):
        yield render(explained, as_json)


def _valid(text: str) -> str:
    """An argument as valid Unicode; undecodable bytes become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _all(texts: list[str], lines: Iterable[bytes] | None) -> Iterator[str]:
    yield from texts
    for number, line in enumerate(lines or ()):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if number == 0:
            text = text.removeprefix("\ufeff")
        if text.strip():
            yield text
