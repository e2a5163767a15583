"""Stage `clips` on single tracks: what is kept, what is dropped, and how far a track is read."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from debs import tone

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.dataset import track, vocals
from ssmttm.stages import clips
from ssmttm.tables import read_table, table_writer

RATE = 8000
SETTINGS = {
    "seconds": 2.0,
    "sample_rate": RATE,
    "loudness_lufs": -18.0,
    "silence_lufs": -50.0,
    "max_track_seconds": 400.0,
}
KEEP = {"mode": "keep", "threshold": 0.5, "model": None}
TABLES = ("clips", "fingerprints", "rejected")


def music(seconds: float, seed: int = 0) -> np.ndarray:
    """Sound that no two places or seeds have in common, float32 `[n]`."""
    wave = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (0.1 * np.convolve(wave, np.hanning(8), "same")).astype(np.float32)


def float_wav(wave: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, RATE, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def cut(
    folder: Path, tracks: dict[str, bytes | Path], vocals: dict[str, Any] = KEEP, **settings: Any
) -> dict[str, list[dict[str, Any]]]:
    """The stage's tables for a shard of `tracks`."""
    with table_writer(folder / "audio.parquet", "audio") as add:
        for track_id, source in tracks.items():
            path = str(source) if isinstance(source, Path) else "x.flac"
            add({"track_id": track_id, "audio": {"bytes": None if isinstance(source, Path) else source, "path": path}})
    spec = {"clips": SETTINGS | settings, "vocals": vocals}
    outputs = {name: folder / f"{name}.parquet" for name in TABLES}
    clips.run(spec, folder / "audio.parquet", outputs["clips"], outputs["fingerprints"], outputs["rejected"])
    return {name: read_table(path, name).to_pylist() for name, path in outputs.items()}


def test_a_track_becomes_clips_with_figures_and_a_fingerprint(tmp_path: Path) -> None:
    found = cut(tmp_path, {"a": encode_audio(music(7.0), RATE)})
    assert [row["clip_id"] for row in found["clips"]] == ["a@0", "a@2000", "a@4000"]
    for row in found["clips"]:
        wave, rate = decode_audio(row["audio"]["bytes"])
        assert (len(wave), rate, row["sample_rate"], row["duration_s"]) == (16000, RATE, RATE, 2.0)
        assert np.abs(wave).max() == pytest.approx(row["peak"], abs=1e-3)
        assert 0 < row["bandwidth_hz"] <= RATE / 2 and 5 < row["crest_db"] < 20
        assert (row["clipped"], row["silence"]) == (0, 0) and abs(row["dc_offset"]) < 0.01
    (print_,) = found["fingerprints"]
    assert (print_["track_id"], print_["duration_s"]) == ("a", pytest.approx(7.0))
    assert (print_["sample_rate"], print_["channels"], print_["lossless"]) == (RATE, 1, True)
    assert print_["bit_rate"] > 10_000 and len(print_["audio_sha256"]) == 64
    assert found["rejected"] == []


def test_one_bad_track_never_stops_the_shard(tmp_path: Path) -> None:
    nothing = np.full(16000, np.nan, np.float32)
    tracks = {
        "text": b"<html>please log in</html>",
        "empty": b"",
        "first": encode_audio(music(2.5), RATE),
        "nan": float_wav(nothing),
        "short": encode_audio(music(1.5), RATE),
        "long": encode_audio(music(401.0), RATE),
        "gone": tmp_path / "not there.flac",
        "silent": encode_audio(np.zeros(40000, np.float32), RATE),
        "gaps": float_wav(np.where(np.arange(80000) % 12000 == 0, np.nan, music(10.0)).astype(np.float32)),
        "last": encode_audio(music(2.5, 1), RATE),
    }
    found = cut(tmp_path, tracks)
    assert [row["clip_id"] for row in found["clips"]] == ["first@0", "last@0"]
    assert [row["track_id"] for row in found["fingerprints"]] == ["first", "last"]
    assert [(row["track_id"], row["reason"]) for row in found["rejected"]] == [
        ("text", "undecodable"),
        ("empty", "undecodable"),
        ("nan", "not_finite"),
        ("short", "too_short"),
        ("long", "too_long"),
        ("gone", "unavailable"),
        ("silent", "silent"),
        ("silent", "silent"),
        ("gaps", "too_short"),
    ]
    details = {row["track_id"]: row["detail"] for row in found["rejected"]}
    assert details["long"] == "401 s, the bound is 400 s"
    assert "gap" in details["gaps"] and "1.50 s" in details["short"]


def test_no_clip_contains_what_is_not_a_number(tmp_path: Path) -> None:
    wave = music(9.0)
    wave[3 * RATE] = np.nan
    found = cut(tmp_path, {"a": float_wav(wave)})
    assert [row["clip_id"] for row in found["clips"]] == ["a@0", "a@3000", "a@5000"]
    assert found["rejected"] == []


def test_a_large_file_is_read_from_where_it_lies(tmp_path: Path) -> None:
    data = encode_audio(music(5.0), RATE)
    path = tmp_path / "big.flac"
    path.write_bytes(data)
    assert cut(tmp_path, {"a": path}) == cut(tmp_path, {"a": data})


def test_the_same_shard_gives_the_same_bytes(tmp_path: Path) -> None:
    tracks = {"a": encode_audio(music(9.0), RATE), "b": encode_audio(tone(5.0), RATE)}
    cut(tmp_path, tracks)
    first = [(tmp_path / f"{name}.parquet").read_bytes() for name in TABLES]
    cut(tmp_path, tracks)
    assert first == [(tmp_path / f"{name}.parquet").read_bytes() for name in TABLES]


def test_a_capped_track_is_read_no_further_than_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[float] = []

    def counted(*arguments: Any) -> Any:
        for block in original(*arguments):
            read.append(len(block.wave) / RATE)
            yield block

    original = track.stream
    monkeypatch.setattr(track, "stream", counted)
    wave = music(390.0)
    found = cut(tmp_path, {"a": encode_audio(wave, RATE)}, per_track=2)
    assert [row["clip_id"] for row in found["clips"]] == ["a@96000", "a@292000"]
    assert sum(read) < 120 + 2 + 2 + 20  # the fingerprint needs two minutes; blocks are some seconds long
    assert found["fingerprints"][0]["duration_s"] == pytest.approx(390.0)
    read.clear()
    found = cut(tmp_path, {"a": encode_audio(wave[: 150 * RATE], RATE)}, per_track=1, seconds=30.0)
    assert [row["clip_id"] for row in found["clips"]] == ["a@60000"]
    assert 120 <= sum(read) < 130


def test_the_clips_of_a_capped_track_are_some_of_all_its_clips(tmp_path: Path) -> None:
    data = encode_audio(music(300.0), RATE)
    every = {row["clip_id"]: row for row in cut(tmp_path, {"a": data})["clips"]}
    some = cut(tmp_path, {"a": data}, per_track=7)["clips"]
    assert len(every) == 150 and len(some) == 7
    assert all(row == every[row["clip_id"]] for row in some)


def test_the_hash_of_a_capped_track_does_not_depend_on_its_clips(tmp_path: Path) -> None:
    data = encode_audio(music(200.0), RATE)
    hashes = {
        cut(tmp_path, {"a": data}, per_track=count, seconds=seconds)["fingerprints"][0]["audio_sha256"]
        for count, seconds in ((1, 2.0), (3, 2.0), (1, 25.0))  # the last one's clip ends at 125 s
    }
    assert len(hashes) == 1


@pytest.mark.parametrize("probability", [0.1, 0.9])
def test_clips_with_voices_are_dropped_and_say_how_likely_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probability: float
) -> None:
    def make_filter(settings: dict[str, Any], sample_rate: int, device: Any) -> Any:
        assert (settings["mode"], sample_rate) == ("drop", RATE)
        return lambda wave: (wave if probability < settings["threshold"] else None, probability)

    monkeypatch.setattr(vocals, "make_filter", make_filter)
    found = cut(tmp_path, {"a": encode_audio(music(4.0), RATE)}, KEEP | {"mode": "drop"})
    if probability < 0.5:
        assert len(found["clips"]) == 2 and found["rejected"] == []
    else:
        assert found["clips"] == [] and found["fingerprints"] == []
        assert [(r["reason"], r["detail"]) for r in found["rejected"]] == [
            ("vocals", "a@0: 0.90"),
            ("vocals", "a@2000: 0.90"),
        ]


def test_separated_clips_are_levelled_after_the_separation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocals, "make_filter", lambda *_: lambda wave: (0.01 * wave, None))
    found = cut(tmp_path, {"a": encode_audio(music(2.0), RATE)}, KEEP | {"mode": "separate"}, silence_lufs=-70.0)
    plain = cut(tmp_path, {"a": encode_audio(music(2.0), RATE)})
    (row,), (original,) = found["clips"], plain["clips"]
    assert row["loudness_lufs"] == pytest.approx(original["loudness_lufs"] - 40, abs=0.1)
    assert row["peak"] == pytest.approx(original["peak"], rel=0.01)


def test_progress_says_how_far_a_long_track_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = []
    original = track.Progress.update
    monkeypatch.setattr(
        track.Progress, "update", lambda self, done, note="": (notes.append(note), original(self, done, note))
    )
    cut(tmp_path, {"a": encode_audio(music(100.0), RATE)})
    assert any(note.startswith("1:") for note in notes)


def test_clips_are_encoded_as_libsndfile_would_round_them() -> None:
    wave = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    wave[:6] = 1, -1, 0.5, 0.5 / 32768, 1.5 / 32768, 32767.5 / 32768
    for format in ("FLAC", "WAV"):
        buffer = io.BytesIO()
        soundfile.write(buffer, np.clip(wave, -1, 1), RATE, format=format, subtype="PCM_16")
        assert encode_audio(wave, RATE, format) == buffer.getvalue()


def test_a_wanted_clip_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    wave = music(300.0)
    wave[200 * RATE :] = np.nan
    found = cut(tmp_path, {"a": float_wav(wave)}, per_track=3)
    assert [row["clip_id"] for row in found["clips"]] == ["a@50000", "a@150000"]
    assert found["rejected"] == []
