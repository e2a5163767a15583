import numpy as np
import pytest

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.codecs.base import load_codec
from ssmttm.errors import UserError
from ssmttm.evaluation.embedders.musicnn import MusicnnEmbedder
from ssmttm.evaluation.systems.training import training_order
from ssmttm.stages import captions, codec, codec_quality, embed, text, tokens
from ssmttm.tables import SCHEMAS, read_table, write_table
from ssmttm.text.base import load_encoder

RATE = 24000
CODEC = {"name": "spectral", "codebooks": 2, "codebook_size": 16}


def write(path, name, values):
    write_table(path, name, [dict.fromkeys(SCHEMAS[name].names) | v for v in values])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(0)
    clips = []
    for i in range(4):
        pitch = np.repeat(generator.uniform(100, 900, 16), 6000)
        wave = 0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) + generator.normal(0, 0.01, len(pitch))
        audio = {"bytes": encode_audio(wave.astype(np.float32), RATE), "path": f"{i}.flac"}
        clips.append({"clip_id": f"t{i}@0", "track_id": f"t{i}", "duration_s": 4.0, "audio": audio})
    write(folder / "clips.parquet", "clips", clips)
    splits = ["train", "train", "validation", "test"]
    write(folder / "splits.parquet", "splits", [{"clip_id": f"t{i}@0", "split": s} for i, s in enumerate(splits)])
    tracks = [{"track_id": f"t{i}", "artist": "Nobody", "tags": ["Chiptune"]} for i in range(4)]
    write(folder / "licensed.parquet", "licensed", tracks)
    spec = {"codec": CODEC, "clips": {"sample_rate": RATE}, "seed": 1}
    codec.run(spec, [folder / "clips.parquet"], folder / "splits.parquet", folder / "codec.safetensors", 1)
    return folder


def test_the_codec_is_fitted_on_the_training_split_only(data, tmp_path):
    kept = read_table(data / "clips.parquet", "clips").slice(0, 2)
    write_table(tmp_path / "clips.parquet", "clips", kept)
    spec = {"codec": CODEC, "clips": {"sample_rate": RATE}, "seed": 1}
    codec.run(spec, [tmp_path / "clips.parquet"], data / "splits.parquet", tmp_path / "codec.safetensors", 1)
    assert load_codec(tmp_path / "codec.safetensors").identity == load_codec(data / "codec.safetensors").identity


def test_without_a_training_split_no_codec_is_fitted(data, tmp_path):
    write(tmp_path / "splits.parquet", "splits", [{"clip_id": "t0@0", "split": "test"}])
    spec = {"codec": CODEC, "clips": {"sample_rate": RATE}, "seed": 1}
    with pytest.raises(UserError, match="no clip is in the training split"):
        codec.run(spec, [data / "clips.parquet"], tmp_path / "splits.parquet", tmp_path / "codec.safetensors", 1)


def test_tokens_are_codebook_major_and_say_their_codec(data):
    tokens.run({"codec": CODEC}, data / "clips.parquet", data / "codec.safetensors", data / "tokens.parquet", 1)
    coder = load_codec(data / "codec.safetensors")
    clips = read_table(data / "clips.parquet", "clips").to_pylist()
    for row, clip in zip(read_table(data / "tokens.parquet", "tokens").to_pylist(), clips):
        codes = np.array(row["codes"]).reshape(row["codebooks"], row["frames"])
        np.testing.assert_array_equal(codes, coder.encode(decode_audio(clip["audio"]["bytes"])[0]))
        assert (row["clip_id"], row["codec"]) == (clip["clip_id"], coder.identity)


def test_tokens_of_another_codec_than_configured_are_refused(data, tmp_path):
    with pytest.raises(UserError, match=r"data\.codec asks for"):
        settings = CODEC | {"codebooks": 3}
        tokens.run(
            {"codec": settings}, data / "clips.parquet", data / "codec.safetensors", tmp_path / "tokens.parquet", 1
        )


@pytest.mark.parametrize(
    ("audio", "message"),
    [(encode_audio(np.zeros(0, np.float32), RATE, "WAV"), "is audio of zero length"), (b"", "is no audio")],
)
def test_a_clip_without_audio_is_refused_by_its_name(data, tmp_path, audio, message):
    clip = {"clip_id": "t9@0", "track_id": "t9", "audio": {"bytes": audio, "path": "0.flac"}}
    write(tmp_path / "clips.parquet", "clips", [clip])
    with pytest.raises(UserError, match=rf"clips\.parquet: clip t9@0 {message}"):
        tokens.run({"codec": CODEC}, tmp_path / "clips.parquet", data / "codec.safetensors", tmp_path / "tokens", 1)
    assert not (tmp_path / "tokens").exists()


def test_a_pretrained_codec_is_checked_before_any_clip_is_read(tmp_path):
    settings = {"name": "encodec", "model": "facebook/encodec_32khz", "codebooks": 4, "codebook_size": 2048}
    spec = {"codec": settings, "clips": {"sample_rate": RATE}, "seed": 1}
    with pytest.raises(
        UserError, match=r"data\.clips\.sample_rate is 24000, but facebook/encodec_32khz works at 32000"
    ):
        codec.run(spec, [tmp_path / "absent"], tmp_path / "absent", tmp_path / "codec.safetensors", 1)


def test_captions_use_the_sources_genre_and_become_embeddings(data):
    spec = {"captions": {"tags": 5, "tag_threshold": 0.12, "style": "sentence", "rewrite": None}, "seed": 1}
    captions.run(spec, data / "clips.parquet", data / "licensed.parquet", data / "captions.parquet")
    written = read_table(data / "captions.parquet", "captions").to_pylist()
    assert all(row["tags"][0] == "chiptune" for row in written)
    assert not any("Nobody" in row["caption"] for row in written)

    settings = {"encoder": "minilm", "max_tokens": 12}
    text.run({"text": settings}, data / "captions.parquet", data / "text.parquet", 1)
    encoder = load_encoder({"encoder": "minilm"})
    for row, caption in zip(read_table(data / "text.parquet", "text").to_pylist(), written):
        embedding = np.array(row["embedding"], np.float32).reshape(row["length"], row["width"])
        assert row["length"] <= 12
        assert row["encoder"] == encoder.identity
        np.testing.assert_allclose(embedding, encoder.encode([caption["caption"]], 12)[0], atol=2e-3)


def test_the_codec_is_measured_on_test_clips_and_only_by_its_own_tokens(data, tmp_path):
    tokens.run({"codec": CODEC}, data / "clips.parquet", data / "codec.safetensors", data / "tokens.parquet", 1)
    spec = {"embedders": ["clap_laion", "musicnn"], "models": {}, "codec_clips": 5, "seed": 1, "vocoder": "griffin_lim"}
    out, splits = tmp_path / "quality.parquet", data / "splits.parquet"
    inputs = [data / "clips.parquet"], [data / "tokens.parquet"], splits, data / "codec.safetensors"
    codec_quality.run(spec, *inputs, out, tmp_path / "cache", 1)
    rows = read_table(out, "codec_quality").to_pylist()
    coder = load_codec(data / "codec.safetensors")
    assert [row["levels"] for row in rows] == [1, 2]
    assert {(row["clips"], row["frames"], row["codec"]) for row in rows} == {
        (1, coder.frames(4 * RATE), coder.identity)
    }
    assert rows[0]["embedder"].startswith("musicnn")
    other = [row | {"codec": "spectral:0"} for row in read_table(data / "tokens.parquet", "tokens").to_pylist()]
    write_table(tmp_path / "other.parquet", "tokens", other)
    with pytest.raises(UserError, match=r"other\.parquet: its tokens are of spectral:0, but the codec is spectral:"):
        codec_quality.run(spec, inputs[0], [tmp_path / "other.parquet"], *inputs[2:], out, tmp_path / "cache", 1)
    broken = [row | {"codec": coder.identity, "codes": [*row["codes"][:-1], 16]} for row in other]
    write_table(tmp_path / "broken.parquet", "tokens", broken)
    with pytest.raises(UserError, match=r"broken\.parquet: clip t3@0: codes must be 0 to 15, got \d+ to 16"):
        codec_quality.run(spec, inputs[0], [tmp_path / "broken.parquet"], *inputs[2:], out, tmp_path / "cache", 1)


def test_an_empty_caption_is_refused_with_its_clip(tmp_path):
    write(tmp_path / "captions.parquet", "captions", [{"clip_id": "t7@0", "caption": " "}])
    with pytest.raises(UserError, match="clip t7@0 has an empty caption"):
        settings = {"encoder": "minilm", "max_tokens": 12}
        text.run({"text": settings}, tmp_path / "captions.parquet", tmp_path / "text.parquet", 1)


def test_embeddings_of_generated_audio(data, monkeypatch):
    clips = read_table(data / "clips.parquet", "clips").to_pylist()
    rows = [{"clip_id": c["clip_id"], "caption": "x", "audio": c["audio"]} for c in clips]
    write(data / "generated.parquet", "generated", rows)
    spec, out = {"models": {}, "training_clips": 10, "seed": 1}, data / "embeddings.parquet"
    embed.run(spec, "musicnn", data / "generated.parquet", [], None, out, data / "cache", 1)
    first = read_table(out, "embeddings").to_pylist()
    for row in first:
        assert len(row["embedding"]) == row["windows"] * row["dim"]
        assert len(row["posterior"]) == 50 and row["activation"] == "sigmoid" and row["text"] == []
        assert row["backend"].startswith("musicnn")
        assert (row["sample_rate"], row["channels"]) == (24000, 1)
    with monkeypatch.context() as patched:  # all that is needed is in the cache
        patched.setattr(MusicnnEmbedder, "analyze_many", None)
        embed.run(spec, "musicnn", data / "generated.parquet", [], None, out, data / "cache", 1)
    assert read_table(out, "embeddings").to_pylist() == first


def test_of_the_training_clips_so_many_are_embedded_as_the_config_says(data, tmp_path):
    out, cache = tmp_path / "training.parquet", tmp_path / "cache"
    tables = data / "splits.parquet", [data / "clips.parquet"]
    for count, wanted in ((10, {"t0@0", "t1@0"}), (1, {training_order(*tables, 1)[0]})):
        spec = {"models": {}, "training_clips": count, "seed": 1}
        embed.run(spec, "musicnn", None, [data / "clips.parquet"], data / "splits.parquet", out, cache, 1)
        assert set(read_table(out, "embeddings")["clip_id"].to_pylist()) == wanted
    assert len(wanted) == 1
    with pytest.raises(UserError, match="either --generated, or --clips with --splits"):
        embed.run(spec, "musicnn", None, [], None, out, cache, 1)
