import numpy as np
import pyloudnorm
import pytest

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.errors import UserError
from ssmttm.evaluation.systems import baselines
from ssmttm.stages import baseline, prompts
from ssmttm.tables import SCHEMAS, read_table, write_table


def rows(name, values):
    """Rows of a product with nulls in all columns that `values` does not give."""
    return [dict.fromkeys(SCHEMAS[name].names) | v for v in values]


@pytest.mark.parametrize("sizes", [(1, 1), (3, 2, 1), (4, 4), (5, 1, 1, 1, 1, 1), (2,) * 12])
@pytest.mark.parametrize("seed", range(3))
def test_shuffled_leaves_no_caption_with_audio_of_its_track(sizes, seed):
    tracks = {f"t{t}@{i}": f"t{t}" for t, size in enumerate(sizes) for i in range(size)}
    given = baselines.derange(tracks, seed)
    assert sorted(given) == sorted(given.values()) == sorted(tracks)
    assert all(tracks[a] != tracks[b] for a, b in given.items())


@pytest.mark.parametrize("sizes", [(2,), (7,), (5, 1)])
def test_shuffled_within_a_dominating_track_still_moves_every_clip(sizes):
    tracks = {f"t{t}@{i}": f"t{t}" for t, size in enumerate(sizes) for i in range(size)}
    given = baselines.derange(tracks, 0)
    assert sorted(given.values()) == sorted(tracks)
    assert all(a != b for a, b in given.items())


def test_one_clip_cannot_be_shuffled():
    with pytest.raises(UserError, match="at least two prompts"):
        baselines.derange({"a": "t"}, 0)


@pytest.mark.parametrize("level", [0.01, 0.1, 0.3])
def test_noise_is_as_loud_as_the_original(level):
    wave = level * np.sin(np.arange(48000) / 20)
    noise = baselines.noise_like(wave, 24000, 1)
    meter = pyloudnorm.Meter(24000)
    assert meter.integrated_loudness(noise) == pytest.approx(meter.integrated_loudness(wave), abs=0.1)
    assert np.abs(noise).max() <= 1.0
    assert abs(np.corrcoef(noise, baselines.noise_like(wave, 24000, 2))[0, 1]) < 0.05


def test_noise_for_silence_is_silent():
    assert not baselines.noise_like(np.zeros(24000), 24000, 1).any()


def test_prompts_spread_over_tracks_and_follow_the_seed():
    tracks = {f"t{t}@{i}": f"t{t}" for t in range(5) for i in range(10 * t + 1)}
    chosen = prompts.choose(tracks, 9, 1)
    per_track = [sum(tracks[c] == f"t{t}" for c in chosen) for t in range(5)]
    assert len(chosen) == 9
    assert sum(per_track) == 9
    assert min(per_track) == 1  # the track with one clip, too
    assert max(per_track) == 2
    assert prompts.choose(dict(reversed(tracks.items())), 9, 1) == chosen
    assert prompts.choose(tracks, 9, 2) != chosen


@pytest.fixture
def data(tmp_path):
    ids = [(f"t{i // 2}@{i}", f"t{i // 2}") for i in range(8)]
    tone = np.sin(np.arange(24000) / 20).astype(np.float32)
    clips = [
        {"clip_id": c, "track_id": t, "audio": {"bytes": encode_audio(tone * (i + 1) / 10, 24000), "path": "x"}}
        for i, (c, t) in enumerate(ids)
    ]
    write_table(tmp_path / "clips.parquet", "clips", rows("clips", clips))
    captions = [{"clip_id": c, "track_id": t, "caption": f"caption of {c}"} for c, t in ids]
    write_table(tmp_path / "captions.parquet", "captions", rows("captions", captions))
    splits = [{"clip_id": c, "track_id": t, "split": "test" if t != "t0" else "train"} for c, t in ids]
    write_table(tmp_path / "splits.parquet", "splits", rows("splits", splits))
    return tmp_path


def choose_prompts(data, count):
    spec = {"prompts": count, "seed": 1, "set": {"set": "test"}}
    prompts.run(spec, [data / "captions.parquet"], data / "splits.parquet", data / "p.parquet")
    return read_table(data / "p.parquet", "captions").to_pylist()


def test_prompts_are_test_captions(data, capsys):
    chosen = choose_prompts(data, 3)
    assert sorted(r["track_id"] for r in chosen) == ["t1", "t2", "t3"]
    assert capsys.readouterr().err == ""


def test_too_few_test_clips_are_all_used_with_a_warning(data, capsys):
    assert len(choose_prompts(data, 20)) == 6
    assert "fewer than generation.prompts = 20" in capsys.readouterr().err


def test_no_test_clip_is_an_error(data):
    write_table(data / "splits.parquet", "splits", rows("splits", [{"clip_id": "t0@0", "split": "train"}]))
    with pytest.raises(UserError, match="no captioned clip is in the test split"):
        choose_prompts(data, 3)


def run_baseline(data, name):
    out = data / f"{name}.parquet"
    given = [data / "clips.parquet"], data / "codec.safetensors", out, data / "splits.parquet"
    baseline.run({"seed": 1, "vocoder": "griffin_lim"}, name, data / "p.parquet", *given)
    return {r["clip_id"]: r for r in read_table(out, "generated").to_pylist()}


def test_originals_keep_and_shuffled_exchanges_audio(data):
    choose_prompts(data, 6)
    originals, shuffled = run_baseline(data, "originals"), run_baseline(data, "shuffled")
    assert originals.keys() == shuffled.keys()
    levels = {c: np.abs(decode_audio(r["audio"]["bytes"])[0]).max() for c, r in originals.items()}
    moved = {c: np.abs(decode_audio(r["audio"]["bytes"])[0]).max() for c, r in shuffled.items()}
    assert sorted(levels.values()) == pytest.approx(sorted(moved.values()))
    for clip, row in shuffled.items():
        assert row["caption"] == f"caption of {clip}"
        assert moved[clip] != pytest.approx(levels[clip])
        assert row["system"] == "shuffled"


def test_a_missing_clip_or_an_unknown_baseline_is_an_error(data):
    choose_prompts(data, 6)
    with pytest.raises(UserError, match="there are originals, codec, shuffled, noise"):
        run_baseline(data, "silence")
    write_table(data / "clips.parquet", "clips", [])
    with pytest.raises(UserError, match="in no table of clips"):
        run_baseline(data, "originals")


class Halving:
    """Stands for a codec: what comes out of it has half the level, so it can't be what went in."""

    sample_rate = 24000

    def encode(self, wave):
        return wave / 2

    def decode(self, codes):
        return codes


@pytest.fixture
def halving(monkeypatch):
    monkeypatch.setattr(baseline, "load_codec", lambda path, vocoder: Halving())


def test_training_audio_is_of_the_train_split_through_the_codec_under_the_prompts_captions(data, capsys, halving):
    choose_prompts(data, 6)

    def coded(data):
        return decode_audio(encode_audio(decode_audio(data)[0] / 2, 24000))[0]

    train = {
        r["clip_id"]: coded(r["audio"]["bytes"])
        for r in read_table(data / "clips.parquet", "clips").to_pylist()
        if r["track_id"] == "t0"
    }
    found = run_baseline(data, "training_codec")
    assert len(found) == 6
    used = [
        [c for c, wave in train.items() if np.array_equal(wave, decode_audio(r["audio"]["bytes"])[0])]
        for r in found.values()
    ]
    assert sorted(clip for (clip,) in used) == ["t0@0"] * 3 + ["t0@1"] * 3
    assert all(r["caption"] == f"caption of {clip}" and r["system"] == "training_codec" for clip, r in found.items())
    assert "the training split has 2 clips for 6 prompts; some are used again" in capsys.readouterr().err


def test_training_audio_needs_a_train_split(data):
    choose_prompts(data, 6)
    write_table(data / "splits.parquet", "splits", rows("splits", [{"clip_id": "t0@0", "split": "test"}]))
    with pytest.raises(UserError, match="the training split has no clips"):
        run_baseline(data, "training_codec")
