import time

import pytest

from ssmttm.corpus.license import Evidence, apply_policy, decide, evidence_of, make_policy
from ssmttm.corpus.spdx import unported
from ssmttm.errors import UserError
from ssmttm.tables import REASONS

POLICY = make_policy(["CC0-1.0", "CC-BY-3.0", "CC-BY-SA-3.0", "CC-BY-SA-2.0", "LicenseRef-public-domain"])


def evidence(*pairs: tuple[str, str]) -> tuple[Evidence, ...]:
    return evidence_of([{"kind": k, "text": t, "url": None, "where": "here"} for k, t in pairs])


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([], "no_license_evidence"),
        ([("dep5_files", "CC-BY-SA-3.0")], None),
        ([("dep5_files", "CC-BY-NC-3.0")], "license_not_allowed"),
        ([("dep5_files", "mystery")], "license_unknown"),
        ([("catch_all", "GPL-2+")], "license_not_allowed"),
        ([("catch_all", "CC-BY-3.0")], "catch_all_only"),
        ([("catch_all", "mystery")], "catch_all_only"),
        ([("catch_all", "GPL-2+"), ("tag_url", "http://creativecommons.org/licenses/by/3.0/")], None),
        ([("dep5_files", "CC-BY-3.0"), ("tag_url", "CC BY-NC 3.0")], "license_conflict"),
        ([("dep5_files", "GPL-2"), ("license_file", "CC-BY-SA-3.0")], "license_conflict"),
        ([("tag_url", "CC BY 3.0"), ("tag_url", "All rights reserved.")], "license_conflict"),
        ([("dep5_files", "CC-BY-SA-3.0"), ("tag_url", "http://creativecommons.org/licenses/by-sa/2.0/de/")], None),
        ([("tag_url", "CC BY 3.0"), ("package_text", "GPL version 2")], None),
        ([("dep5_files", "CC-BY-3.0"), ("tag_url", "whatever")], None),
        ([("package_text", "This is CC BY-SA 3.0 music.")], None),
    ],
)
def test_the_best_specific_evidence_decides(pairs: list[tuple[str, str]], reason: str | None) -> None:
    decision = decide(evidence(*pairs), POLICY)
    assert decision.reason == reason
    assert reason is None or reason in REASONS
    assert (decision.license is None) == (reason is not None)


def test_details_name_the_license_and_the_catch_all() -> None:
    detail = decide(evidence(("catch_all", "GPL-2+")), POLICY).detail
    assert "GPL-2.0-or-later" in detail and "catch-all" in detail
    assert "mystery license text" in decide(evidence(("tag_url", "mystery license text")), POLICY).detail


def test_of_an_or_the_allowed_branch_is_recorded_and_and_needs_all() -> None:
    decision = decide(evidence(("dep5_files", "GPL-3 or CC-BY-3.0")), POLICY)
    assert (decision.reason, decision.license) == (None, "CC-BY-3.0")
    assert "GPL-3.0-only OR CC-BY-3.0" in decision.detail
    assert decision.license_url == "https://creativecommons.org/licenses/by/3.0/"
    assert POLICY.branch("GPL-3.0-only AND CC-BY-3.0") is None
    assert POLICY.branch("(GPL-3.0-only OR CC-BY-3.0) AND CC0-1.0") == "CC-BY-3.0 AND CC0-1.0"
    assert POLICY.branch("GPL-2.0-or-later WITH Classpath-exception-2.0") is None


def test_a_ported_license_counts_as_its_unported_one_and_keeps_its_name() -> None:
    decision = decide(evidence(("tag_url", "http://creativecommons.org/licenses/by-sa/2.0/de/")), POLICY)
    assert decision.license == "LicenseRef-CC-BY-SA-2.0-DE"
    assert unported(decision.license) == "CC-BY-SA-2.0"
    assert decision.license_url == "https://creativecommons.org/licenses/by-sa/2.0/de/"


def test_the_order_of_evidence_rows_does_not_matter() -> None:
    pairs = [("catch_all", "GPL-2+"), ("dep5_files", "CC-BY-3.0"), ("tag_url", "CC BY 3.0")]
    assert decide(evidence(*pairs), POLICY) == decide(evidence(*pairs[::-1]), POLICY)


def test_nc_and_nd_are_refused_unless_listed() -> None:
    for text in ("CC-BY-NC-4.0", "CC-BY-ND-3.0", "CC-BY-NC-ND-2.5", "CC-BY-NC-SA-3.0-DE"):
        assert decide(evidence(("dep5_files", text)), POLICY).reason == "license_not_allowed"
    assert decide(evidence(("dep5_files", "CC-BY-NC-4.0")), make_policy(["CC-BY-NC-4.0"])).reason is None


@pytest.mark.parametrize("name", ["CC-BY", "nonsense", "CC-BY-3.0 OR MIT", ""])
def test_a_policy_with_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"data\.license\.allow"):
        make_policy(["CC0-1.0", name])


def test_a_row_with_a_problem_is_rejected_with_it_first() -> None:
    row = {"problem": "too_short", "problem_detail": "3 s", "license_evidence": []}
    (decision,) = apply_policy([row], POLICY)
    assert (decision.reason, decision.detail) == ("too_short", "3 s")


def test_fifty_thousand_tracks_take_seconds() -> None:
    rows = [
        {
            "problem": None,
            "problem_detail": None,
            "license_evidence": [
                {
                    "kind": "tag_url",
                    "text": None,
                    "url": f"http://creativecommons.org/licenses/{e}/3.0/",
                    "where": str(i),
                }
            ],
        }
        for i in range(9_000)
        for e in ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
    ]
    started = time.perf_counter()
    decisions = apply_policy(rows, POLICY)
    assert time.perf_counter() - started < 6  # about 1 s on an idle machine
    assert sum(d.reason is None for d in decisions) == 18_000
