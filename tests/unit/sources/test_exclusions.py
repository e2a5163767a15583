from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faulty_server import FaultyServer

from ssmttm.errors import UserError
from ssmttm.sources.contract import Context
from ssmttm.sources.exclusions import read_excluded
from ssmttm.sources.jamendo.metadata import track_number

MUSICCAPS = Path(__file__).resolve().parents[4] / "shared/data/musiccaps/musiccaps-public.head300.csv"


def jamendo(text: str) -> str | None:
    number = track_number(text)
    return None if number is None else str(number)


def excluded(folder: Path, *addresses: str | Path, normalize=jamendo) -> dict[str, str]:
    context = Context({}, {"attempts": 1, "timeout_s": 5.0}, folder / "cache")
    return read_excluded([str(a) for a in addresses], context, normalize)


def written(folder: Path, content: str | bytes, name: str = "held.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


SONG_DESCRIBER = (
    "caption_id,track_id,caption,is_valid_subset,familiarity,artist_id,album_id,path,duration\n"
    '2,948,"Second, with comma",True,3,7,8,48/948.mp3,120.0\n'
    '3,948,"Third\nover lines",True,3,7,8,48/948.mp3,120.0\n'
    "1,1084,First,,2,7,8,84/1084.mp3,60.0\n"
)


@pytest.mark.parametrize(
    "content",
    [
        SONG_DESCRIBER,
        "\ufeff" + SONG_DESCRIBER.replace("\n", "\r\n"),
        "Caption;TRACK_ID \nx, y;track_0000948\nz;jamendo:1084\n",
        "track_0000948\tartist_1\talbum_2\t48/948.mp3\t120.0\tgenre---a\ntrack_0001084\tartist_1\talbum_2\t84/1084.mp3\t9\n",
        "TRACK_ID\tARTIST_ID\ntrack_0000948\tartist_1\n\ntrack_0001084\tartist_1\n",
        "# held out, for evaluation\n948\n# more\n84/1084.mp3\n",
        "948.mp3\r\n\r\nhttps://www.jamendo.com/track/1084",
    ],
)
def test_ids_are_found_in_every_published_form(tmp_path: Path, content: str) -> None:
    found = excluded(tmp_path, written(tmp_path, content))
    assert set(found) == {"948", "1084"}
    assert all(where.startswith("held.csv, row ") for where in found.values())


def test_the_first_row_that_holds_a_track_out_is_named(tmp_path: Path) -> None:
    found = excluded(tmp_path, written(tmp_path, SONG_DESCRIBER), written(tmp_path, "5\n948\n", "more.txt"))
    assert found == {"948": "held.csv, row 2", "1084": "held.csv, row 4", "5": "more.txt, row 1"}


@pytest.mark.parametrize("kind", [pa.int64(), pa.string()])
def test_parquet_is_read_by_its_column(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"audio": [b"x" * 10, b"y"], "track_id": pa.array([948, 1084]).cast(kind)})
    pq.write_table(table, tmp_path / "held.parquet")
    assert excluded(tmp_path, tmp_path / "held.parquet") == {
        "948": "held.parquet, row 1",
        "1084": "held.parquet, row 2",
    }
    pq.write_table(table.select(["audio"]), tmp_path / "other.parquet")
    with pytest.raises(UserError, match=r"other\.parquet: no column track_id or ytid .*it has 'audio'"):
        excluded(tmp_path, tmp_path / "other.parquet")


@pytest.mark.skipif(not MUSICCAPS.is_file(), reason="the published MusicCaps table is not beside the project")
def test_the_published_musiccaps_table_is_read_whole(tmp_path: Path) -> None:
    found = excluded(tmp_path, MUSICCAPS, normalize=lambda text: text if len(text) == 11 else None)
    assert len(found) == 300
    assert found["-0Gj8-vB1q4"] == "musiccaps-public.head300.csv, row 2"
    with pytest.raises(UserError, match=r"row 2: '-0Gj8-vB1q4' is no track id of this source"):
        excluded(tmp_path, MUSICCAPS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("caption,path\na,b\n", "no column track_id or ytid and no list of ids; it has 'caption', 'path'"),
        ("track_id\n948\nnone\n", "row 3: 'none' is no track id"),
        ("a,track_id\n1,948\n2\n", "row 3: '' is no track id"),
        ("948\nnone\n", "row 2: 'none' is no track id"),
        ("", "the file is empty"),
        ('track_id,caption\n948,"open\n1084,x\n', r"row 3? ?.*is a quotation mark left open"),
        (b"track_id\n94\xff8\n", "line 2, byte 3: not UTF-8"),
        (f"track_id,caption\n948,{'x' * 1_000_000}\n", "row 2"),
        (f'track_id,caption\n948,"{"x" * 120_000}"\n', "row 2: a field has more than 100000 characters"),
        (f"track_id,caption\n948,{'x' * 3_000_000}\n", "line 2: longer than 1048576 bytes"),
        (b"PAR1 but no Parquet", "not a readable Parquet file"),
    ],
)
def test_a_file_that_is_not_understood_is_an_error(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        excluded(tmp_path, written(tmp_path, content))
    assert "held.csv" in str(caught.value) and len(str(caught.value)) < 500


def test_files_may_be_addresses_and_none_are_no_error(tmp_path: Path) -> None:
    assert read_excluded(None, Context({}, {}, tmp_path), jamendo) == {}
    with FaultyServer({"/song_describer.csv": SONG_DESCRIBER.encode()}) as server:
        for _ in range(2):
            found = excluded(tmp_path, server.url("/song_describer.csv"))
        assert found["948"] == "song_describer.csv, row 2"
        assert len(server.hits) == 1
    with pytest.raises(UserError, match=r"nothing\.csv: no such file"):
        excluded(tmp_path, tmp_path / "nothing.csv")
