import csv
import json

import numpy as np
import pytest
from foreign_files import CLIPS, tune, write

from ssmttm.audio.coded import decode_audio
from ssmttm.audio.loudness import loudness
from ssmttm.errors import UserError
from ssmttm.generation.prompts import file_name
from ssmttm.stages import external
from ssmttm.tables import SCHEMAS, read_table, write_table

IDS = ["debian:x/y.ogg@0", "b", "c"]
FILES = ["debian_x_y.ogg_0-c97014c2", "b", "c"]


@pytest.fixture
def folder(tmp_path):
    empty = dict.fromkeys(SCHEMAS["captions"].names)
    rows = [empty | {"clip_id": i, "track_id": i, "caption": f"caption of {i}"} for i in IDS]
    write_table(tmp_path / "prompts.parquet", "captions", rows)
    for number, name in enumerate(FILES):
        write(tmp_path / "audio" / f"{name}.wav", tune(4, 16000, number))
    return tmp_path


def run(folder, **settings):
    spec = {"system": {"folder": str(folder / "audio"), **settings}, "clips": CLIPS}
    external.run(spec, "suno", folder / "prompts.parquet", folder / "final.parquet", folder / "facts.json")
    rows = read_table(folder / "final.parquet", "generated").to_pylist()
    return {r["clip_id"]: r for r in rows}, json.loads((folder / "facts.json").read_text(encoding="utf-8"))


def refused(folder):
    with pytest.raises(UserError) as error:
        run(folder)
    assert not (folder / "final.parquet").exists()
    return str(error.value)


def test_files_are_found_by_id_also_where_an_id_is_no_file_name(folder):
    rows, facts = run(folder, parameters=3e8, flops=1e20, hours=500.0, note="by hand")
    assert list(rows) == IDS
    for number, row in enumerate(rows.values()):
        wave, rate = decode_audio(row["audio"]["bytes"])
        assert (rate, len(wave), row["system"], row["seed"]) == (16000, 64000, "suno", None)
        assert loudness(wave, rate) == pytest.approx(-18, abs=0.1)
        assert np.corrcoef(wave, tune(4, 16000, number))[0, 1] > 0.999
    assert facts == {
        "system": "suno", "kind": "external", "parameters": 3e8, "flops": 1e20, "hours": 500.0,
        "note": "by hand; brought to -18 LUFS", "sample_rates": [16000], "channels": [1], "silent": [],
    }  # fmt: skip


def test_another_sample_rate_is_resampled_and_said(folder, capsys):
    write(folder / "audio" / "b.wav", tune(4, 44100, 1), 44100)
    rows, facts = run(folder)
    wave, rate = decode_audio(rows["b"]["audio"]["bytes"])
    assert (rate, len(wave)) == (16000, 64000)
    assert facts["sample_rates"] == [16000, 44100]
    for text in (facts["note"], capsys.readouterr().err):
        assert "resampled from 44100 Hz to 16000 Hz" in text


def test_stereo_is_averaged_and_a_mixed_folder_said(folder, capsys):
    both = np.stack([tune(4, 16000, 1), np.zeros(64000)], axis=1)
    write(folder / "audio" / "b.wav", both)
    rows, facts = run(folder)
    assert np.corrcoef(decode_audio(rows["b"]["audio"]["bytes"])[0], tune(4, 16000, 1))[0, 1] > 0.999
    assert facts["channels"] == [1, 2]
    assert "channels averaged to mono in 1 of 3 files, such as b.wav; the others are mono" in capsys.readouterr().err


def test_all_problems_stand_in_one_message_with_files_and_remedies(folder):
    (folder / "audio" / "debian_x_y.ogg_0-c97014c2.wav").unlink()
    write(folder / "audio" / "b.wav", np.where(np.arange(64000) == 100, np.nan, tune(4)))
    write(folder / "audio" / "c.wav", tune(1))
    lines = refused(folder).splitlines()
    assert lines[0].startswith("evaluation.systems.suno.folder: ")
    assert lines[1:] == [
        "  1 caption has no file: debian:x/y.ogg@0 (debian_x_y.ogg_0-c97014c2.wav); make them, or take the system out: "
        f"scores of other sets of captions can't be compared; {folder / 'names.csv'} says what each caption's file is "
        "called",
        "  1 file with samples that are no finite numbers: b.wav (1 of 64000 samples are no finite numbers); generate "
        "them again",
        "  1 file too short to be scored: c.wav (1.00 s); generate at least 3 s",
    ]


def test_the_names_of_all_files_can_be_read_up_when_some_lack(folder):
    for name in FILES:
        (folder / "audio" / f"{name}.wav").unlink()
    refused(folder)
    with open(folder / "names.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["clip_id"], r["file"], r["caption"]) for r in rows] == [
        (i, f"{name}.wav", f"caption of {i}") for i, name in zip(IDS, FILES, strict=True)
    ]


def test_a_folder_gives_a_caption_the_same_audio_whatever_other_captions_are_asked_for(folder):
    long = [f"debian:x/{'y' * 90}.ogg@{start}" for start in (0, 6000, 12000)]
    for number, name in enumerate([*map(file_name, long)]):
        write(folder / "audio" / f"{name}.wav", tune(4, 16000, 10 + number))
    empty = dict.fromkeys(SCHEMAS["captions"].names)

    def audio(ids):
        write_table(folder / "prompts.parquet", "captions", [empty | {"clip_id": i, "caption": "x"} for i in ids])
        return {i: row["audio"]["bytes"] for i, row in run(folder)[0].items()}

    whole = audio(long)
    assert len(set(whole.values())) == 3
    assert audio(long[1:]) == {i: whole[i] for i in long[1:]}
    assert audio([long[2], long[0]]) == {i: whole[i] for i in (long[2], long[0])}


def test_a_file_of_another_id_is_not_taken_for_one_that_begins_like_it(folder):
    (folder / "audio" / "b.wav").rename(folder / "audio" / "b.remix.wav")
    assert "1 caption has no file: b (b.wav)" in refused(folder)


@pytest.mark.parametrize("content", [b"", b"RIFF no audio", bytes(1000)])
def test_a_file_that_is_no_audio_is_named(folder, content):
    (folder / "audio" / "b.wav").write_bytes(content)
    assert "1 file can't be decoded: b.wav (" in refused(folder)


def test_a_missing_folder_and_two_files_of_an_id_are_refused(folder):
    write(folder / "audio" / "b.flac", tune(4))
    assert "are both named by the id 'b'; remove one" in refused(folder)
    spec = {"system": {"folder": str(folder / "none")}, "clips": CLIPS}
    with pytest.raises(UserError, match=r"evaluation\.systems\.suno\.folder: .*none: no such folder"):
        external.run(spec, "suno", folder / "prompts.parquet", folder / "a", folder / "b")


def test_silence_is_scored_and_said(folder, capsys):
    write(folder / "audio" / "c.wav", np.zeros(64000))
    rows, facts = run(folder)
    assert not decode_audio(rows["c"]["audio"]["bytes"])[0].any()
    assert facts["silent"] == ["c.wav"]
    assert "1 file silent and scored as such: c.wav" in capsys.readouterr().err
    assert facts["note"].endswith("; the others brought to -18 LUFS")


def test_longer_files_are_cut_shorter_ones_kept_and_extra_ones_left_alone(folder, capsys):
    write(folder / "audio" / "b.wav", tune(9, 16000, 1))
    write(folder / "audio" / "c.wav", tune(3.2, 16000, 2))
    write(folder / "audio" / "other.ogg", tune(4))
    (folder / "audio" / "notes.txt").write_text("not audio")
    rows, _ = run(folder)
    assert [r["duration_s"] for r in rows.values()] == [4.0, 4.0, 3.2]
    said = capsys.readouterr().err
    assert "1 file cut to the first 4 s" in said
    assert "1 file shorter than 4 s, down to 3.2 s: c.wav" in said
    assert "1 file of no caption left alone: other.ogg" in said


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_other_formats_are_read(folder, suffix):
    (folder / "audio" / "b.wav").unlink()
    write(folder / "audio" / "deeper" / f"b.{suffix}", tune(4, 16000, 1))
    assert (
        np.corrcoef(decode_audio(run(folder)[0]["b"]["audio"]["bytes"])[0][:60000], tune(4, 16000, 1)[:60000])[0, 1]
        > 0.9
    )
