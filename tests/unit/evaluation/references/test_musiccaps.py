from pathlib import Path
from typing import Any

import numpy as np
import pytest
from debs import flac, tone
from faulty_server import FaultyServer
from ytdlp_site import SETTINGS, context, put, use_site

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.errors import UserError
from ssmttm.evaluation.references import musiccaps
from ssmttm.evaluation.references.musiccaps import Clip, no_singing, read_captions, reference_clip
from ssmttm.fetch.failures import Unavailable

HEADER = "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,is_audioset_eval"
ROW = '-0Gj8-vB1q4,30,40,"/m/04rlf","[\'piano\', ""children\'s song""]","A slow, sad piano.",4,False,True'
REAL = Path(__file__).parents[5] / "shared/data/musiccaps/musiccaps-public.head300.csv"


def table(tmp_path: Path, *rows: str, header: str = HEADER, end: str = "\n", start: str = "") -> Path:
    path = tmp_path / "musiccaps.csv"
    path.write_text(start + end.join([header, *rows, ""]), encoding="utf-8", newline="")
    return path


def clip(caption: str = "A piano.", *aspects: str) -> Clip:
    return Clip("-0Gj8-vB1q4", 30.0, 40.0, caption, aspects)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_row_is_read_with_its_list_of_aspects(tmp_path: Path, start: str, end: str) -> None:
    found = read_captions(table(tmp_path, ROW, start=start, end=end))
    assert found.clips == [Clip("-0Gj8-vB1q4", 30.0, 40.0, "A slow, sad piano.", ("piano", "children's song"))]
    assert found.rejected == []


@pytest.mark.parametrize(
    "row",
    [
        "../../etc/x,30,40,,[],A piano.,,,",
        "-0Gj8-vB1q4x,30,40,,[],A piano.,,,",
        "-0Gj8-vB1q5,soon,40,,[],A piano.,,,",
        "-0Gj8-vB1q5,nan,40,,[],A piano.,,,",
        "-0Gj8-vB1q5,30,inf,,[],A piano.,,,",
        "-0Gj8-vB1q5,40,30,,[],A piano.,,,",
        "-0Gj8-vB1q5,0,9000,,[],A piano.,,,",
        "-0Gj8-vB1q5,-5,5,,[],A piano.,,,",
        "-0Gj8-vB1q5,30,40,,[],,,,",
        "-0Gj8-vB1q5,30",
        "-0Gj8-vB1q4,30,40,,[],The same excerpt again.,,,",
    ],
)
def test_a_bad_row_is_left_out_with_its_number_and_reason(tmp_path: Path, row: str) -> None:
    found = read_captions(table(tmp_path, ROW, row))
    assert [c.clip_id for c in found.clips] == ["-0Gj8-vB1q4_30"]
    ((number, reason),) = found.rejected
    assert number == 3 and reason


def test_a_table_without_a_column_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column aspect_list, caption"):
        read_captions(table(tmp_path, header="ytid,start_s,end_s"))
    with pytest.raises(UserError, match=r"musiccaps\.csv"):
        read_captions(tmp_path / "musiccaps.csv.gz.missing" / "musiccaps.csv")


def test_an_evil_list_of_aspects_is_only_text(tmp_path: Path) -> None:
    row = f"-0Gj8-vB1q4,30,40,,\"{'[' * 5000}__import__('os').abort()\",A piano.,,,"
    (found,) = read_captions(table(tmp_path, row)).clips
    assert found.aspects == ("os",)


@pytest.mark.parametrize(
    "sung",
    [
        clip("A male voice is singing a melody."),
        clip("A piano.", "soft female vocal"),
        clip("A piano.", "instrumental", "male singer"),
        clip("A rapper over a beat."),
        clip("A beat.", "hip-hop-rap"),
        clip("Someone is beatboxing."),
        clip("A children's choir."),
        clip("No drums, but a low male voice."),
        clip("There are no voices at first; then a singer enters."),
        clip("A piano.", "a cappella"),
        clip("A piano.", "no lyrics", "female voice"),
        clip("Two friends are beat boxing in a kitchen."),
        clip("A slow beat.", "beat-boxing"),
        clip("A tender duet over a waltz."),
        clip("A love duet with a string quartet in the back."),
        clip("A tenor enters after the strings."),
        clip("An operatic finale."),
        clip("An opera is performed."),
        clip("Death growls over fast drums."),
        clip("A crowd claps.", "screaming"),
        clip("A vocoder line over a bass."),
        clip("An a-cappella group."),
        clip("She scats and the band follows."),
        clip("No drums but voices in harmony."),
        clip("Without drums, only singing."),
    ],
)
def test_who_sings_is_out(sung: Clip) -> None:
    assert no_singing([sung]) == []


@pytest.mark.parametrize(
    "instrumental",
    [
        clip("A piano.", "instrumental", "no voices"),
        clip("There are no voices in this song."),
        clip("This song has no vocals or lyrics."),
        clip("A guitar without any singing."),
        clip("Tibetan bowls.", "tibetan singing bowl"),
        clip("A soprano saxophone over strings, amusing and rapid."),
        clip("Birds singing, then a synth choir."),
        clip("The strings, rapture, chanterelles."),
        clip("An orchestra plays in a grand opera hall."),
        clip("Fit for a night at the opera house.", "growl synth bass"),
        clip("A growling distorted bass and a screaming guitar.", "dubstep growls"),
        clip("A duet of two cellos.", "guitar duet", "flute and piano duet"),
        clip("A tenor saxophone over a tenor guitar."),
        clip("A loop with a choir pad and a voice-like theremin.", "rap beat"),
        clip("A low drone.", "amp hums", "humming sound"),
        clip("Devoid of vocals; nobody is singing.", "non-vocal", "no drums or voices"),
        clip("You can't hear any singing, and it doesn't feature vocals."),
    ],
)
def test_what_only_sounds_like_singing_stays(instrumental: Clip) -> None:
    assert no_singing([instrumental]) == [instrumental]


@pytest.mark.skipif(not REAL.is_file(), reason=f"{REAL} is not there")
def test_of_the_real_rows_all_are_read_and_about_the_published_share_has_no_singing() -> None:
    found = read_captions(REAL)
    assert len(found.clips) == 300 and found.rejected == []
    assert all(c.aspects and c.end_s - c.start_s == 10 for c in found.clips)
    share = len(no_singing(found.clips)) / len(found.clips)
    assert abs(share - 2218 / 5521) < 0.06


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    use_site(monkeypatch, tmp_path / "shared")
    with FaultyServer({}) as running:
        monkeypatch.setattr(Clip, "url", property(lambda self: running.url(f"/watch/{self.ytid}")))
        monkeypatch.setattr(musiccaps, "track_id", lambda extractor, video: f"ytdlp:site:{video}")
        yield running


def excerpt() -> Clip:
    return Clip("-0Gj8-vB1q4", 2.0, 4.0, "A tone.", ())


def test_the_excerpt_is_cut_from_the_whole_video_without_asking_its_license(
    server: FaultyServer, tmp_path: Path
) -> None:
    wave = np.concatenate([tone(2.0, frequency=200.0), tone(2.0, frequency=500.0), tone(2.0, frequency=900.0)])
    put(server, "-0Gj8-vB1q4", encode_audio(wave, 8000), license=None, duration=6)
    path = reference_clip(excerpt(), SETTINGS, context(tmp_path / "cache"))
    assert path == tmp_path / "cache/musiccaps/-0Gj8-vB1q4_2.flac"
    found, rate = decode_audio(path.read_bytes())
    assert rate == 8000 and len(found) == 16000
    assert np.abs(found - wave[16000:32000]).max() < 1e-3
    hits = len(server.hits)
    assert reference_clip(excerpt(), SETTINGS, context(tmp_path / "cache")) == path
    assert len(server.hits) == hits


def test_the_whole_video_is_dropped_unless_downloads_are_kept(server: FaultyServer, tmp_path: Path) -> None:
    put(server, "-0Gj8-vB1q4", flac(6.0))
    reference_clip(excerpt(), SETTINGS, context(tmp_path / "cache", keep=False))
    assert [p.suffix for p in (tmp_path / "cache/ytdlp/audio").iterdir()] == [".json"]


@pytest.mark.parametrize("info", [{"duration": 3}, {}])
def test_a_video_that_ends_too_early_is_unavailable(server: FaultyServer, tmp_path: Path, info: dict[str, Any]) -> None:
    put(server, "-0Gj8-vB1q4", flac(3.0), **info)
    with pytest.raises(Unavailable, match=r"ends at 4 s|only 1\.0 s"):
        reference_clip(excerpt(), SETTINGS, context(tmp_path / "cache"))
    assert not list((tmp_path / "cache").rglob("*_2.flac"))


def test_a_video_that_is_gone_is_unavailable(server: FaultyServer, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="404"):
        reference_clip(excerpt(), SETTINGS, context(tmp_path / "cache"))
