"""Which tracks may be used: a policy, applied to ordered evidence. Pure; never a guess.

Evidence comes in five kinds, best first (KINDS). The best specific evidence decides. Another
specific one that comes to the opposite verdict makes the track a conflict, which is rejected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from boolean import Expression
from license_expression import LicenseSymbol

from ssmttm.corpus.spdx import identify, license_url, licensing, parse_expression, unported
from ssmttm.errors import UserError

KINDS = ("dep5_files", "license_file", "tag_url", "package_text", "catch_all")
"""A specific `Files:` glob of Debian's copyright format; a license file beside the album; a license
URL or text in the file's own tags; a package's free text; a package-wide `Files: *`. A source
that states a license per track through its own interface uses `tag_url`."""

SPECIFIC = ("dep5_files", "license_file", "tag_url")
"""Kinds that speak about the track itself, so that a contradiction among them counts."""

_SHOWN = 300


class Evidence(NamedTuple):
    """One statement about a track's license, as a source found it."""

    kind: str
    text: str | None
    url: str | None
    where: str | None

    @property
    def expression(self) -> str | None:
        """What it says as an SPDX expression; None if that is not understood."""
        return identify(self.kind, self.text, self.url)


class Decision(NamedTuple):
    """Whether a track may be used. `reason` is None exactly if it may."""

    reason: str | None
    detail: str
    license: str | None = None  # SPDX expression of the branch that is used
    license_url: str | None = None
    kind: str | None = None  # the evidence that decided


@dataclass(frozen=True)
class Policy:
    """The licenses that may be used, as unported SPDX identifiers."""

    allow: frozenset[str]

    def branch(self, expression: str) -> str | None:
        """The part of an SPDX expression under which the policy allows use, or None.

        Of `A OR B` one branch is enough, the first that is allowed; of `A AND B` all are needed.
        A ported Creative Commons license counts as its unported one.
        """
        return _branch(self.allow, expression)


@lru_cache(maxsize=10_000)
def _branch(allow: frozenset[str], expression: str) -> str | None:
    return _walk(allow, licensing().parse(expression))


def _walk(allow: frozenset[str], node: Expression) -> str | None:
    if isinstance(node, LicenseSymbol):
        return node.key if unported(node.key) in allow else None
    if isinstance(node, licensing().OR):
        return next(filter(None, (_walk(allow, part) for part in node.args)), None)
    if isinstance(node, licensing().AND):
        parts = [_walk(allow, part) for part in node.args]
        if None in parts:
            return None
        return licensing().parse(" AND ".join(f"({p})" for p in parts)).render()
    return None  # "A WITH exception" and whatever else is not understood


def make_policy(allow: Iterable[str]) -> Policy:
    """A policy from the config's list; raises UserError on what is no SPDX identifier."""
    identifiers = []
    for name in allow:
        found = name if name.startswith("LicenseRef-") else parse_expression(name)
        if found is None or " " in found:
            raise UserError(
                f"data.license.allow: {name!r} is not an SPDX license identifier, such as CC-BY-4.0; "
                "the list is at https://spdx.org/licenses"
            )
        identifiers.append(unported(found))
    return Policy(frozenset(identifiers))


def evidence_of(rows: Iterable[Mapping[str, Any]] | None) -> tuple[Evidence, ...]:
    """The `license_evidence` column of one track, ordered best first; unknown kinds raise ValueError."""
    found = [Evidence(r["kind"], r["text"], r["url"], r["where"]) for r in rows or ()]
    return tuple(sorted(found, key=lambda e: KINDS.index(e.kind)))


def decide(evidence: tuple[Evidence, ...], policy: Policy) -> Decision:
    """The decision on one track from its evidence, ordered best first as `evidence_of` gives it."""
    if not evidence:
        return Decision("no_license_evidence", "neither the source nor the file states a license")
    best = evidence[0]
    expression = best.expression
    if best.kind == "catch_all":
        return _only_catch_all(best, expression, policy)
    if expression is None:
        return Decision("license_unknown", f"{_source(best)}: {_excerpt(best)}", kind=best.kind)
    branch = policy.branch(expression)
    for other in evidence[1:]:
        said = other.expression if other.kind in SPECIFIC else None
        if said is not None and (policy.branch(said) is None) != (branch is None):
            detail = f"{_source(best)} says {expression}, but {_source(other)} says {said}"
            return Decision("license_conflict", detail, kind=best.kind)
    if branch is None:
        return Decision("license_not_allowed", f"{expression}, by {_source(best)}", kind=best.kind)
    detail = f"{branch}, by {_source(best)}" + (f" (offered as {expression})" if branch != expression else "")
    return Decision(None, detail, branch, _url(branch), best.kind)


def _only_catch_all(best: Evidence, expression: str | None, policy: Policy) -> Decision:
    if expression is not None and policy.branch(expression) is None:
        detail = f"{expression}, by {_source(best)}, which is the catch-all for the whole package"
        return Decision("license_not_allowed", detail, kind=best.kind)
    said = expression or _excerpt(best)
    return Decision("catch_all_only", f"{_source(best)} says {said} of the whole package", kind=best.kind)


@lru_cache(maxsize=10_000)
def _url(expression: str) -> str | None:
    """The URL of a one-license expression; several are separated by a space."""
    urls = [license_url(symbol) for symbol in licensing().license_keys(expression)]
    return " ".join(u for u in urls if u) or None


def _source(evidence: Evidence) -> str:
    return f"{evidence.kind} ({evidence.where})" if evidence.where else evidence.kind


def _excerpt(evidence: Evidence) -> str:
    text = " ".join((evidence.text or evidence.url or "").split())
    return f'"{text[:_SHOWN]}{"…" if len(text) > _SHOWN else ""}"'


def apply_policy(rows: Sequence[Mapping[str, Any]], policy: Policy) -> list[Decision]:
    """One decision per row of the `index` table; a row's own `problem` comes before its license."""
    decisions = []
    for row in rows:
        if row["problem"]:
            decisions.append(Decision(row["problem"], row["problem_detail"] or ""))
        else:
            decisions.append(decide(evidence_of(row["license_evidence"]), policy))
    return decisions
