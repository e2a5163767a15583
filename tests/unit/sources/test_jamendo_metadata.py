import re
import tracemalloc
from pathlib import Path

import pytest

from ssmttm.errors import UserError
from ssmttm.fetch.paths import UnsafeName, safe_relative
from ssmttm.sources.jamendo.checksums import read_checksums
from ssmttm.sources.jamendo.metadata import Name, read_names, read_tracks, track_number

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "mtg-jamendo"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the published MTG-Jamendo metadata is not beside the project"
)

HEAD = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
ROW = "track_0000948\tartist_000087\talbum_000149\t48/948.mp3\t212.7\tmood/theme---background\tgenre---rock"
NAMES = "TRACK_ID\tARTIST_ID\tALBUM_ID\tTRACK_NAME\tARTIST_NAME\tALBUM_NAME\tRELEASEDATE\tURL"


def table(folder: Path, *rows: str | bytes, head: str | bytes = HEAD, end: bytes = b"\n") -> Path:
    path = folder / "raw.tsv"
    path.write_bytes(end.join(r.encode() if isinstance(r, str) else r for r in (head, *rows)) + end)
    return path


def row(number: int = 1, path: str | None = None, seconds: str = "60.0", tags: str = "genre---rock") -> str:
    path = f"{number % 100:02d}/{number}.mp3" if path is None else path
    return f"track_{number:07d}\tartist_000001\talbum_000001\t{path}\t{seconds}\t{tags}"


def tracks(folder: Path, *rows: str | bytes, **options: str | bytes):
    return read_tracks(table(folder, *rows, **options), "raw.tsv")


@needs_shared
def test_the_published_table_is_read_whole() -> None:
    found = read_tracks(SHARED / "autotagging_moodtheme.head3000.tsv", "x")
    assert len(found) == 3000
    assert all(t.problem is None and t.duration_s > 30 and t.artist_id.startswith("artist_") for t in found)
    assert all(t.path == f"{t.number % 100:02d}/{t.number}.mp3" for t in found)
    assert (found[0].number, found[0].duration_s, found[0].tags) == (948, 212.7, ("background",))
    assert found[5].tags == ("calm", "melodic")  # each tag is a field of its own
    fields = (
        sum(len(line.split("\t")) for line in (SHARED / "autotagging_moodtheme.head3000.tsv").open()) - 3001 * 5 - 1
    )
    assert sum(len(t.tags) for t in found) == fields


@needs_shared
def test_the_published_checksums_are_read_whole() -> None:
    found = read_checksums(SHARED / "audio-low_sha256_tracks.head2000.txt")
    assert len(found) == 2000
    assert found["00/1009600.low.mp3"].startswith("54b5a5d532e9")


def test_tags_are_plain_words_with_genres_first(tmp_path: Path) -> None:
    tags = "instrument---piano\tmood/theme---calm\tgenre---rock\t\tgenre---pop\todd\tgenre---rock"
    (track,) = tracks(tmp_path, row(tags=tags))
    assert track.tags == ("rock", "pop", "calm", "piano", "odd")


@pytest.mark.parametrize("tags", ["", None])
def test_a_track_may_have_no_tags(tmp_path: Path, tags: str | None) -> None:
    text = row(tags="") if tags == "" else row().rpartition("\t")[0]
    (track,) = tracks(tmp_path, text)
    assert (track.tags, track.problem) == ((), None)


def test_byte_order_mark_crlf_and_empty_lines_change_nothing(tmp_path: Path) -> None:
    plain = tracks(tmp_path, ROW, row(2))
    assert tracks(tmp_path, "", ROW, "   ", row(2), "", head=b"\xef\xbb\xbf" + HEAD.encode(), end=b"\r\n") == plain
    path = table(tmp_path, ROW, row(2))
    path.write_bytes(path.read_bytes()[:-1])  # no newline at the end
    assert read_tracks(path, "raw.tsv") == plain


@pytest.mark.parametrize(
    "order",
    [
        "DURATION PATH TRACK_ID ARTIST_ID ALBUM_ID TAGS",
        "TAGS TRACK_ID ARTIST_ID ALBUM_ID PATH DURATION",
        "TRACK_ID DURATION TAGS ALBUM_ID ARTIST_ID PATH",
    ],
)
def test_columns_may_stand_in_any_order(tmp_path: Path, order: str) -> None:
    fields = dict(zip(HEAD.split("\t"), ROW.split("\t", 5)))
    rows = [
        "\t".join(fields[name] for name in order.split()),
        "\t".join({**fields, "TAGS": ""}[n] for n in order.split()),
    ]
    (found,) = tracks(tmp_path, rows[0], head=order.replace(" ", "\t").lower())
    assert found == tracks(tmp_path, ROW)[0]
    assert tracks(tmp_path, rows[1], head=order.replace(" ", "\t"))[0].tags == ()


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ("TRACK_ID\tARTIST_ID\tALBUM_ID\tDURATION\tTAGS", "row 1: PATH should"),
        (HEAD + "\tPATH", "row 1: PATH should"),
        ("", "row 1: TRACK_ID, ARTIST_ID"),
        (ROW, "row 1: TRACK_ID, ARTIST_ID"),
        ("<!doctype html>", "row 1: TRACK_ID, ARTIST_ID"),
    ],
)
def test_missing_and_repeated_columns_are_named(tmp_path: Path, head: str, named: str) -> None:
    with pytest.raises(UserError, match=named):
        tracks(tmp_path, ROW, head=head)


def test_a_table_without_tracks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no tracks"):
        tracks(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        read_tracks(tmp_path / "none.tsv", "none.tsv")
    with pytest.raises(UserError, match="can't be read"):
        read_tracks(tmp_path, "folder")


def test_the_same_row_twice_counts_once_and_a_different_one_is_an_error(tmp_path: Path) -> None:
    assert len(tracks(tmp_path, row(1), row(2), row(1))) == 2
    with pytest.raises(UserError, match="rows 2 and 4 both describe track 1, differently"):
        tracks(tmp_path, row(1), row(2), row(1, seconds="61.0"))
    with pytest.raises(UserError, match="rows 2 and 3 both"):  # an id with and without zeros is one id
        tracks(tmp_path, row(1), row(1).replace("track_0000001", "1"))


def test_a_row_without_a_readable_id_is_an_error_that_names_it(tmp_path: Path) -> None:
    for bad in ("artist_1", "track_", "track_-5", "", "track_1_2", "track_٣", "9" * 40):
        with pytest.raises(UserError, match=r"row 3, column TRACK_ID: .* is no id"):
            tracks(tmp_path, row(1), row(2).replace("track_0000002", bad))


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (row(2, seconds="long"), r"row 3, column DURATION: 'long' is no number"),
        (row(2, seconds="-5"), r"column DURATION: '-5' is no number of seconds above 0"),
        (row(2, seconds="0"), "column DURATION"),
        (row(2, seconds="nan"), "column DURATION"),
        (row(2, seconds="1e999"), "column DURATION"),
        (row(2, seconds=""), "column DURATION: '' is"),
        (row(2, path="../../etc/passwd.mp3"), "column PATH: .* leads out of its folder"),
        (row(2, path="/etc/x.mp3"), "column PATH: .* is absolute"),
        (row(2, path="C:\\x.mp3"), "column PATH: .* has a backslash"),
        (row(2, path="C:x.mp3"), "column PATH: .* is absolute"),
        (row(2, path="48/a\x00b.mp3"), r"column PATH: .* control character U\+0000"),
        (row(2, path="48/a\rb.mp3"), r"column PATH: .* control character U\+000D"),
        (row(2, path="48/CON.mp3"), "column PATH: .* name of a device"),
        (row(2, path="nul/2.mp3"), "column PATH: .* name of a device"),
        (row(2, path=f"48/{'x' * 300}.mp3"), "column PATH: .* longer than 255 bytes"),
        (row(2, path=f"48/{'歌' * 100}.mp3"), "column PATH: .* longer than 255 bytes"),
        (row(2, path=""), "column PATH: '' is empty"),
        (row(2, path="48/2.exe"), "column PATH: .* does not end in .mp3"),
        ("track_0000002\tartist_1\talbum_1", "row 3: 3 fields, and 6 columns"),
        (row(2, tags="x" * 1_000_000), "row 3: longer than 65536 bytes"),
    ],
)
def test_a_malformed_row_is_a_track_with_a_problem_and_the_rest_goes_on(tmp_path: Path, text: str, detail: str) -> None:
    first, bad, last = tracks(tmp_path, row(1), text, row(3))
    assert (first.problem, last.problem) == (None, None)
    assert (bad.number, first.number, last.number) == (2, 1, 3)
    assert re.search("^raw.tsv, ", bad.problem) and re.search(detail, bad.problem)
    assert len(bad.problem) < 400
    assert bad.path is None or bad.duration_s is None


def test_a_line_of_many_megabytes_costs_no_memory(tmp_path: Path) -> None:
    path = table(tmp_path, row(1), row(2, tags="y" * 30_000_000), row(3))
    tracemalloc.start()
    found = read_tracks(path, "raw.tsv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [t.problem is None for t in found] == [True, False, True]
    assert peak < 8 << 20


def test_paths_in_other_scripts_are_fine(tmp_path: Path) -> None:
    (track,) = tracks(tmp_path, row(2, path="./48/Музыка 歌 ملف.mp3"))
    assert (track.path, track.problem) == ("48/Музыка 歌 ملف.mp3", None)


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"caf\xe9"])
def test_bytes_that_are_not_utf8_are_named(tmp_path: Path, bad: bytes) -> None:
    with pytest.raises(UserError, match=r"raw.tsv, line 3, byte \d+: not UTF-8"):
        tracks(tmp_path, row(1), row(2).encode() + bad)


def test_a_table_in_utf16_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "raw.tsv"
    path.write_text(f"{HEAD}\n{ROW}\n", encoding="utf-16")
    with pytest.raises(UserError, match="line 1, byte 1: not UTF-8"):
        read_tracks(path, "raw.tsv")


def test_names_are_read_with_quotation_marks_and_tabs_in_titles(tmp_path: Path) -> None:
    rows = [
        'track_0000001\tartist_000001\talbum_000001\t"Open quote\tArt\tAlb\t2010-01-01\thttp://www.jamendo.com/track/1',
        "track_0000002\tartist_000001\talbum_000001\tTwo\t\tArt\tAlb\t2010-01-01\thttp://www.jamendo.com/track/2",
        "track_0000003\tartist_000002\talbum_000002\tDuo\tA\tArt by B\t\t\t",
    ]
    names = read_names(table(tmp_path, *rows, head=NAMES))
    assert names.tracks[1] == Name('"Open quote', "Art", "Alb", "http://www.jamendo.com/track/1")
    assert names.tracks[2] == Name("Two", "Art", "Alb", "http://www.jamendo.com/track/2")
    assert names.tracks[3] == Name("Duo A", "Art by B", "", "")
    assert names.artists == {"artist_000001": "Art", "artist_000002": "Art by B"}


def test_a_malformed_row_of_names_is_an_error(tmp_path: Path) -> None:
    good = "track_0000001\tartist_000001\talbum_000001\tT\tA\tAlb\t2010\thttp://x"
    with pytest.raises(UserError, match="row 3: 7 fields, and 8 columns"):
        read_names(table(tmp_path, good, good.replace("\tT", "").replace("_0000001", "_0000002"), head=NAMES))
    with pytest.raises(UserError, match="rows 2 and 3 name track 1 differently"):
        read_names(table(tmp_path, good, good.replace("\tT\t", "\tU\t"), head=NAMES))


def test_checksums_allow_two_spaces_and_name_what_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "sums.txt"
    a, b = "a" * 64, "B" * 64
    path.write_bytes(f"\ufeff{a}  00/1.mp3\r\n\r\n{b} *./01/101 x.mp3\r\n{a} 00/1.mp3".encode())
    assert read_checksums(path) == {"00/1.mp3": a, "01/101 x.mp3": b.lower()}
    for bad in (f"{a[:-1]} 00/1.mp3", f"{a}", "00/1.mp3 " + a, f"{'g' * 64} x", f"{a}x y"):
        path.write_text(f"{a} 00/2.mp3\n{bad}\n")
        with pytest.raises(UserError, match=r"sums.txt, row 2: .* is not `<64 hex digits> <path>`"):
            read_checksums(path)
    path.write_text(f"{a} 00/2.mp3\n{b} 00/2.mp3\n")
    with pytest.raises(UserError, match=r"row 2: a second, different checksum of '00/2\.mp3'"):
        read_checksums(path)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[(t, 948) for t in ("948", "track_0000948", "jamendo:948", " 948.mp3", "48/948.mp3", "48/948.low.mp3")],
        ("audio/48/948.2min.mp3", 948),
        ("https://www.jamendo.com/track/948", 948),
        ("track_0000000", 0),
        *[(t, None) for t in ("", "x", "track_", "-0Gj8-vB1q4", "948a", "9 48", "ytdlp:948", "948.0", "../948", "٣")],
    ],
)
def test_ids_are_understood_in_every_form_in_which_they_are_published(text: str, number: int | None) -> None:
    assert track_number(text) == number


def test_safe_paths_lose_their_dots_only() -> None:
    assert str(safe_relative("./a//b/./c..mp3")) == "a/b/c..mp3"
    for bad in (
        "a/../../b",
        "..",
        "/a",
        "",
        ".",
        "a\nb",
        "a\\b",
        "aux",
        "x/COM1.txt",
        "a\u2028b",
        "\ud800",
        "x/" * 600,
    ):
        with pytest.raises(UnsafeName):
            safe_relative(bad)
    for good in ("constant.mp3", "a..b", "...", "Con amor.mp3", "né e\u0301.mp3", "x" * 255):
        assert str(safe_relative(good)) == good
