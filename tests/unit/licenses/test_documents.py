"""License files, readmes and packages' texts: license_documents.yaml has them with what each says of the music."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from debs import flac

from ssmttm.licenses.documents.document import read_document
from ssmttm.licenses.policy import Evidence, decide, make_policy
from ssmttm.sources import local
from ssmttm.sources.contract import Context
from ssmttm.stages import license as license_stage
from ssmttm.tables import read_table, write_table

TABLE = yaml.safe_load((Path(__file__).parent / "license_documents.yaml").read_text(encoding="utf-8"))
REFUSED, ACCEPTED = TABLE["refused"], TABLE["accepted"]
ALLOWED = sorted({part for _, license in ACCEPTED for part in license.split(" OR ")})
SETTINGS: dict[str, Any] = {"allow": ALLOWED}
COMMON = Path("/usr/share/common-licenses")


def test_the_table_is_large_enough_to_tell() -> None:
    assert len(REFUSED) >= 60 and len(ACCEPTED) >= 30
    assert len(set(REFUSED) | {text for text, _ in ACCEPTED}) == len(REFUSED) + len(ACCEPTED)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_said_of_the_music_is_no_license_for_it(text: str) -> None:
    reading = read_document(text)
    assert reading.license is None, reading
    assert reading.note
    for kind in ("license_file", "package_text"):
        decision = decide((Evidence(kind, text, None, "here"),), make_policy(SETTINGS))
        assert decision.reason in ("no_license_evidence", "license_unknown")
        assert reading.note in decision.detail


@pytest.mark.parametrize(("text", "license"), ACCEPTED)
def test_what_is_said_of_the_music_or_of_the_whole_counts(text: str, license: str) -> None:
    assert read_document(text).license == license
    assert decide((Evidence("license_file", text, None, "here"),), make_policy(SETTINGS)).reason is None


def test_from_the_files_to_the_tables(tmp_path: Path) -> None:
    """Each document lies beside a track of its own, whose license cell is empty."""
    folder = tmp_path / "music"
    lines = ["file,license"]
    song = flac(1.2)
    for number, text in enumerate([*REFUSED, *(text for text, _ in ACCEPTED)]):
        album = folder / f"a{number}"
        album.mkdir(parents=True)
        (album / "piece.flac").write_bytes(song)
        (album / "LICENSE.txt").write_text(text, encoding="utf-8")
        lines.append(f"a{number}/piece.flac,")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    clips = {"seconds": 1.0, "max_track_seconds": 60.0}
    context = Context(cache=tmp_path / "cache", fetch={}, clips=clips)
    rows = [row.record() for row in local.list_tracks({"folder": str(folder), "table": str(table)}, context)]
    write_table(tmp_path / "index.parquet", "index", rows)
    out = [tmp_path / name for name in ("licensed.parquet", "rejected.parquet", "ATTRIBUTION.md")]
    license_stage.run({"license": SETTINGS}, tmp_path / "index.parquet", *out)
    refused = {f"local:a{number}/piece.flac" for number in range(len(REFUSED))}
    assert {row["track_id"] for row in read_table(out[1], "rejected").to_pylist()} == refused
    licensed = {row["track_id"]: row["license"] for row in read_table(out[0], "licensed").to_pylist()}
    assert len(licensed) == len(ACCEPTED) and not licensed.keys() & refused


@pytest.mark.parametrize(("name", "license"), [("CC0-1.0", "CC0-1.0"), ("GPL-3", "GPL-3.0-only")])
def test_the_full_text_of_a_license_is_that_license_and_what_follows_it_counts(name: str, license: str) -> None:
    if not (COMMON / name).is_file():
        pytest.skip(f"{COMMON / name} is Debian's")
    text = (COMMON / name).read_text(encoding="utf-8")
    assert read_document(text).license == license
    assert read_document(f"This album is under CC BY 4.0.\n\n{text}").license == "CC-BY-4.0"
    assert read_document(f"Thanks for listening!\n\n{text}").license == license
    assert read_document(f"The sprites are under this license:\n\n{text}").license is None
    assert read_document(f"{text}\n\nThe music is not under this license.").license is None


def test_what_stands_behind_the_part_that_is_read_is_not_overlooked() -> None:
    text = "CC BY 4.0\n\n" + "Thanks to the people of our village for their help.\n\n" * 600
    assert "longer than" in read_document(f"{text}The music is all rights reserved.").note
    assert read_document(f"{text}The music is all rights reserved.").license is None


def test_a_document_that_holds_the_music_back_contradicts_a_catalog_and_one_about_the_code_does_not() -> None:
    policy, catalog = make_policy(SETTINGS), Evidence("catalog", "CC BY 4.0", None, "row 2")
    held = Evidence("license_file", "The music may not be redistributed.", None, "LICENSE")
    other = Evidence("license_file", "The source code may not be redistributed.", None, "LICENSE")
    assert decide((catalog, held), policy).reason == "license_conflict"
    assert decide((catalog, other), policy).reason is None


def test_evidence_that_speaks_of_something_else_gives_way_to_the_next() -> None:
    policy = make_policy(SETTINGS)
    code = Evidence("license_file", "The code is CC0 1.0.", None, "LICENSE")
    tag = Evidence("tag_url", "CC BY 4.0", None, "tag license")
    assert decide((code, tag), policy).license == "CC-BY-4.0"
    alone = decide((code,), policy)
    assert alone.reason == "no_license_evidence" and '"the code"' in alone.detail
