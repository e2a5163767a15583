import pytest

from ssmttm import plugins
from ssmttm.errors import UserError
from ssmttm.evaluation.references.leaks import by_id
from ssmttm.evaluation.references.prompt_sets import read_prompt_set
from ssmttm.evaluation.references.track_ids import SOURCES, BadTrack, normal_track


@pytest.mark.parametrize(
    ("canonical", "spellings"),
    [
        ("jamendo:948", ["948", "0948", "track_0000948", "jamendo:0948", "Jamendo: 948", "jamendo:track_948"]),
        ("ytdlp:youtube:-0Gj8-vB1q4", ["-0Gj8-vB1q4", "youtube:-0Gj8-vB1q4", "ytdlp:YouTube:-0Gj8-vB1q4"]),
        ("debian:pkg/a b.ogg", [" debian:pkg/a b.ogg", "Debian:pkg/a b.ogg"]),
        ("local:x:y", ["local:x:y"]),
    ],
)
def test_a_track_is_the_same_however_its_id_is_spelled(canonical, spellings):
    assert {normal_track(s) for s in (canonical, *spellings)} == {canonical}


def test_every_source_of_a_data_set_is_known():
    assert set(SOURCES) == set(plugins.names("ssmttm.sources"))


@pytest.mark.parametrize("text", ["fma:12", "my song", "album/3", "http://example.org/948", ""])
def test_ids_of_no_source_are_not_taken_for_one(text):
    assert normal_track(text) is None


@pytest.mark.parametrize("text", ["jamendo:x", "jamendo:", "ytdlp:youtube", "ytdlp::x", "local:"])
def test_an_id_that_names_a_source_and_is_none_of_its_ids_is_an_error(text):
    with pytest.raises(BadTrack):
        normal_track(text)


def write(tmp_path, track):
    path = tmp_path / "captions.csv"
    path.write_text(f"id,caption,track\na,music,{track}\nb,music,\n")
    return {"set": "table", "captions": str(path)}


@pytest.mark.parametrize("track", ["jamendo:948", "948", "jamendo:0948", "track_0000948"])
def test_a_table_of_ones_own_is_checked_however_its_tracks_are_spelled(tmp_path, track):
    captioned, notes = read_prompt_set(write(tmp_path, track))
    assert notes == []
    assert [leak.clip_id for leak in by_id(captioned, {"jamendo:948"})] == ["a"]


def test_tracks_of_no_source_are_said_and_malformed_ones_refused_by_row(tmp_path):
    captioned, (note,) = read_prompt_set(write(tmp_path, "fma:12"))
    assert [c.track_id for c in captioned] == ["fma:12", "b"]
    assert "1 track of no source of a data set (row 2: 'fma:12')" in note and "jamendo:948" in note
    with pytest.raises(UserError, match=r"captions\.csv, row 2: track 'jamendo:x' is no number"):
        read_prompt_set(write(tmp_path, "jamendo:x"))
