"""Reservations of rights for machine learning: reservations.yaml has statements that are some and that are none."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ssmttm.errors import UserError
from ssmttm.licenses.policy import Evidence, decide, make_policy
from ssmttm.licenses.reservations import reservation, without_reservation
from ssmttm.licenses.tags import tag_evidence
from ssmttm.sources.ytdlp.evidence import license_evidence, same_statement

TABLE = yaml.safe_load((Path(__file__).parent / "reservations.yaml").read_text(encoding="utf-8"))
ALLOW = ["CC-BY-4.0"]
REJECT, KEEP = (make_policy({"allow": ALLOW, "ml_reservations": switch}) for switch in ("reject", "keep"))


@pytest.mark.parametrize("text", TABLE["reserved"])
def test_a_reservation_is_found_and_the_switch_decides(text: str) -> None:
    assert reservation(text)
    for evidence in (
        (Evidence("catalog", "CC BY 4.0", None, "row 2"), Evidence("ml_reservation", text, None, "tag comment")),
        (Evidence("catalog", f"CC BY 4.0\n{text}", None, "row 2"),),
        (Evidence("license_file", f"All songs: CC BY 4.0\n\n{text}", None, "LICENSE"),),
    ):
        decision = decide(evidence, REJECT)
        assert decision.reason == "ml_reserved" and "reserves machine learning" in decision.detail, decision
    assert decide(evidence, KEEP).license == "CC-BY-4.0", decide(evidence, KEEP)


@pytest.mark.parametrize("text", TABLE["benign"])
def test_what_only_speaks_of_machine_learning_reserves_nothing(text: str) -> None:
    assert reservation(text) is None
    assert without_reservation(text) == text
    assert tag_evidence({"comment": text.replace("CC BY", "")}) == []


def test_the_switch_is_reject_unless_it_is_set_and_takes_nothing_else() -> None:
    assert make_policy({"allow": ALLOW}).ml_reservations == "reject"
    with pytest.raises(UserError, match="ml_reservations"):
        make_policy({"allow": ALLOW, "ml_reservations": "ignore"})


def test_a_license_that_is_not_allowed_stays_the_reason() -> None:
    evidence = (Evidence("catalog", "CC BY-NC 4.0. No AI training.", None, "row 2"),)
    assert decide(evidence, REJECT).reason == "license_not_allowed"


def test_a_clause_of_a_statement_may_be_the_reservation() -> None:
    for text in ("CC BY 4.0, no AI training", "CC BY 4.0 (no AI training)", "CC BY 4.0. AI training: disallow"):
        evidence = (Evidence("catalog", text, None, "row 2"),)
        assert decide(evidence, REJECT).reason == "ml_reserved"
        assert decide(evidence, KEEP).license == "CC-BY-4.0"


def test_tags_reserve_by_their_text_or_by_their_name_and_titles_never_do() -> None:
    rows = tag_evidence({"COMMENT": "Enjoy! No machine learning.", "AI training": "disallowed", "TDM-Reservation": "1"})
    assert [(r.kind, r.where) for r in rows] == [
        ("ml_reservation", "tag COMMENT"),
        ("ml_reservation", "tag AI training"),
        ("ml_reservation", "tag TDM-Reservation"),
    ]
    assert rows[0].text == "No machine learning."
    assert tag_evidence({"title": "No Machine Learning", "lyrics": "No AI training", "tdm-reservation": "0"}) == []
    licensed = Evidence("catalog", "CC BY 4.0", None, "row 2")
    assert decide((licensed, *rows), REJECT).reason == "ml_reserved"


def test_a_description_of_a_site_can_reserve_and_can_license_nothing() -> None:
    info: dict[str, Any] = {"extractor_key": "Vimeo", "license": "CC BY 4.0", "description": "My song. No AI training!"}
    rows = license_evidence(info)
    assert [(r.kind, r.text) for r in rows] == [("catalog", "CC BY 4.0"), ("ml_reservation", "No AI training!")]
    assert decide(tuple(rows), REJECT).reason == "ml_reserved"
    assert decide(tuple(rows), KEEP).license == "CC-BY-4.0"
    assert same_statement(rows, license_evidence(info))
    assert not same_statement(rows[:1], license_evidence(info))  # it was reserved after it was indexed
    assert license_evidence({"extractor_key": "Vimeo", "description": "CC BY 4.0"}) == []
