from pathlib import Path

import pytest

from ssmttm.errors import UserError
from ssmttm.evaluation.references.prompt_sets import read_prompt_set
from ssmttm.evaluation.references.selection import ranked

MUSICCAPS = "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id\n"
SONG_DESCRIBER = "caption_id,track_id,caption,is_valid_subset,path\n"
REAL = Path(__file__).parents[5] / "shared/data/musiccaps/musiccaps-public.head300.csv"


def table(tmp_path, text, name="captions.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return str(path)


def read(chosen, captions, **more):
    return read_prompt_set({"set": chosen, "captions": captions, **more})


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_of_ones_own_is_read_whatever_its_editor_did(tmp_path, start, end):
    text = start + end.join(["ID;Caption", "a;slow piano, and more", 'b;"fast; metal"', "", ""])
    captioned, notes = read("table", table(tmp_path, text))
    assert [(c.clip_id, c.track_id, c.caption) for c in captioned] == [
        ("a", "a", "slow piano, and more"),
        ("b", "b", "fast; metal"),
    ]
    assert notes == []


def test_columns_of_a_table_can_be_named(tmp_path):
    path = table(tmp_path, "key,text,of\n1,slow piano,jamendo:7\n")
    (found,), _ = read("table", path, columns={"id": "key", "caption": "text", "track": "of"})
    assert (found.clip_id, found.track_id, found.names) == ("1", "jamendo:7", ("1",))
    with pytest.raises(UserError, match=r"captions\.csv: no column id, caption; it has 'key', 'text', 'of'"):
        read("table", path)
    with pytest.raises(UserError, match="no column album"):
        read("table", path, columns={"id": "key", "caption": "text", "track": "album"})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,piano\na,metal\n", r"captions\.csv, row 3: id 'a' is already that of row 2"),
        ("a,piano\nb, \n", r"captions\.csv, row 3: the caption is empty"),
        (",piano\n", r"captions\.csv, row 2: the id is empty"),
        (f"a,{'x' * 2001}\n", r"captions\.csv, row 2: the prompt has 2001 characters"),
        ("", "it holds no captions"),
    ],
)
def test_a_bad_row_is_named(tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        read("table", table(tmp_path, "id,caption\n" + rows))


def test_song_describers_captions_keep_their_ids_and_name_jamendos_tracks(tmp_path):
    path = table(tmp_path, SONG_DESCRIBER + "11,948,a slow song,True,48/948.mp3\n12,948,sad,True,48/948.mp3\n")
    captioned, _ = read("song_describer", path)
    assert [(c.clip_id, c.track_id, c.names) for c in captioned] == [
        ("11", "jamendo:948", ("948",)),
        ("12", "jamendo:948", ("948",)),
    ]
    with pytest.raises(UserError, match="row 2: track_id 'none' is no number"):
        read("song_describer", table(tmp_path, SONG_DESCRIBER + "11,none,a song,True,x\n"))


def test_musiccaps_is_read_with_its_bad_rows_noted_and_restricted_to_instrumentals(tmp_path):
    rows = [
        "-0Gj8-vB1q4,30,40,,\"['piano']\",A sad piano.,4",
        "aaaaaaaaaaa,0,10,,\"['singer']\",A man sings.,4",
        "short,0,10,,[],What?,4",
    ]
    path = table(tmp_path, MUSICCAPS + "\n".join(rows) + "\n")
    captioned, (note,) = read("musiccaps", path)
    assert [(c.clip_id, c.track_id) for c in captioned] == [
        ("-0Gj8-vB1q4_30", "ytdlp:youtube:-0Gj8-vB1q4"),
        ("aaaaaaaaaaa_0", "ytdlp:youtube:aaaaaaaaaaa"),
    ]
    assert "1 row left out (row 4: ytid 'short' is no YouTube id)" in note
    assert [c.clip_id for c in read("musiccaps", path, singing=False)[0]] == ["-0Gj8-vB1q4_30"]


@pytest.mark.parametrize("text", ["id,x\nb,1\nc,1\n", "b\nc\n"])
def test_a_set_is_restricted_to_a_file_of_ids(tmp_path, text):
    path = table(tmp_path, "id,caption\na,one\nb,two\nc,three\n")
    assert [c.clip_id for c in read("table", path, only=table(tmp_path, text, "only.csv"))[0]] == ["b", "c"]
    with pytest.raises(UserError, match=r"evaluation\.prompts\.only: .* has none of the 3 ids, such as a"):
        read("table", path, only=table(tmp_path, "z\n", "other.csv"))


def test_musiccaps_is_restricted_by_the_ids_that_others_publish(tmp_path):
    path = table(tmp_path, MUSICCAPS + "-0Gj8-vB1q4,30,40,,[],A piano.,4\naaaaaaaaaaa,0,10,,[],A drum.,4\n")
    only = table(tmp_path, "ytid,start_s\naaaaaaaaaaa,0\n", "nosinging.csv")
    assert [c.clip_id for c in read("musiccaps", path, only=only)[0]] == ["aaaaaaaaaaa_0"]


def test_a_caption_of_musiccaps_that_is_far_too_long_is_left_out_like_any_bad_row(tmp_path):
    rows = [f"-0Gj8-vB1q4,30,40,,[],{'x' * 2100},4", "aaaaaaaaaaa,0,10,,[],A drum.,4", "short,0,10,,[],What?,4"]
    captioned, (note,) = read("musiccaps", table(tmp_path, MUSICCAPS + "\n".join(rows) + "\n"))
    assert [c.clip_id for c in captioned] == ["aaaaaaaaaaa_0"]
    assert "2 rows left out (row 4: ytid 'short'" in note and "-0Gj8-vB1q4_30: the prompt has 2100 characters" in note


def test_a_table_of_bad_rows_only_says_what_is_wrong_with_them(tmp_path):
    path = table(tmp_path, MUSICCAPS + "short,0,10,,[],What?,4\n-0Gj8-vB1q4,-1,4,,[],A drum.,4\n")
    with pytest.raises(UserError, match=r"it holds no captions; .*row 2: ytid 'short'.*row 3: from -1 s to 4 s"):
        read("musiccaps", path)


@pytest.mark.parametrize(
    ("column", "written", "kept"),
    [
        ("caption_id", "948\n", ["948"]),
        ("track_id", "948\n", ["1", "2"]),
        ("track_id", "track_0000007\n", ["948"]),
        (None, "948\n", ["948"]),
    ],
)
def test_song_describer_is_restricted_by_what_the_column_of_the_file_is_called(tmp_path, column, written, kept):
    path = table(tmp_path, SONG_DESCRIBER + "1,948,a,True,x\n2,948,b,True,x\n948,7,c,True,x\n")
    only = table(tmp_path, f"{column}\n{written}" if column else written, "only.csv")
    captioned, notes = read("song_describer", path, only=only)
    assert [c.clip_id for c in captioned] == kept and notes == []


def test_ids_of_a_restriction_that_name_nothing_are_said(tmp_path):
    path = table(tmp_path, "key,caption\na,one\nb,two\n")
    only = table(tmp_path, "key\nb\nzzz\nyyy\n", "only.csv")
    captioned, (note,) = read("table", path, only=only, columns={"id": "key"})
    assert [c.clip_id for c in captioned] == ["b"]
    assert note.endswith("only.csv: 2 ids of no caption of the set: yyy, zzz")


@pytest.mark.skipif(not REAL.is_file(), reason=f"{REAL} is not there")
def test_the_real_table_of_musiccaps_gives_a_prompt_per_row():
    captioned, notes = read("musiccaps", str(REAL))
    assert len({c.clip_id for c in captioned}) == 300
    assert notes == []


def test_the_order_of_choice_follows_seed_and_purpose_and_nothing_else():
    tracks = {f"t{t}@{i}": f"t{t}" for t in range(4) for i in range(3)}
    order = ranked(tracks, 1)
    assert sorted(order) == sorted(tracks)
    assert {tracks[c] for c in order[:4]} == set(tracks.values())
    assert ranked(dict(reversed(tracks.items())), 1) == order
    assert ranked(tracks, 2) != order != ranked(tracks, 1, "training audio")
