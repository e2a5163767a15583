from ssmttm.licenses.policy import KINDS
from ssmttm.licenses.tags import tag_evidence


def evidence_from(**tags: str) -> list[tuple[str | None, str | None, str | None]]:
    return [(r.where, r.text, r.url) for r in tag_evidence({k.replace("_", " "): v for k, v in tags.items()})]


def test_license_tags_are_evidence_whatever_they_say() -> None:
    assert evidence_from(LICENSE=" mystery ", wcop="http://example.org") == [
        ("tag LICENSE", "mystery", None),
        ("tag wcop", "http://example.org", None),
    ]
    assert evidence_from(license="  ", title="CC BY 4.0", artist="Public Domain") == []


def test_copyright_tags_are_evidence_if_they_speak_of_a_license() -> None:
    assert evidence_from(copyright="2010 Jane Doe") == []
    for text in ("2010 Jane. All rights reserved", "CC BY 3.0", "see http://example.org/l", "Public Domain"):
        assert evidence_from(Copyright_Message=text) == [("tag Copyright Message", text, None)]


def test_any_tag_with_the_address_of_a_license_is_evidence() -> None:
    url = "http://creativecommons.org/licenses/by-sa/3.0/"
    assert evidence_from(comment=f"nice ({url}).") == [("tag comment", f"nice ({url}).", url)]
    assert evidence_from(comment="see http://creativecommons.org/about") == []


def test_a_lookalike_is_kept_whole_and_is_no_license() -> None:
    for address in (
        "http://notcreativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org.evil.com/licenses/by/4.0/",
    ):
        (evidence,) = tag_evidence({"comment": address})
        assert evidence.url == address
        assert evidence.reading.license is None


def test_rows_fit_the_table_and_are_bounded() -> None:
    rows = tag_evidence({"license": "x" * 1_000_000, "copyright": "licensed \x00 CC BY 4.0"})
    assert all(row.kind in KINDS for row in rows)
    assert len(str(rows[0].text)) == 20_000
