"""Which tracks may be used: a policy, applied to ordered evidence. Pure; never a guess.

Evidence comes in kinds, best first (KINDS). The best evidence decides. Another specific statement
about the same track that

- comes to the opposite verdict, takes its license back, or asks for what the first one excludes
  (BY-SA beside BY-ND) makes the track a conflict, which is rejected;
- is a license with more duties (BY-SA beside BY) is the one to keep: whoever fulfils it fulfils both;
- is another license with the same duties (a port, another version) changes nothing.

What the others say is part of the decision's detail. Statements that are not understood don't count
beside one that is, unless both are the catalog's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from boolean import Expression
from license_expression import LicenseSymbol, LicenseWithExceptionSymbol

from ssmttm.errors import UserError
from ssmttm.licenses.documents.document import understand
from ssmttm.licenses.elements import SWITCHES, all_duties, duties
from ssmttm.licenses.expressions import parse_expression
from ssmttm.licenses.known.creative_commons import license_name, license_url, unported
from ssmttm.licenses.known.spdx_list import licensing
from ssmttm.licenses.reservations import reservation, without_reservation
from ssmttm.licenses.statements import Reading
from ssmttm.wording import one_line

KINDS = ("catalog", "dep5_files", "license_file", "tag_url", "package_text", "catch_all", "ml_reservation")
"""What the source's own catalog states about this track; a specific `Files:` glob of Debian's
copyright format; a license file beside the album; a license URL or text in the file's own tags; a
package's free text; a package-wide `Files: *`; a text that states no license and reserves machine learning."""

HOLDERS = "Copyright: "
"""Begins the line of a `dep5_files` statement that names the copyright holders, below the license's name."""

ML_RESERVATIONS = ("reject", "keep")
"""Values of `data.license.ml_reservations`: what becomes of a track whose evidence reserves machine learning."""

SPECIFIC = ("catalog", "dep5_files", "license_file", "tag_url")
"""Kinds that speak about the track itself, so that a contradiction among them counts."""


class Evidence(NamedTuple):
    """One statement about a track's license, as a source found it: an entry of the column `license_evidence`."""

    kind: str
    text: str | None
    url: str | None
    where: str | None

    @property
    def reading(self) -> Reading:
        """What it says, with the reason. A reservation of rights for machine learning is read on its own."""
        if self.kind == "ml_reservation":
            return Reading(None, "reserves machine learning, and states no license", silent=True)
        return understand(self.kind, without_reservation(self.text or ""), self.url)

    @property
    def reservation(self) -> str | None:
        """The sentence that reserves machine learning; None without one."""
        return reservation(self.text or "")


class Decision(NamedTuple):
    """Whether a track may be used. `reason` is None exactly if it may."""

    reason: str | None
    detail: str
    license: str | None = None  # SPDX expression of the branch that is used
    license_url: str | None = None
    kind: str | None = None  # the evidence that decided


class Ruling(NamedTuple):
    """What a policy says of one SPDX expression: the part that may be used, or why none may."""

    branch: str | None
    why: str


@dataclass(frozen=True)
class Policy:
    """The licenses that may be used, as lower-case identifiers, and the elements that may be among them."""

    allow: frozenset[str]
    elements: frozenset[str] = frozenset(["sa"])
    ml_reservations: str = "reject"

    def rule(self, expression: str) -> Ruling:
        """Whether an SPDX expression may be used, and under which of its parts.

        Of `A OR B` one branch is enough, the first that is allowed; of `A AND B` all are needed. A
        license passes if it is on the list and each of its elements NC, ND, SA is switched on. A
        ported Creative Commons license counts as its unported one. `A WITH exception` passes only
        if the list has exactly that: an exception for software says nothing about music.
        """
        return _rule(self, expression)

    def branch(self, expression: str) -> str | None:
        """The part of an SPDX expression under which the policy allows use, or None."""
        return _rule(self, expression).branch


@lru_cache(maxsize=10_000)
def _rule(policy: Policy, expression: str) -> Ruling:
    return _walk(policy, licensing().parse(expression))


def _walk(policy: Policy, node: Expression) -> Ruling:
    if isinstance(node, LicenseWithExceptionSymbol):
        name = node.render()
        if name.lower() in policy.allow:
            return Ruling(name, "is on the list")
        why = f"{name} is not on the list data.license.allow, and an exception counts only with its license"
        return Ruling(None, why)
    if isinstance(node, LicenseSymbol):
        return _single(policy, node.key)
    parts = [_walk(policy, part) for part in node.args]
    if isinstance(node, licensing().OR):
        return next((p for p in parts if p.branch), Ruling(None, "; ".join(p.why for p in parts)))
    if refused := [p for p in parts if p.branch is None]:
        return Ruling(None, "; ".join(p.why for p in refused))
    joined = licensing().parse(" AND ".join(f"({p.branch})" for p in parts)).render()
    return Ruling(joined, "are all on the list")


def _single(policy: Policy, identifier: str) -> Ruling:
    base = unported(identifier)
    if not policy.allow & {identifier.lower(), base.lower()}:
        return Ruling(None, f"{identifier} is not on the list data.license.allow")
    for element, (key, says) in SWITCHES.items():
        if element in duties(identifier) and element not in policy.elements:
            return Ruling(None, f"{identifier} {says}: data.license.{key} is off")
    return Ruling(identifier, "is on the list" if base == identifier else f"counts as {base}, which is on the list")


def make_policy(settings: Mapping[str, Any]) -> Policy:
    """A policy from `data.license` of the config: `allow`, `noncommercial`, `noderivatives`, `sharealike`.

    The switches are off, off and on if they are missing, and `ml_reservations` is reject. Raises
    UserError on what is no SPDX license identifier (or `LICENSE WITH EXCEPTION`, or LicenseRef) in `allow`.
    """
    allowed = set()
    for name in settings["allow"]:
        identifier = parse_expression(name) if isinstance(name, str) else None
        if identifier is None or " OR " in identifier or " AND " in identifier:
            raise UserError(
                f"data.license.allow: {name!r} is not an SPDX license identifier, such as CC-BY-4.0; "
                "the list is at https://spdx.org/licenses"
            )
        allowed.add(identifier.lower())
    on = {element for element, (key, _) in SWITCHES.items() if settings.get(key, element == "sa")}
    reservations = settings.get("ml_reservations", "reject")
    if reservations not in ML_RESERVATIONS:
        raise UserError(f"data.license.ml_reservations: {reservations!r} is neither {' nor '.join(ML_RESERVATIONS)}")
    return Policy(frozenset(allowed), frozenset(on), reservations)


def reserved(evidence: Iterable[Evidence]) -> Evidence | None:
    """The first piece of evidence that reserves machine learning; None without one."""
    return next((one for one in evidence if one.reservation), None)


def evidence_of(rows: Iterable[Mapping[str, Any]] | None) -> tuple[Evidence, ...]:
    """The `license_evidence` column of one track, ordered best first; unknown kinds raise ValueError."""
    return best_first(Evidence(**row) for row in rows or ())


def best_first(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Evidence in the order of KINDS; unknown kinds raise ValueError."""
    pieces = list(evidence)
    for one in pieces:
        if one.kind not in KINDS:
            raise ValueError(f"unknown kind of evidence {one.kind!r}; there are {', '.join(KINDS)}")
    return tuple(sorted(pieces, key=lambda one: KINDS.index(one.kind)))


_MAY_BE_RESERVED = (None, "license_unknown", "license_conflict")
"""Where the license would do, or isn't understood, perhaps because of the reservation."""


def decide(evidence: tuple[Evidence, ...], policy: Policy) -> Decision:
    """The decision on one track from its evidence, ordered best first as `evidence_of` gives it.

    A reservation of rights for machine learning counts, by the policy's switch, where the license would do.
    """
    decision = _decide(tuple(one for one in evidence if one.kind != "ml_reservation"), policy)
    if decision.reason not in _MAY_BE_RESERVED or policy.ml_reservations == "keep":
        return decision
    if not (reserving := reserved(evidence)):
        return decision
    detail = f'{_source(reserving)} reserves machine learning: "{reserving.reservation}"; {decision.detail}'
    return Decision("ml_reserved", detail, kind=reserving.kind)


def _decide(evidence: tuple[Evidence, ...], policy: Policy) -> Decision:
    if not evidence:
        return Decision("no_license_evidence", "neither the source nor the file states a license")
    if silent := [one for one in evidence if one.reading.silent]:
        evidence = tuple(one for one in evidence if not one.reading.silent)
        if not evidence:
            notes = "; ".join(f"{_source(one)} {one.reading.note}: {_excerpt(one)}" for one in silent[:3])
            return Decision("no_license_evidence", notes, kind=silent[0].kind)
    best = evidence[0]
    reading = best.reading
    if best.kind == "catch_all":
        return _only_catch_all(best, reading, policy)
    if reading.license is None:
        reason = reading.reason or ("license_conflict" if reading.conflict else "license_unknown")
        return Decision(reason, f"{_source(best)} {reading.note}: {_excerpt(best)}", kind=best.kind)
    ruling = policy.rule(reading.license)
    chosen, branch = best, ruling.branch
    beside = []
    for other in evidence[1:]:
        if other.kind not in SPECIFIC:
            break
        second = other.reading
        # What isn't understood says nothing against a track, unless the catalog itself says it of its license.
        if second.license is None and not (second.denied or second.conflict or other.kind == best.kind == "catalog"):
            continue
        other_branch = policy.branch(second.license) if second.license else None
        if (other_branch is None) != (ruling.branch is None):
            return _conflict(best, other)
        if branch and other_branch and other_branch != branch:
            ours, theirs = all_duties(branch), all_duties(other_branch)
            if theirs > ours:
                chosen, branch = other, other_branch
            elif not theirs <= ours:
                return _conflict(best, other)
        if second.license and second.license != reading.license:
            beside.append(f"{_source(other)} says {second.license}")
    also = f"; {', '.join(beside)}" if beside else ""
    if branch is None:
        detail = f"{ruling.why}; by {_source(best)}: {_excerpt(best)}{also}"
        return Decision("license_not_allowed", detail, kind=best.kind)
    offered = f" (offered as {reading.license})" if chosen is best and branch != reading.license else ""
    if chosen is not best:
        also = f", which asks for more than {reading.license} by {_source(best)}"
    detail = f"{branch}, by {_source(chosen)}{offered}: {_excerpt(chosen)}{also}"
    return Decision(None, detail, branch, addresses(branch), chosen.kind)


def _conflict(best: Evidence, other: Evidence) -> Decision:
    second = other.reading
    contrary = f"says {second.license}" if second.license else second.note
    detail = f"{_source(best)} says {best.reading.license}: {_excerpt(best)}; but {_source(other)} {contrary}"
    return Decision("license_conflict", f"{detail}: {_excerpt(other)}", kind=best.kind)


def _only_catch_all(best: Evidence, reading: Reading, policy: Policy) -> Decision:
    if reading.license is not None and policy.branch(reading.license) is None:
        why = policy.rule(reading.license).why
        detail = f"{why}; by {_source(best)}, which is the catch-all for the whole package"
        return Decision("license_not_allowed", detail, kind=best.kind)
    statement = reading.license or _excerpt(best)
    return Decision("catch_all_only", f"{_source(best)} says {statement} of the whole package", kind=best.kind)


@lru_cache(maxsize=10_000)
def addresses(expression: str) -> str | None:
    """Where the texts of an expression's licenses stand, separated by spaces; None without any."""
    urls = [license_url(symbol) for symbol in licensing().license_keys(expression)]
    return " ".join(u for u in urls if u) or None


@lru_cache(maxsize=10_000)
def named(expression: str) -> str:
    """An expression with the license's name: `CC-BY-4.0 (Creative Commons Attribution 4.0)`."""
    keys = licensing().license_keys(expression)
    name = license_name(keys[0]) if len(keys) == 1 and " " not in expression else ""
    return f"{expression} ({name})" if name and name != expression else expression


def _source(evidence: Evidence) -> str:
    return f"{evidence.kind} ({evidence.where})" if evidence.where else evidence.kind


def _excerpt(evidence: Evidence) -> str:
    return f'"{one_line(evidence.text or evidence.url, 300)}"'


def decide_row(row: Mapping[str, Any], policy: Policy) -> Decision:
    """The decision on one row of the `index` table; its own `problem` comes before its license."""
    if row["problem"]:
        return Decision(row["problem"], row["problem_detail"] or "")
    return decide(evidence_of(row["license_evidence"]), policy)


def apply_policy(rows: Sequence[Mapping[str, Any]], policy: Policy) -> list[Decision]:
    """One decision per row of the `index` table."""
    return [decide_row(row, policy) for row in rows]
