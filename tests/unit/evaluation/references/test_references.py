import json
import shutil

import numpy as np
import pytest
from foreign_files import CLIPS, codes, tune, write

from ssmttm.audio.coded import decode_audio
from ssmttm.errors import UserError
from ssmttm.evaluation.references.clips import Reference, cut_references
from ssmttm.evaluation.references.musiccaps import Clip
from ssmttm.evaluation.references.prompt_sets import Captioned, read_prompt_set
from ssmttm.sources.contract import Context
from ssmttm.stages import baseline, prompts, reference_clips
from ssmttm.tables import SCHEMAS, read_table, write_table

SETTINGS = CLIPS | {"seconds": 10.0, "sample_rate": 24000}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A data set of one trained and one held-out track, and five captions with audio. Not to be changed."""
    tmp_path = tmp_path_factory.mktemp("study")
    empty = dict.fromkeys(SCHEMAS["splits"].names)
    rows = [{"clip_id": "debian:x@0", "track_id": "debian:x", "artist": "a", "split": "train"}]
    rows += [{"clip_id": "debian:y@0", "track_id": "debian:y", "artist": "b", "split": "test"}]
    write_table(tmp_path / "splits.parquet", "splits", [empty | r for r in rows])
    empty = dict.fromkeys(SCHEMAS["fingerprints"].names)
    tracks = [{"track_id": f"debian:{n}", "codes": codes(tune(60, 24000, s))} for n, s in (("x", 90), ("y", 91))]
    write_table(tmp_path / "fingerprints.parquet", "fingerprints", [empty | t for t in tracks])
    for i in range(5):
        write(tmp_path / "audio" / f"c{i}.wav", tune(12, 44100, i), 44100)
    (tmp_path / "captions.csv").write_text("id,caption\n" + "".join(f"c{i},caption {i}\n" for i in range(5)))
    return tmp_path


@pytest.fixture
def study(built, tmp_path):
    shutil.copytree(built, tmp_path / "study")
    return tmp_path / "study"


def spec(study, **changes):
    chosen = {"set": "table", "captions": str(study / "captions.csv"), "audio": str(study / "audio")}
    return {
        "prompts": 3, "seed": 1, "set": chosen | changes, "clips": SETTINGS, "duplicates": {"similarity": 0.8},
        "fetch": {"keep": True}, "sources": {}, "text": {"encoder": "minilm", "max_tokens": 48},
    }  # fmt: skip


def run(study, count=3, **changes):
    settings = spec(study, **changes) | {"prompts": count}
    out, found = study / "references.parquet", study / "prompts.parquet"
    reference_clips.run(settings, study / "splits.parquet", [study / "fingerprints.parquet"], study / "cache", out)
    prompts.run(settings, [], study / "splits.parquet", found, [out])
    return read_table(out, "clips").to_pylist(), read_table(found, "captions").to_pylist()


def test_references_are_clips_like_the_data_sets_and_prompts_are_their_captions(study):
    clips, captions = run(study)
    assert len(clips) == 3
    assert [c["clip_id"] for c in clips] == [c["clip_id"] for c in captions]
    for clip, caption in zip(clips, captions, strict=True):
        wave, rate = decode_audio(clip["audio"]["bytes"])
        assert (rate, len(wave) / rate, clip["start_s"]) == (24000, 10.0, 1.0)  # the middle of 12 s
        assert caption["caption"] == f"caption {clip['clip_id'][1:]}"
    assert run(study) == (clips, captions)


def test_all_captions_are_used_when_there_are_too_few_and_that_is_said(study, capsys):
    assert len(run(study, 9)[0]) == 5
    assert "5 references, fewer than generation.prompts = 9" in capsys.readouterr().err


def test_captions_without_audio_are_left_out_and_named(study, capsys):
    (study / "audio" / "c1.wav").unlink()
    (study / "audio" / "c3.wav").unlink()
    clips, _ = run(study, 5)
    assert [c["clip_id"] for c in clips] == ["c0", "c2", "c4"]
    assert "2 captions without audio left out (c1, c3)" in capsys.readouterr().err
    for name in ("c0", "c2"):
        (study / "audio" / f"{name}.wav").unlink()
    with pytest.raises(UserError, match=r"holds 1 audio file, of 1 of the 5 captions; name the files .* c0\.wav"):
        run(study)
    with pytest.raises(UserError, match=r"evaluation\.prompts\.audio: .*nowhere: no such folder"):
        run(study, audio=str(study / "nowhere"))


def test_unusable_audio_is_left_out_with_the_reason_and_others_are_taken(study, capsys):
    write(study / "audio" / "c0.wav", np.zeros(120000), 24000)
    write(study / "audio" / "c1.wav", np.full(120000, np.nan), 24000)
    write(study / "audio" / "c2.wav", tune(1, 24000), 24000)
    (study / "audio" / "c3.wav").write_text("no audio")
    write(study / "audio" / "c5.flac", tune(12, 24000, 5), 24000)
    with open(study / "captions.csv", "a") as f:
        f.write("c5,caption 5\n")
    clips, _ = run(study, 6)
    assert [c["clip_id"] for c in clips] == ["c4", "c5"]
    said = capsys.readouterr().err
    assert "4 references left out for the audio" in said
    for part in ("c0.wav is silent", "120000 of 120000 samples are no finite", "c2: 1.00 s", "c3: "):
        assert part in said


def test_two_files_of_one_id_are_refused(study):
    write(study / "audio" / "more" / "c1.flac", tune(12, 24000), 24000)
    with pytest.raises(UserError, match=r"c1\.wav and .*c1\.flac are both named by the id 'c1'"):
        run(study)


def test_shorter_references_than_the_models_clips_are_said(study, capsys):
    for i in range(5):
        write(study / "audio" / f"c{i}.wav", tune(6, 24000, i), 24000)
    assert {c["duration_s"] for c in run(study)[0]} == {6.0}
    assert "3 of 3 references last 6.0 s to 6.0 s, where the models make 10 s" in capsys.readouterr().err


def test_a_reference_with_the_track_id_of_a_trained_one_is_refused_before_its_audio_is_read(study):
    (study / "captions.csv").write_text("id,caption,track\nc0,one,debian:x\nc1,two,debian:y\nc2,three,debian:z\n")
    with pytest.raises(UserError) as refused:
        run(study, audio=str(study / "nowhere"))
    assert "1 of the references" in str(refused.value)
    assert "c0 is debian:x (same track id)" in str(refused.value)
    assert "data.sources.debian" in str(refused.value)
    assert "debian:y" not in str(refused.value)  # it is in the test split


def test_musiccaps_and_song_describer_are_checked_by_their_tracks_ids(study):
    ids = ("ytdlp:youtube:-0Gj8-vB1q4", "jamendo:948")
    rows = [{"clip_id": f"{i}@0", "track_id": i, "artist": "a", "split": "validation"} for i in ids]
    write_table(study / "splits.parquet", "splits", rows)
    (study / "mc.csv").write_text("ytid,start_s,end_s,aspect_list,caption\n-0Gj8-vB1q4,30,40,[],A piano.\n")
    (study / "sd.csv").write_text("caption_id,track_id,caption\n5,948,A song.\n")
    with pytest.raises(UserError, match=r"-0Gj8-vB1q4_30 is ytdlp.*\n.*\n.*data\.sources\.ytdlp\.exclude"):
        run(study, set="musiccaps", captions=str(study / "mc.csv"))
    with pytest.raises(UserError, match=r"5 is jamendo:948.*\n.*\n.*sd\.csv into data\.sources\.jamendo\.exclude"):
        run(study, set="song_describer", captions=str(study / "sd.csv"))


def test_all_that_leaked_is_in_tables_that_the_config_takes(study):
    from ssmttm.sources.exclusions import read_excluded
    from ssmttm.sources.jamendo.metadata import track_number

    numbers = range(100, 160)
    rows = [{"clip_id": f"jamendo:{n}@0", "track_id": f"jamendo:{n}", "artist": "a", "split": "train"} for n in numbers]
    write_table(study / "splits.parquet", "splits", rows)
    rows = [f"c{n},caption,jamendo:{n}\n" for n in numbers] + ["kept,caption,jamendo:7\n", "too,caption,\n"]
    (study / "captions.csv").write_text("id,caption,track\n" + "".join(rows))

    def refused(**changes):
        with pytest.raises(UserError, match="60 of the references") as error:
            run(study, **changes)
        return str(error.value)

    said = refused()
    assert said.count("same track id") == 50 and "and 10 more" in said
    (leaks,), (rest,) = study.glob("leaks.jamendo.*.csv"), study.glob("without_leaks.*.csv")
    assert f"put {leaks} into data.sources.jamendo.exclude" in said and f"evaluation.prompts.only: {rest}" in said
    context = Context(clips={}, fetch={}, cache=study)
    assert len(read_excluded([str(leaks)], context, lambda text: str(track_number(text)))) == 60
    captioned, notes = read_prompt_set(spec(study, only=str(rest))["set"])
    assert [c.clip_id for c in captioned] == ["kept", "too"] and notes == []
    before = leaks.read_bytes()
    refused()
    assert [p.read_bytes() for p in study.glob("leaks.*")] == [before], "a table that a config may name stays as it is"


def test_one_file_is_refused_for_two_captions_unless_they_are_about_one_recording(study):
    (study / "captions.csv").write_text("id,caption\nsong,first\nsong.remix,second\nc0,third\n")
    write(study / "audio" / "song.remix.wav", tune(12, 24000, 9), 24000)
    with pytest.raises(UserError, match=r"song\.remix\.wav is named by two ids, 'song' and 'song\.remix'"):
        run(study)
    (study / "sd.csv").write_text("caption_id,track_id,caption\n1,948,A song.\n2,948,The same.\n949,950,Other.\n")
    write(study / "audio" / "948.2min.wav", tune(12, 24000, 10), 24000)
    write(study / "audio" / "949.2min.wav", tune(12, 24000, 11), 24000)
    clips, _ = run(study, set="song_describer", captions=str(study / "sd.csv"))
    assert {c["clip_id"] for c in clips} == {"1", "2"}, "949 is a caption of another track"
    assert len({c["audio"]["bytes"] for c in clips}) == 1


def test_a_whole_video_serves_its_excerpts_and_an_excerpt_only_itself(study):
    rows = "".join(f"-0Gj8-vB1q4,{start},{start + 10},[],Part {start}.\n" for start in (30, 60))
    (study / "mc.csv").write_text("ytid,start_s,end_s,aspect_list,caption\n" + rows)
    chosen = {"set": "musiccaps", "captions": str(study / "mc.csv")}
    write(study / "audio" / "-0Gj8-vB1q4.wav", tune(80, 24000, 7), 24000)
    clips, _ = run(study, **chosen)
    assert sorted(c["start_s"] for c in clips) == [30.0, 60.0]
    write(study / "audio" / "-0Gj8-vB1q4.wav", tune(10, 24000, 7), 24000)
    with pytest.raises(UserError, match=r"is named by two ids, '-0Gj8-vB1q4_30' and '-0Gj8-vB1q4_60'"):
        run(study, **chosen)


def test_references_that_can_not_be_compared_by_sound_are_said(study, capsys):
    for name in ("c1", "c3"):
        write(study / "audio" / f"{name}.wav", tune(3.2, 24000, 1), 24000)
    run(study, 5)
    said = capsys.readouterr().err
    assert "2 references too short or too quiet to be compared with the data set by sound" in said
    assert ": c1, c3" in said or ": c3, c1" in said


def test_a_reference_that_sounds_like_a_trained_track_is_refused(study):
    write(study / "audio" / "c1.mp3", tune(60, 24000, 90)[30 * 24000 : 41 * 24000] * 0.5, 24000)
    (study / "audio" / "c1.wav").unlink()
    with pytest.raises(UserError, match=r"c1 is debian:x \(sounds alike: 0\.9\d\)"):
        run(study, 5)


def test_a_reference_that_sounds_like_a_held_out_track_is_taken(study):
    write(study / "audio" / "c1.wav", tune(60, 24000, 91)[30 * 24000 : 41 * 24000], 24000)
    assert len(run(study, 5)[0]) == 5


def test_a_whole_video_is_cut_at_the_excerpt_and_an_excerpt_is_taken_as_it_is(tmp_path):
    whole = tune(60, 24000, 7)
    write(tmp_path / "video.wav", whole, 24000)
    write(tmp_path / "cut.wav", whole[30 * 24000 : 40 * 24000], 24000)
    write(tmp_path / "early.wav", whole[: 28 * 24000], 24000)
    excerpt = Clip("-0Gj8-vB1q4", 30.0, 40.0, "A piano.", ())

    def cut(name):
        caption = Captioned(name, "t", "A piano.", (name,), excerpt)
        return next(cut_references([caption], 1, lambda c: tmp_path / f"{name}.wav", SETTINGS, lambda done: None))

    video, ready, early = cut("video"), cut("cut"), cut("early")
    assert isinstance(video, Reference) and isinstance(ready, Reference)
    assert (video.row["start_s"], ready.row["start_s"]) == (30.0, 0.0)
    assert video.row["audio"]["bytes"] == ready.row["audio"]["bytes"]
    assert early == ("early", "ends after 28.0 s, before the excerpt at 30 s")


def test_captions_that_the_encoder_cuts_are_said(study, capsys):
    long = " ".join(["piano"] * 60)
    (study / "captions.csv").write_text(f"id,caption\nc0,short\nc1,{long}\nc2,short too\n")
    run(study)
    assert "1 caption of 3 longer than the data.text.max_tokens = 48 tokens that the models read, such as c1" in (
        capsys.readouterr().err
    )


def test_baselines_are_made_of_the_references(study):
    clips, _ = run(study)
    known = {c["clip_id"]: c["audio"]["bytes"] for c in clips}
    out = study / "b.parquet"

    def made(name, tables, splits=None):
        baseline.run(
            {"seed": 1, "vocoder": "griffin_lim"}, name, study / "prompts.parquet", tables, study / "none", out, splits
        )
        return {r["clip_id"]: r["audio"]["bytes"] for r in read_table(out, "generated").to_pylist()}

    assert made("originals", [study / "references.parquet"]) == known
    shuffled = made("shuffled", [study / "references.parquet"])
    assert sorted(shuffled.values()) == sorted(known.values())
    assert all(shuffled[i] != known[i] for i in known)


def test_prompts_of_other_references_are_refused(study):
    run(study)
    (study / "captions.csv").write_text("id,caption\nz,other\n")
    with pytest.raises(UserError, match=r"c\d, c\d, c\d not among the captions; make them again"):
        prompts.run(spec(study), [], study / "splits.parquet", study / "p.parquet", [study / "references.parquet"])


def test_the_workflow_knows_what_references_depend_on(study):
    from ssmttm.provenance import code_of

    assert len({code_of(stage) for stage in ("reference_clips", "prompts", "external", "musicgen")}) == 4
    assert json.dumps(spec(study))


def test_a_video_that_is_gone_is_replaced_by_the_next_caption(study, monkeypatch, capsys):
    from ssmttm.evaluation.references import musiccaps
    from ssmttm.fetch.failures import Unavailable

    ids = [f"{i:011d}" for i in range(6)]
    rows = [f"{i},0,10,\"['piano']\",Piano number {i}.\n" for i in ids]
    (study / "mc.csv").write_text("ytid,start_s,end_s,aspect_list,caption\n" + "".join(rows))
    asked = []

    def fetched(clip, settings, context):
        asked.append(clip.ytid)
        if clip.ytid == asked[0]:
            raise Unavailable(f"{clip.url}: the video is private")
        return write(context.cache / f"{clip.clip_id}.flac", tune(10, 24000, int(clip.ytid)), 24000)

    monkeypatch.setattr(musiccaps, "reference_clip", fetched)
    clips, captions = run(study, 3, set="musiccaps", captions=str(study / "mc.csv"), audio=None)
    assert len(asked) == 4
    assert {c["track_id"] for c in clips} == {f"ytdlp:youtube:{i}" for i in asked[1:]}
    assert {c["clip_id"] for c in captions} == {f"{i}_0" for i in asked[1:]}
    assert "1 reference left out for the audio" in capsys.readouterr().err
