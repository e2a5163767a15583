import os
import socket
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from debs import flac, sha256

from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.licenses.policy import apply_policy, make_policy
from ssmttm.sources import local
from ssmttm.sources.contract import Context, load_source
from ssmttm.tables import REASONS, write_table

CLIPS = {"seconds": 1.0, "max_track_seconds": 4.0}
SONG = flac(2.0)
GIVEN = "file,license,title,artist,album,url,tags,license_url\n"


class Lab:
    """A folder of music and a table."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.table, self.base = folder / "music", folder / "table.csv", folder
        self.folder.mkdir()
        self.context = Context(CLIPS, {}, folder / "cache")

    def file(self, name: str, data: bytes = SONG) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    @property
    def settings(self) -> dict[str, str]:
        return {"folder": str(self.folder), "table": str(self.table)}

    def rows(self, text: str | bytes) -> list[dict[str, Any]]:
        self.table.write_bytes(text.encode() if isinstance(text, str) else text)
        return self.listed()

    def listed(self) -> list[dict[str, Any]]:
        rows = [row.record() for row in local.list_tracks(self.settings, self.context)]
        write_table(self.base / "index.parquet", "index", rows)  # the rows fit the schema
        assert all(r["problem"] is None or (r["problem"] in REASONS and r["problem_detail"]) for r in rows)
        assert len({r["track_id"] for r in rows}) == len(rows)
        return rows

    def fetched(self, row: dict[str, Any]) -> Path:
        return local.fetch(self.settings, row, self.context)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_file_is_listed_as_the_table_states_it(lab: Lab) -> None:
    assert load_source("local") is local
    path = lab.file("a b/Song 1.flac")
    (row,) = lab.rows(
        GIVEN + 'a b/Song 1.flac,CC BY 4.0,"Song, one",Ada,Works,https://x.org/1,ambient; dark ;;ambient,\n'
    )
    assert row["track_id"] == "local:a b/Song 1.flac"
    assert (row["title"], row["artist"], row["album"], row["homepage"]) == (
        "Song, one",
        "Ada",
        "Works",
        "https://x.org/1",
    )
    assert (row["tags"], row["sha256"], row["problem"]) == (["ambient", "dark"], sha256(SONG), None)
    assert row["duration_s"] == pytest.approx(2.0)
    assert row["license_evidence"] == [
        {"kind": "catalog", "text": "CC BY 4.0", "url": None, "where": "table.csv, row 2"}
    ]
    assert lab.fetched(row) == path.resolve()


@pytest.mark.parametrize(
    "text",
    [
        "\ufefffile,license,title\r\na.flac,CC0,A\r\n",
        "License;notes;FILE ;Title\nCC0;x, y;a.flac;A\n",
        "title\tfile\tlicense\nA\ta.flac\tCC0\n",
        '\n\n"file","license","title"\n,,\n"a.flac","CC0","A"\n\n',
        "file,license,title\na.flac,CC0,A,,,\n",
    ],
)
def test_tables_of_every_kind_are_read(lab: Lab, text: str) -> None:
    lab.file("a.flac")
    (row,) = lab.rows(text)
    assert (row["track_id"], row["title"], row["license_evidence"][0]["text"]) == ("local:a.flac", "A", "CC0")
    assert (row["artist"], row["album"], row["homepage"], row["problem"]) == (None, None, None, None)


def test_parquet_is_read_and_null_is_empty(lab: Lab) -> None:
    lab.file("a.flac")
    table = pa.table(
        {"audio": [b"x" * 1000], "File": ["a.flac"], "license": ["CC0"], "title": pa.nulls(1), "tags": [["a", "b"]]}
    )
    pq.write_table(table, lab.table)
    (row,) = lab.listed()
    assert (row["title"], row["tags"], row["problem"]) == ("a", ["a", "b"], None)
    assert row["license_evidence"][0]["where"] == "table.csv, row 1"


def test_a_quoted_cell_may_hold_line_breaks(lab: Lab) -> None:
    lab.file("a.flac"), lab.file("b.flac", flac(2.0, 330))
    rows = lab.rows('file,license,title\na.flac,CC0,"A\nlong ""title"""\nb.flac,CC0,B\n')
    assert [r["title"] for r in rows] == ['A\nlong "title"', "B"]
    assert rows[1]["license_evidence"][0]["where"] == "table.csv, row 3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,title\na,b\n", "should name the columns file and license, each column once; it has 'file', 'title'"),
        ("path;licence\na;b\n", "it has 'path', 'licence'"),
        ("file,license,License\na,b,c\n", "each column once"),
        ("", "the file is empty"),
        ('file,license\na.flac,"CC0\nb.flac,CC0\n', "row 2 .*quotation mark left open"),
        ("file,license\na.flac,CC0\rx\n", "row 2"),
        (f"file,license,title\na.flac,CC0,{'x' * 1_000_000}\n", r"row 2 .*field larger than field limit"),
        (f"file,license,title\na.flac,CC0,{'x' * 2_000_000}\n", "line 2: longer than 1048576 bytes"),
        (b"file,license\ncaf\xe9.flac,CC0\n", "line 2, byte 4: not UTF-8; save the file as UTF-8"),
        ("file,license\na.flac,CC0\n".encode("utf-16"), "line 1, byte 1: not UTF-8"),
        (b"PAR1", "not a readable Parquet file"),
    ],
)
def test_a_table_that_is_not_understood_is_an_error_that_names_the_place(
    lab: Lab, text: str | bytes, message: str
) -> None:
    lab.file("a.flac")
    with pytest.raises(UserError, match=message) as caught:
        lab.rows(text)
    assert "table.csv" in str(caught.value) and len(str(caught.value)) < 500


def test_a_folder_or_table_that_is_not_there_is_an_error(lab: Lab) -> None:
    with pytest.raises(UserError, match=r"table\.csv: no such file"):
        lab.listed()
    with pytest.raises(UserError, match=r"data\.sources\.local\.folder: .*no such folder"):
        list(local.list_tracks(lab.settings | {"folder": str(lab.table)}, lab.context))


def test_every_bad_file_becomes_a_row_and_the_rest_goes_on(lab: Lab, tmp_path: Path) -> None:
    secret = tmp_path / "secret.flac"
    secret.write_bytes(SONG)
    lab.file("good.flac"), lab.file("text.mp3", b"just some text"), lab.file("empty.mp3", b"")
    lab.file("short.flac", flac(0.5)), lab.file("long.flac", flac(5.0)), lab.file("shift.flac", flac(1.5))
    (lab.folder / "link.flac").symlink_to(secret)
    (lab.folder / "loop.flac").symlink_to("loop.flac")
    (lab.folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(lab.folder / "pipe.mp3")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(lab.folder / "socket.mp3"))
    bad = {
        "missing.flac": "is not in the folder",
        "../secret.flac": "leads out of its folder",
        "a/../../secret.flac": "leads out of its folder",
        str(secret): "is absolute",
        "link.flac": "leads out of the folder by a link",
        "loop.flac": "is not in the folder",
        "zero": "leads out of the folder by a link",
        "pipe.mp3": "is no regular file",
        "socket.mp3": "is no regular file",
        "sub\\good.flac": "has a backslash",
        "C:good.flac": "is absolute",
        "a\nb.flac": "control character U+000A",
        "CON": "name of a device",
        "nul.mp3": "name of a device",
        "x" * 300 + ".mp3": "longer than 255 bytes",
        "y/" * 600 + "z.mp3": "longer than 1000 bytes",
        ".": "is empty",
    }
    lines = [f'"{name}",CC0' for name in ("good.flac", *bad, "text.mp3", "empty.mp3", "short.flac", "long.flac", "")]
    rows = lab.rows("file,license\n" + "\n".join([*lines, "shift.flac,CC BY 4.0, International"]) + "\n")
    found = {row["track_id"].removeprefix("local:"): row for row in rows}
    assert rows[0]["problem"] is None
    for row, (name, detail) in zip(rows[1:], bad.items()):
        assert row["problem"] == "unavailable" and detail in row["problem_detail"], name
        assert row["problem_detail"].startswith("table.csv, row ") and len(row["problem_detail"]) < 250
        assert len(row["track_id"]) < 300 and row["track_id"].isprintable()
    for name, problem in {"text.mp3": "undecodable", "empty.mp3": "undecodable", "short.flac": "too_short"}.items():
        assert found[name]["problem"] == problem
    assert found["long.flac"]["problem"] == "too_long"
    assert found["row 24"]["problem_detail"] == "table.csv, row 24: '' is empty"
    assert "more cells than columns" in found["shift.flac"]["problem_detail"]
    assert found["shift.flac"]["license_evidence"] == []


@pytest.mark.parametrize("second", ["a.flac", "./a.flac", "link.flac", "hard.flac", "sub/../a.flac", "caf\u00e9.flac"])
def test_two_rows_about_one_file_are_an_error_that_names_both(lab: Lab, second: str) -> None:
    path = lab.file("a.flac")
    (lab.folder / "link.flac").symlink_to(path)
    os.link(path, lab.folder / "hard.flac")
    lab.file("cafe\u0301.flac", flac(1.5))
    rows = f"file,license\na.flac,CC0\ncafe\u0301.flac,CC0\n{second},CC BY 4.0\n"
    if ".." in second:  # refused before it is looked at
        assert lab.rows(rows)[2]["problem"] == "unavailable"
        return
    with pytest.raises(UserError, match=r"table\.csv: rows [23] and 4 are about the same file"):
        lab.rows(rows)


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("stated", ["NFC", "NFD"])
def test_names_in_other_scripts_are_found_in_either_unicode_form(lab: Lab, stored: str, stated: str) -> None:
    for number, name in enumerate(("Für Élise.flac", "Музыка/й.flac", "歌/가나.flac", "موسيقى.flac")):
        lab.file(unicodedata.normalize(stored, name), flac(2.0, 300 + number))
        (row,) = lab.rows(f"file,license\n{unicodedata.normalize(stated, name)},CC0\n")
        assert row["problem"] is None
        assert row["track_id"] == f"local:{unicodedata.normalize('NFC', name)}"
        assert lab.fetched(row).is_file()


def test_an_empty_license_is_no_evidence_and_an_address_of_one_is(lab: Lab) -> None:
    for number, name in enumerate("abcd"):
        lab.file(f"{name}.flac", flac(2.0, 300 + number))
    by, nc = "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by-nc/4.0/"
    text = f"file,license,license_url\na.flac, ,\nb.flac,,{by}\nc.flac,CC BY 4.0,{by}\nd.flac,CC BY 4.0,{nc}\n"
    rows = lab.rows(text)
    assert [[(e["text"], e["url"]) for e in row["license_evidence"]] for row in rows] == [
        [],
        [(by, by)],
        [("CC BY 4.0", by)],
        [("CC BY 4.0", nc)],
    ]
    settings = {"allow": ["CC-BY-4.0"], "noncommercial": False, "noderivatives": False, "sharealike": True}
    reasons = [decision.reason for decision in apply_policy(rows, make_policy(settings))]
    assert reasons[:3] == ["no_license_evidence", None, None]
    assert reasons[3] in ("license_conflict", "license_unknown")  # the text and the address contradict each other


def test_a_license_file_beside_a_track_speaks_for_its_own_folder(lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.txt"
    outside.write_text("secret")
    lab.file("a/x.flac"), lab.file("a/LICENSE.txt", "CC BY-SA 4.0 é".encode("latin-1")), lab.file("b/y.flac", flac(1.5))
    (lab.folder / "b/COPYING").symlink_to(outside)
    first, second = lab.rows("file,license\na/x.flac,CC BY 4.0\nb/y.flac,CC BY 4.0\n")
    assert [(e["kind"], e["text"], e["where"]) for e in first["license_evidence"]] == [
        ("catalog", "CC BY 4.0", "table.csv, row 2"),
        ("license_file", "CC BY-SA 4.0 é", "a/LICENSE.txt"),
    ]
    assert [e["kind"] for e in second["license_evidence"]] == ["catalog"]


def test_a_file_that_changed_since_it_was_indexed_is_not_used(lab: Lab, tmp_path: Path) -> None:
    path = lab.file("a.flac")
    (row,) = lab.rows("file,license\na.flac,CC0\n")
    path.write_bytes(flac(2.0, 330))
    with pytest.raises(Unavailable, match="index again") as caught:
        lab.fetched(row)
    assert caught.value.reason == "changed"
    path.unlink()
    with pytest.raises(Unavailable, match="is not in the folder"):
        lab.fetched(row)
    (tmp_path / "out.flac").write_bytes(SONG)
    path.symlink_to(tmp_path / "out.flac")
    for url in (row["url"], "..%2Fout.flac", "../out.flac", quoted(tmp_path / "out.flac"), ""):
        with pytest.raises(Unavailable):
            lab.fetched(row | {"url": url})
    assert not hasattr(local, "forget")  # the files are the user's


def quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path))


def test_progress_is_told(lab: Lab) -> None:
    lab.file("a.flac")
    lab.table.write_text("file,license\na.flac,CC0\nb.flac,CC0\n")
    told: list[tuple[int, int, str]] = []
    list(local.list_tracks(lab.settings, Context(CLIPS, {}, lab.base, lambda *step: told.append(step))))
    assert told == [(0, 2, "files"), (1, 2, "files"), (2, 2, "files")]
