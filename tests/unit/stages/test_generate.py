"""Generating by hand, on a run with random weights: what comes out where, and what is refused."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from run_folders import RATE, SETTINGS, Words, write_run

from ssmttm import threads
from ssmttm.audio.coded import encode_audio
from ssmttm.codecs.base import fit_codec, load_codec
from ssmttm.config import ROOT, generation_settings
from ssmttm.errors import UserError
from ssmttm.evaluation.systems import trained
from ssmttm.generation import pipeline, streaming
from ssmttm.generation.prompts import file_name
from ssmttm.stages import generate
from ssmttm.tables import read_table


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder with codec.safetensors beside the data set; its model has fewer codebooks than the codec."""
    return write_run(tmp_path_factory.mktemp("results"), codebooks=2)


@pytest.fixture(autouse=True)
def words(monkeypatch):
    monkeypatch.setattr(pipeline, "load_encoder", lambda settings: Words())
    yield
    torch.use_deterministic_algorithms(False)


def call(run, out, prompt=None, prompts=None, seconds=1.0, **more):
    generate.run(SETTINGS, run, out, prompt, prompts, seconds, None, "cpu", 1, **more)
    return out


def loudest(path):
    wave, rate = soundfile.read(path)
    assert rate == RATE
    return len(wave), np.abs(wave).max()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_one_prompt_is_one_file_of_the_asked_length(run, tmp_path, precision):
    samples, peak = loudest(call(run, tmp_path / "x.flac", "calm piano", seconds=1.3, precision=precision))
    assert samples == round(1.3 * RATE)
    assert 0 < peak < 1


def test_a_folder_gets_one_file_per_prompt_whatever_they_are_called(run, tmp_path):
    prompts = tmp_path / "p.csv"
    prompts.write_text("name,caption\n../up,calm piano\nb,loud drums\n")
    out = call(run, tmp_path / "out", prompts=prompts)
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.wav")) == sorted(
        p.relative_to(tmp_path) for p in (out / "b.wav", out / f"{file_name('../up')}.wav")
    )
    assert loudest(out / "b.wav")[0] == RATE


def test_a_prompt_gives_the_same_audio_in_any_batch_and_as_a_row_of_a_table(run, tmp_path, monkeypatch):
    many, one = tmp_path / "many.csv", tmp_path / "one.csv"
    many.write_text("clip_id,caption\na,calm slow piano\nb,loud drums\nc,strings\n")
    one.write_text("clip_id,caption\nb,loud drums\n")
    call(run, tmp_path / "one", prompts=one)
    call(run, tmp_path / "together", prompts=many)
    monkeypatch.setattr(pipeline, "_STATE_BYTES", 1)
    call(run, tmp_path / "apart", prompts=many)
    waves = [soundfile.read(tmp_path / f / "b.wav")[0] for f in ("one", "together", "apart")]
    assert np.array_equal(waves[0], waves[1])
    assert np.array_equal(waves[0], waves[2])
    rows = read_table(call(run, tmp_path / "t.parquet", prompts=many), "generated").to_pylist()
    assert [r["clip_id"] for r in rows] == ["a", "b", "c"]
    assert rows[1]["duration_s"] == 1.0


def test_audio_is_continued_after_its_codec_rendering(run, tmp_path):
    generator = np.random.default_rng(1)
    stereo = 0.1 * generator.normal(size=(44100, 2))
    soundfile.write(tmp_path / "given.ogg", stereo, 44100)
    samples, _ = loudest(call(run, tmp_path / "x.wav", "calm piano", seconds=0.5, continue_from=tmp_path / "given.ogg"))
    assert samples == RATE // 512 * 512 + RATE // 2


def test_a_stream_grows_and_ends_as_the_file_that_was_asked_for(run, tmp_path, monkeypatch):
    lengths = []
    write = streaming.GrowingWav.write

    def watch(self, samples):
        write(self, samples)
        lengths.append(loudest(tmp_path / "x.partial.wav"))

    monkeypatch.setattr(streaming.GrowingWav, "write", watch)
    samples, peak = loudest(call(run, tmp_path / "x.wav", "calm piano", seconds=5.2, stream=True))
    assert samples == round(5.2 * RATE)
    assert peak < 1
    assert len(lengths) >= 3
    assert lengths[0][0] < lengths[1][0] < samples
    assert not (tmp_path / "x.partial.wav").exists()


def test_a_stream_that_breaks_leaves_what_there_is_of_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline.StreamDecoder, "finish", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(run, tmp_path / "x.wav", "calm piano", seconds=3.0, stream=True)
    assert loudest(tmp_path / "x.partial.wav")[0] > RATE
    assert not (tmp_path / "x.wav").exists()


@pytest.fixture
def carried(run, tmp_path):
    """A copy of the run alone, far from its data set."""
    return shutil.copytree(run, tmp_path / "elsewhere" / "r")


def codec_of(run):
    return run.parent.parent / "data" / "v1" / "codec.safetensors"


def test_a_run_that_was_carried_elsewhere_generates_from_an_empty_folder(run, carried, tmp_path, monkeypatch, ssmttm):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    words = ("generate", "--model", str(carried), "--prompt", "calm piano", "--device", "cpu", "--threads", "1")
    status, _, message = ssmttm(*words, "--out", "none.wav")
    assert status == 2
    assert "--codec FILE" in message
    assert load_codec(codec_of(run)).identity in message
    assert "v1" in message
    assert ssmttm(*words, "--out", "named.wav", "--codec", str(codec_of(run)))[0] == 0
    shutil.copy(codec_of(run), carried)
    assert ssmttm(*words, "--out", "beside.wav")[0] == 0
    monkeypatch.chdir(carried)
    assert ssmttm(*words[:2], ".", *words[3:], "--out", "../../empty/inside.wav")[0] == 0
    audio = {path.name: path.read_bytes() for path in (tmp_path / "empty").iterdir()}
    assert audio.keys() == {"named.wav", "beside.wav", "inside.wav"}
    assert len(set(audio.values())) == 1


def test_settings_of_the_folder_go_before_those_of_the_default_study(tmp_path, monkeypatch):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["generation"]["top_k"] = 7
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    assert generation_settings()["top_k"] == 7


def test_another_codec_than_the_run_was_trained_with_is_refused(carried, tmp_path):
    wave = (0.1 * np.random.default_rng(5).normal(size=2 * RATE)).astype(np.float32)
    other = fit_codec({"name": "spectral", "codebooks": 3, "codebook_size": 7}, iter([wave]), 1, RATE, 1)
    other.save(carried / "codec.safetensors")
    with pytest.raises(UserError, match=rf"is {other.identity}, but the run was trained on .*--codec FILE"):
        call(carried, tmp_path / "x.wav", "calm piano")


def test_a_codec_file_that_its_data_set_does_not_record_is_refused(run, carried, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(codec_of(run), data)
    (data / "dataset.json").write_text(json.dumps({"sha256": {"codec.safetensors": "0" * 64}}))
    with pytest.raises(UserError, match=r"codec\.safetensors: not the file that was released"):
        generate.run(SETTINGS, carried, tmp_path / "x.wav", "piano", None, 1.0, data / "codec.safetensors", "cpu", 1)


@pytest.mark.parametrize(
    ("out", "more", "message"),
    [
        ("x.wav", {}, "either --prompt"),
        ("x.wav", {"prompt": "a", "prompts": "p.txt"}, "either --prompt"),
        ("x.mp3", {"prompt": "a"}, "ends in .wav or .flac"),
        ("x.wav", {"prompts": "p.txt"}, "a folder or a name that ends in .parquet"),
        ("x.flac", {"prompt": "a", "stream": True}, "--stream"),
        ("out", {"prompts": "p.txt", "stream": True}, "--stream"),
        ("x.wav", {"prompt": "a", "precision": "int8"}, "int8"),
        ("x.wav", {"prompt": "a", "continue_from": "nothing.wav"}, "nothing.wav: no such file"),
        ("x.wav", {"prompt": "a", "continue_from": "text.wav"}, "text.wav: not decodable"),
        ("x.wav", {"prompt": "a", "continue_from": "short.wav"}, "short.wav: 100 samples"),
        ("x.wav", {"prompt": "a", "continue_from": "long.wav"}, "long.wav: longer than 1 s"),
    ],
)
def test_what_can_not_be_is_one_message_and_no_file(run, tmp_path, monkeypatch, out, more, message):
    monkeypatch.setattr(pipeline, "LONGEST_PROMPT_S", 1.0)
    (tmp_path / "p.txt").write_text("piano\n")
    (tmp_path / "text.wav").write_text("no audio")
    for name, samples in (("short.wav", 100), ("long.wav", 2 * RATE)):
        (tmp_path / name).write_bytes(encode_audio(np.zeros(samples, np.float32), RATE, "WAV"))
    more = {k: tmp_path / v if k in ("prompts", "continue_from") else v for k, v in more.items()}
    with pytest.raises(UserError, match=re.escape(message)):
        call(run, tmp_path / out, **more)
    assert not (tmp_path / out).exists()


def test_a_prompt_that_is_cut_or_not_known_is_told_of(run, tmp_path, capsys):
    prompts = tmp_path / "p.csv"
    prompts.write_text(
        "name,caption\nplain,calm piano\nlong,one two three four five six seven eight nine ten\n"
        "other,спокойное фортепиано\n"
    )
    call(run, tmp_path / "out", prompts=prompts, seconds=0.5)
    told = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert told == [
        "ssmttm: warning: long: it has 10 tokens, and the model takes 8; not used: 'nine ten'",
        "ssmttm: warning: other: the text encoder doesn't know most of 'спокойное фортепиано', so it will hardly "
        "matter; the models are trained on English captions",
    ]


def test_warnings_of_a_long_file_of_prompts_are_summed_up(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(trained, "_WARNINGS", 1)
    (tmp_path / "p.txt").write_text("спокойное\nфортепиано\nмузыка\n")
    call(run, tmp_path / "out", prompts=tmp_path / "p.txt", seconds=0.5)
    told = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(told) == 2
    assert told[1] == "ssmttm: warning: 2 more of the kind"


def test_small_models_take_one_thread_and_large_ones_those_there_are(run, tmp_path, monkeypatch):
    torch.set_num_threads(2)
    generate.run(SETTINGS, run, tmp_path / "x.wav", "a b", None, 0.5, None, "cpu", None)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(2)
    monkeypatch.setattr(threads, "PARAMETERS_PER_THREAD", 10)
    generate.run(SETTINGS, run, tmp_path / "x.wav", "a b", None, 0.5, None, "cpu", None)
    assert torch.get_num_threads() == 2
    monkeypatch.undo()


def test_a_place_that_can_not_be_written_is_found_before_the_work(ssmttm, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "x.wav", Path("/proc/x/y.wav"), tmp_path):
        status, _, message = ssmttm("generate", "--model", str(tmp_path), "--prompt", "a", "--out", str(out))
        assert status == 2
        assert message.startswith(f"ssmttm: --out {out}: ")
        assert message.count("\n") == 1


def test_a_record_says_by_what_steps_were_computed(run, tmp_path):
    call(run, tmp_path / "x.wav", "calm piano", seconds=0.3, record=tmp_path / "record.json")
    told = json.loads((tmp_path / "record.json").read_text())["backends"]
    launched = "one by one (CUDA graphs are for GPUs of the type cuda; this is cpu)"
    assert told == {"mamba2": "Numba's loops, or tensor operations where the state is large", "launched": launched}
