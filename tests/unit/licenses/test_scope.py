"""What a license statement says besides the license: whose rights, for what, on which condition."""

import time
from collections import Counter
from pathlib import Path

import pytest

from ssmttm.licenses import scope
from ssmttm.licenses.documents.document import understand
from ssmttm.licenses.policy import Evidence, decide, make_policy
from ssmttm.licenses.skeleton import plain, ticked, without_struck
from ssmttm.licenses.statements import read_statement
from ssmttm.licenses.subjects import OTHER_NOUNS
from ssmttm.licenses.vocabulary import Remembered
from ssmttm.tables import REASONS

TABLE = Path(__file__).resolve().parents[3] / "benchmarks" / "licenses.tsv"
ROWS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
POLICY = make_policy({"allow": ["CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"]})
OTHERS, OTHER_SUBJECT, NOT_FINAL = (
    "trap: others hold rights in it",
    "trap: a license of something else",
    "trap: undecided, struck out, not free, not yet",
)


def decision(text: str, kind: str = "catalog") -> str | None:
    return decide((Evidence(kind, text, None, "here"),), POLICY).reason


def test_the_table_has_enough_of_what_looks_licensed_and_is_not() -> None:
    count = Counter(row[3] for row in ROWS)
    assert count[OTHERS] >= 150
    assert count[OTHER_SUBJECT] >= 90
    assert count[NOT_FINAL] >= 100
    assert count["plain statements with innocent words, in many languages"] >= 150


def test_most_statements_about_other_rights_get_the_reason_of_their_own() -> None:
    found = Counter(decision(row[0]) for row in ROWS if row[3] == OTHERS)
    assert None not in found
    assert found["third_party_rights"] >= 0.8 * found.total()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Contains samples from Daft Punk. CC BY 4.0", "third_party_rights"),
        ("This is a cover of a copyrighted song; my performance is CC BY 4.0", "third_party_rights"),
        ("No copyright infringement intended. CC BY 4.0", "third_party_rights"),
        ("Enthält Samples von Daft Punk, CC BY 4.0", "third_party_rights"),
        ("二次創作です。CC BY 4.0", "third_party_rights"),
        ("This template is CC0", "license_of_another_subject"),
        ("Soundfont: CC BY 3.0", "license_of_another_subject"),
        ("CC BY 4.0 for the stems, the master is mine", "license_of_another_subject"),
        ("License: CC BY 4.0 (annotations), audio: see artist", "license_of_another_subject"),
        ("The catalogue data is CC0 1.0", "license_of_another_subject"),
        ("License TBD, e.g. CC BY 4.0", "license_not_final"),
        ("Preview only. The full version is available under CC BY 4.0", "license_not_final"),
        ("CC BY 4.0 licence costs 20 EUR", "license_not_final"),
        ("CC BY 4.0 as of 2030", "license_not_final"),
        ("~~CC BY 4.0~~", "license_not_final"),
        ("☐ CC BY 4.0 ☑ Standard license", "license_unknown"),
        ("Ten strange crows built this on a hill without asking. CC BY 4.0", "license_unknown"),
        ("CC BY 4.0", None),
    ],
)
def test_each_kind_of_limit_is_a_reason_of_its_own(text: str, reason: str | None) -> None:
    assert decision(text) == reason
    assert reason is None or reason in REASONS


@pytest.mark.parametrize("frame", ['"{}" by Ann Example, CC BY 4.0', "Title: {}; License: CC BY 4.0", "{} / CC BY 4.0"])
def test_a_title_may_have_any_words_where_it_is_marked_as_one(frame: str) -> None:
    for title in ("Cover of Night", "Contains Samples From Mars", "Preview Only", "The Video", "Remix of a Remix"):
        assert (decision(frame.format(title)) is None) == frame.startswith(('"', "Title"))


def test_a_claim_without_a_license_speaks_against_another_statement() -> None:
    claim = Evidence("tag_url", "This is a cover of a song by The Northern Lamps", None, "tag comment")
    granted = Evidence("catalog", "CC BY 4.0", None, "page")
    assert decide((granted, claim), POLICY).reason == "license_conflict"
    assert decide((granted, claim._replace(text="Recorded on a rainy day")), POLICY).reason is None
    assert decide((claim,), POLICY).reason == "third_party_rights"


def test_words_that_are_not_understood_are_no_contradiction() -> None:
    tag = Evidence("tag_url", "the strange crows built this hill, CC BY 4.0", None, "tag comment")
    assert not tag.reading.denied and tag.reading.license is None
    assert decide((Evidence("catalog", "CC BY 4.0", None, "page"), tag), POLICY).reason is None


def test_documents_are_read_by_their_own_rules() -> None:
    assert understand("license_file", "Contains samples. The music is licensed under CC BY 4.0.").license == "CC-BY-4.0"


def test_of_a_form_only_what_is_ticked_counts() -> None:
    assert ticked("☐ CC0 ☑ CC BY 4.0") == "CC BY 4.0"
    assert ticked("License: [x] CC BY 4.0 [ ] CC0") == "License: CC BY 4.0"
    assert ticked("CC BY 4.0 ☐ CC0 ☑") is None  # which box is whose?
    assert ticked("✔ CC BY 4.0") == "✔ CC BY 4.0"
    assert ticked("❌ CC BY 4.0") is None
    assert without_struck("~~CC BY-NC 4.0~~ CC BY 4.0").strip() == "CC BY 4.0"
    assert read_statement("~~CC BY-NC 4.0~~ CC BY 4.0").license == "CC-BY-4.0"
    assert read_statement("C̶C̶0̶ CC BY 4.0").license == "CC-BY-4.0"


def test_a_choice_of_licenses_is_an_or() -> None:
    for text in (
        "dual licensed as CC-BY-SA 3.0 and GPL 3.0",
        "Dual-licensed: CC BY-SA 3.0, GPL 3.0",
        "{{self|CC-BY-SA 3.0|GPL 3.0}}",
    ):
        assert read_statement(text).license == "CC-BY-SA-3.0 OR GPL-3.0-only"
    assert read_statement("CC-BY-SA 3.0 and GPL 3.0").license == "CC-BY-SA-3.0 AND GPL-3.0-only"


def test_words_that_no_pattern_needs_are_left_out_without_changing_what_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [row[0].replace("\\n", "\n") for row in ROWS]
    fast = [scope.limits(text) for text in texts]
    monkeypatch.setattr(scope, "_is_significant", lambda word: True)
    monkeypatch.setattr(scope, "_runs", Remembered(scope._read_run))
    slow = [scope.limits(text) for text in texts]
    assert [limit and limit.reason for limit in fast] == [limit and limit.reason for limit in slow]


def test_patterns_and_words_are_folded_as_the_text_is() -> None:
    for pattern in [p for group in scope.PATTERNS.values() for p in group]:
        bare = pattern.replace("\\W", "").replace("\\S", "")
        assert bare == bare.lower() and not set(bare) & set("éèêàáâãäöüóíúñçłøß"), pattern
    assert all(noun == noun.lower() for noun in OTHER_NOUNS)
    assert all(plain(word) for words in scope.SPACELESS.values() for word in words)


def test_endless_statements_about_other_things_take_bounded_time() -> None:
    started = time.process_time()
    for piece in (
        "~~",
        "☐ a ",
        "a\u0336",
        "<s>",
        '"a',
        "title:",
        "samples ",
        "track a - b ",
        "by ",
        "full album ",
        "d'",
        "x ",
    ):
        for size in (1_900, 1_000_000):
            understand("catalog", "CC BY 4.0 " + piece * (size // len(piece)))
    assert time.process_time() - started < 10  # about 1 s on an idle machine
