import json
import time
from pathlib import Path
from typing import Any

import pytest

from ssmttm.errors import UserError
from ssmttm.licenses import explanation
from ssmttm.licenses.policy import apply_policy, make_policy
from ssmttm.stages import explain, license
from ssmttm.tables import read_table, write_table

SPEC = {"license": {"allow": ["CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-NC-4.0"]}}


def said(*texts: str, lines: list[bytes] | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in explain.run(SPEC, texts, lines, as_json=True)]


def row(number: int, *evidence: tuple[str, str], problem: str | None = None) -> dict[str, Any]:
    return {
        "track_id": f"test:{number}",
        "source": "test",
        "url": f"http://example.org/{number}.mp3",
        "homepage": f"http://example.org/{number}",
        "title": f"Song {number}",
        "artist": "Jane Doe",
        "album": None,
        "duration_s": 60.0,
        "tags": [],
        "license_evidence": [
            {"kind": k, "text": t, "url": None, "where": f"place {n}"} for n, (k, t) in enumerate(evidence)
        ],
        "sha256": None,
        "problem": problem,
        "problem_detail": "3 s" if problem else None,
    }


def test_json_has_exactly_four_fields_one_object_a_line() -> None:
    found = list(explain.run(SPEC, ["CC BY 4.0", "a\nb", "nothing"], as_json=True))
    assert all("\n" not in line for line in found)
    assert [set(json.loads(line)) for line in found] == [{"text", "license", "verdict", "reason"}] * 3
    assert [json.loads(line)["text"] for line in found] == ["CC BY 4.0", "a\nb", "nothing"]


@pytest.mark.parametrize(
    ("text", "license", "verdict", "words"),
    [
        ("CC BY 4.0", "CC-BY-4.0", "keep", "on the list"),
        ("CC BY-SA 3.0 DE", "CC-BY-SA-3.0-DE", "keep", "counts as CC-BY-SA-3.0"),
        ("GPL-3 or CC-BY-3.0", "GPL-3.0-only OR CC-BY-3.0", "keep", "CC-BY-3.0 is on the list, one branch of"),
        ("CC BY-NC 4.0", "CC-BY-NC-4.0", "reject", "forbids commercial use: data.license.noncommercial is off"),
        ("MIT", "MIT", "reject", "MIT is not on the list"),
        ("CC BY-SA", None, "reject", "without a version"),
        ("not CC BY 4.0", None, "reject", '"not" stands before'),
        ("Creative Commons Attribution license (reuse allowed)", "CC-BY-3.0", "keep", "YouTube"),
        ("Standard YouTube License", "LicenseRef-all-rights-reserved", "reject", "not on the list"),
    ],
)
def test_the_verdict_comes_with_its_reason(text: str, license: str | None, verdict: str, words: str) -> None:
    (found,) = said(text)
    assert (found["license"], found["verdict"]) == (license, verdict)
    assert words in found["reason"]


def test_texts_come_from_arguments_and_lines_and_empty_lines_are_skipped() -> None:
    lines = [b"\xef\xbb\xbfCC0\r\n", b"\n", b"   \n", b"CC BY 4.0", b"\xff\xfe\x00\n"]
    found = said("MIT", lines=lines)
    assert [f["text"] for f in found] == ["MIT", "CC0", "CC BY 4.0", "\ufffd\ufffd\x00"]
    assert [f["verdict"] for f in found] == ["reject", "keep", "keep", "reject"]
    assert said("\udcff CC BY 4.0")[0]["text"] == "\ufffd CC BY 4.0"


def test_people_get_short_printable_lines_with_the_license_s_name_and_address() -> None:
    (kept,) = explain.run(SPEC, ["CC BY 4.0"])
    assert "CC-BY-4.0 (Creative Commons Attribution 4.0)" in kept
    assert "https://creativecommons.org/licenses/by/4.0/" in kept
    assert "  keep " in kept
    (hostile,) = explain.run(SPEC, ["\x1b[31m\x00 \u202e" + "x" * 1_000_000])
    assert all(c.isprintable() or c == "\n" for c in hostile)
    assert max(len(line) for line in hostile.splitlines()) < 200
    assert "  reject " in hostile


def test_a_track_of_an_index_is_traced_to_every_statement(tmp_path: Path) -> None:
    index = tmp_path / "index.parquet"
    rows = [
        row(1, ("catch_all", "GPL-2+"), ("catalog", "CC BY 4.0"), ("tag_url", "CC BY-NC 4.0")),
        row(2, ("catalog", "CC BY 4.0")),
        row(3, ("catalog", "CC BY 4.0"), problem="too_short"),
        row(4),
    ]
    write_table(index, "index", rows)
    (text,) = explain.run(SPEC, [], None, index, "test:1")
    assert text.index("1. catalog, place 1") < text.index("2. tag_url, place 2") < text.index("3. catch_all, place 0")
    for part in (
        "says       CC BY 4.0",
        "understood CC-BY-4.0",
        "understood CC-BY-NC-4.0",
        "reject   license_conflict",
    ):
        assert part in text
    (kept,) = explain.run(SPEC, [], None, index, "test:2", as_json=True)
    found = json.loads(kept)
    assert (found["verdict"], found["license"], found["evidence"][0]["decides"]) == ("keep", "CC-BY-4.0", True)
    assert "too_short" in next(explain.run(SPEC, [], None, index, "test:3"))
    assert "no evidence" in next(explain.run(SPEC, [], None, index, "test:4"))
    with pytest.raises(UserError, match="no track 'test:9'"):
        list(explain.run(SPEC, [], None, index, "test:9"))


def test_what_can_t_be_explained_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to explain"):
        list(explain.run(SPEC, []))
    with pytest.raises(UserError, match="--index and --track"):
        list(explain.run(SPEC, [], None, tmp_path / "index.parquet", None))
    with pytest.raises(UserError, match="no such file"):
        list(explain.run(SPEC, [], None, tmp_path / "index.parquet", "test:1"))


def test_the_stage_and_the_explanation_come_to_the_same_verdicts(tmp_path: Path) -> None:
    texts = ["CC BY 4.0", "CC BY-NC 4.0", "mystery", "CC0", "CC BY-SA 3.0", "All rights reserved"]
    rows = [row(n, ("catalog", text)) for n, text in enumerate(texts)] + [row(9, problem="too_short")]
    out = [tmp_path / name for name in ("licensed.parquet", "rejected.parquet", "ATTRIBUTION.md")]
    write_table(tmp_path / "index.parquet", "index", rows)
    license.run({**SPEC, "vocals": {"mode": "separate"}}, tmp_path / "index.parquet", *out)
    kept = {r["track_id"]: r for r in read_table(out[0], "licensed").to_pylist()}
    dropped = {r["track_id"]: r for r in read_table(out[1], "rejected").to_pylist()}
    for n, found in enumerate(said(*texts)):
        assert (f"test:{n}" in kept) == (found["verdict"] == "keep")
        assert f"test:{n}" in kept or found["text"] in dropped[f"test:{n}"]["detail"]
    assert len(kept) + len(dropped) == len(rows)
    assert dropped["test:9"]["stage"] == "index" and dropped["test:1"]["stage"] == "license"
    assert kept["test:0"]["license_evidence"] == rows[0]["license_evidence"]
    assert "vocals removed" in kept["test:0"]["attribution"] and "vocals were removed" in out[2].read_text()
    assert next(d.reason for d in apply_policy(rows, make_policy(SPEC["license"]))) is None


def test_an_index_without_a_usable_track_is_a_clear_error(tmp_path: Path) -> None:
    write_table(tmp_path / "index.parquet", "index", [row(1, ("catalog", "All rights reserved"))])
    with pytest.raises(UserError, match=r"none of its 1 tracks may be used \(license_not_allowed\)"):
        license.run(SPEC, tmp_path / "index.parquet", *[tmp_path / name for name in "abc"])


def test_thousands_of_lines_take_less_than_a_second() -> None:
    lines = [
        f'"Song {i}" by Artist {i}, http://example.org/{i}. License: http://creativecommons.org/licenses/by/{v}/'.encode()
        for i in range(3_000)
        for v in ("2.5", "3.0", "4.0")
    ]
    started = time.process_time()
    found = list(explain.run(SPEC, [], lines, as_json=True))
    assert time.process_time() - started < 2.5  # about 0.4 s on an idle machine
    assert len(found) == 9_000 and sum('"keep"' in line for line in found) == 6_000


def test_a_reservation_of_machine_learning_is_told_with_its_sentence() -> None:
    texts = ["CC BY 4.0. No AI training."]
    (rejected,) = explanation.explain(texts, make_policy({"allow": ["CC-BY-4.0"]}))
    assert (rejected.license, rejected.verdict) == ("CC-BY-4.0", "reject") and "No AI training." in rejected.reason
    (kept,) = explanation.explain(texts, make_policy({"allow": ["CC-BY-4.0"], "ml_reservations": "keep"}))
    assert kept.verdict == "keep"
