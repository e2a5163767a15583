import base64
import io
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile
from chat_server import serving

from ssmttm.audio.coded import encode_audio
from ssmttm.captions import analysis, chat
from ssmttm.captions.check import invented
from ssmttm.captions.facts import Facts
from ssmttm.captions.features import Features
from ssmttm.captions.styles import STYLES
from ssmttm.errors import UserError
from ssmttm.pretrained.musicnn import TAGS
from ssmttm.stages import captions
from ssmttm.tables import SCHEMAS, read_table, write_table

RATE = 24000
SETTINGS = {"tags": 6, "tag_threshold": 0.12, "style": "sentence", "rewrite": None}


def write(path, name, values):
    write_table(path, name, [dict.fromkeys(SCHEMAS[name].names) | v for v in values])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    time = np.arange(3 * RATE) / RATE
    clips = []
    for i in range(12):
        audio = encode_audio((0.2 * np.sin(2 * np.pi * (200 + 40 * i) * time)).astype(np.float32), RATE)
        clip = {"clip_id": f"t{i}@0", "track_id": f"t{i}", "duration_s": 3.0, "audio": {"bytes": audio, "path": "a"}}
        clips.append(clip | {"loudness_lufs": -20.0})
    write(folder / "clips.parquet", "clips", clips)
    tags = ["poprock", "happy", "slow", "acousticguitar", "film"]
    tracks = [{"track_id": f"t{i}", "artist": "Nobody", "tags": tags} for i in range(12)]
    write(folder / "licensed.parquet", "licensed", tracks)
    return folder


real = analysis.features.analyze


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Analysis by table: what is heard is tested elsewhere."""

    def features(wave, rate, analyzer):
        assert analyzer == "essentia"
        pitch = (np.diff(np.signbit(wave)).sum() / 2) / (len(wave) / rate)
        bpm = 140 + round((pitch - 200) / 40) % 20  # no two clips have the same facts
        return Features(bpm, 1.0, "C", "minor", 0.9, 3.0, 0.0, 3.0, 700.0, 0.3, 0.05)

    monkeypatch.setattr(analysis.features, "analyze", features)
    monkeypatch.setattr(
        analysis.tags, "hear", lambda wave, rate: dict.fromkeys(TAGS, 0.0) | {"guitar": 0.6, "drums": 0.4, "slow": 0.3}
    )
    monkeypatch.setattr(chat, "_FIRST_PAUSE_S", 0.01)


def run(data, out, cache=None, **settings):
    spec = {"captions": SETTINGS | settings, "seed": 1}
    captions.run(spec, data / "clips.parquet", data / "licensed.parquet", out, cache)
    return read_table(out, "captions").to_pylist()


def rewriting(server, **settings):
    return {"endpoint": server.endpoint, "model": "m", "batch": 3, "timeout_s": 5.0} | settings


@pytest.mark.parametrize("style", STYLES)
def test_every_clip_has_every_style_and_the_caption_is_the_one_asked_for(data, tmp_path, style):
    rows = run(data, tmp_path / "out.parquet", style=style)
    assert [r["clip_id"] for r in rows] == [f"t{i}@0" for i in range(12)]
    for row in rows:
        texts = {s["style"]: s["text"] for s in row["styles"]}
        assert list(texts) == list(STYLES)
        assert row["caption"] == texts[style]
        assert row["written_by"] == "template"
    assert len({r["caption"] for r in rows}) > 4


def test_mixed_takes_its_captions_from_all_styles(data, tmp_path):
    rows = run(data, tmp_path / "out.parquet", style="mixed")
    styles = [next(s["style"] for s in r["styles"] if s["text"] == r["caption"]) for r in rows]
    assert set(styles) == set(STYLES)


def test_what_the_source_states_comes_first_and_overrules_what_is_heard(data, tmp_path):
    rows = run(data, tmp_path / "out.parquet", style="paragraph")
    for row in rows:
        assert row["tags"] == ["pop rock", "happy", "acoustic guitar", "guitar", "drums"]
        assert "happy pop rock" in row["caption"]
        assert not any(word in row["caption"] for word in ("slow", "rock rock", "ambient"))


def test_a_models_words_replace_the_template_and_say_so(data, tmp_path):
    with serving(lambda q, n: "A happy pop rock piece with drums.") as server:
        rows = run(data, tmp_path / "out.parquet", tmp_path, rewrite=rewriting(server))
        asked = len(server.requests)
        again = run(data, tmp_path / "out.parquet", tmp_path, rewrite=rewriting(server))
        assert len(server.requests) == asked
    assert again == rows
    assert {(r["caption"], r["written_by"]) for r in rows} == {("A happy pop rock piece with drums.", "m")}
    templates = run(data, tmp_path / "out.parquet")
    assert [r["styles"] for r in rows] == [r["styles"] for r in templates]


def test_inventions_fall_back_to_the_template_and_are_counted(data, tmp_path, capsys):
    def reply(question, number):
        return "A pop rock piece with drums." if number % 2 else "A pop rock piece with a saxophone."

    with serving(reply) as server:
        rows = run(data, tmp_path / "out.parquet", tmp_path, rewrite=rewriting(server, batch=1))
    writers = [r["written_by"] for r in rows]
    assert writers == ["m", "template"] * 6
    facts = Facts(3.0, ("happy", "acoustic guitar", "guitar", "drums"), ("pop rock",), 150.0, 1.0, "C", "minor", 0.9)
    assert not any(invented(r["caption"], facts) for r in rows if r["written_by"] == "m")
    assert "6 captions written by m" in (said := capsys.readouterr().err)
    assert "6 templates kept: 0 unanswered, 6 rejected (6 for invented 'saxophone')" in said


def test_lists_of_tags_are_not_reworded(data, tmp_path):
    with serving(lambda q, n: "A happy pop rock piece.") as server:
        rows = run(data, tmp_path / "out.parquet", tmp_path, style="mixed", rewrite=rewriting(server))
        for row in rows:
            texts = {s["style"]: s["text"] for s in row["styles"]}
            assert (row["written_by"] == "template") == (row["caption"] == texts["tags"])
        with pytest.raises(UserError, match="no wording to rewrite"):
            run(data, tmp_path / "out.parquet", tmp_path, style="tags", rewrite=rewriting(server))


def test_a_server_that_never_answers_leaves_no_product(data, tmp_path):
    with serving(lambda q, n: (500, {}, b"loading")) as server:
        with pytest.raises(UserError, match="not one of"):
            run(data, tmp_path / "out.parquet", tmp_path, rewrite=rewriting(server))
    assert not (tmp_path / "out.parquet").exists()


def test_a_listening_model_gets_the_whole_clip_as_wav(data, tmp_path):
    with serving(lambda q, n: "A happy pop rock piece.") as server:
        run(data, tmp_path / "out.parquet", tmp_path, rewrite=rewriting(server, audio=True))
        sound = server.requests[0]["messages"][1]["content"][0]["input_audio"]
    wave, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["data"])))
    assert (rate, len(wave), sound["format"]) == (16000, 3 * 16000, "wav")
    assert np.sqrt((wave**2).mean()) == pytest.approx(0.2 / np.sqrt(2), rel=0.02)


def test_a_clip_of_an_unknown_track_names_both_files(data, tmp_path):
    write(tmp_path / "licensed.parquet", "licensed", [{"track_id": "t0"}])
    with pytest.raises(UserError, match=r"track t1 is not in .*licensed\.parquet"):
        captions.run(
            {"captions": SETTINGS, "seed": 1},
            data / "clips.parquet",
            tmp_path / "licensed.parquet",
            tmp_path / "out.parquet",
        )


def test_memory_does_not_grow_with_the_shard(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20 * RATE).astype(np.float32)
    audio = {"bytes": encode_audio(noise, RATE), "path": "a"}
    write(tmp_path / "licensed.parquet", "licensed", [{"track_id": "t"}])
    peaks = []
    for count in (8, 40):
        clips = [{"clip_id": f"t@{i}", "track_id": "t", "duration_s": 20.0, "audio": audio} for i in range(count)]
        table = [dict.fromkeys(SCHEMAS["clips"].names) | clip for clip in clips]
        write_table(tmp_path / "clips.parquet", "clips", table)
        tracemalloc.start()
        run(tmp_path, tmp_path / "out.parquet")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 10 * len(audio["bytes"])


def test_librosa_listens_where_essentia_is_not_installed(data, tmp_path, monkeypatch):
    monkeypatch.setattr(analysis.features, "analyze", real)
    for module in ("essentia", "ssmttm.audio.algorithms"):
        monkeypatch.setitem(sys.modules, module, None)
    rows = run(data, tmp_path / "out.parquet", analyzer="librosa")
    centroids = [row["spectral_centroid_hz"] for row in rows]
    assert centroids == pytest.approx([200 + 40 * i for i in range(12)], rel=0.02)  # the sines' own frequencies
