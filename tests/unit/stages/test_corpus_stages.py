"""The stages from index to splits on two tiny packages, without a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from debs import DEP5, deb_bytes, flac, sha256

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.errors import UserError
from ssmttm.seeds import shard_of
from ssmttm.stages import audio, clips, index, license, splits
from ssmttm.tables import read_table, table_writer, write_table

CLIPS = {
    "seconds": 1.0,
    "sample_rate": 8000,
    "loudness_lufs": -18.0,
    "silence_lufs": -50.0,
    "max_track_seconds": 60.0,
}
FETCH = {"connections": 2, "attempts": 2, "timeout_s": 5.0, "keep": True}
VOCALS = {"mode": "keep", "threshold": 0.5, "model": None}
LICENSE = {"allow": ["CC-BY-SA-3.0"], "noncommercial": False, "noderivatives": False, "sharealike": True}
POLICY = {"license": LICENSE, "vocals": VOCALS}
CUT = {"clips": CLIPS, "vocals": VOCALS}
SILENT = encode_audio(np.zeros(16000, np.float32), 8000)


def packages() -> dict[str, bytes]:
    game = {
        "usr/share/doc/game/copyright": DEP5,
        "usr/share/game/data/music/one.flac": flac(3.5),
        "usr/share/game/data/music/two.flac": flac(2.2, 330),
        "usr/share/game/data/music/silent.flac": SILENT,
        "usr/share/game/beep.flac": flac(0.2),
        "usr/share/game/intro.flac": flac(2.0, 500),
    }
    tunes = {"usr/share/doc/tunes/copyright": DEP5, "usr/tunes/data/music/three.flac": flac(1.5, 150)}
    return {"game": deb_bytes(game), "tunes": deb_bytes(tunes)}


@pytest.fixture
def prepared(mirror: Callable[..., str], tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """The sources' spec, and a folder with the products of `index` and `license`."""
    sources = {"debian": {"packages": ["game", "tunes"], "mirror": mirror(packages())}}
    index.run({"sources": sources, "clips": CLIPS, "fetch": FETCH}, tmp_path / "cache", tmp_path / "index.parquet")
    license.run(POLICY, *(tmp_path / n for n in ("index.parquet", "licensed.parquet", "rejected.parquet", "A.md")))
    return {"sources": sources, "fetch": FETCH, "clips": CLIPS, "license": LICENSE}, tmp_path


def names(path: Path, table: str) -> list[str]:
    return [t.rsplit("/", 1)[1] for t in read_table(path, table).column("track_id").to_pylist()]


def test_licensed_and_rejected_are_exactly_the_index(prepared: tuple[dict[str, Any], Path]) -> None:
    _, folder = prepared
    indexed = read_table(folder / "index.parquet", "index").column("track_id").to_pylist()
    kept = read_table(folder / "licensed.parquet", "licensed").to_pylist()
    dropped = read_table(folder / "rejected.parquet", "rejected").to_pylist()
    assert sorted(indexed) == sorted(r["track_id"] for r in kept + dropped)
    assert names(folder / "licensed.parquet", "licensed") == ["one.flac", "silent.flac", "two.flac", "three.flac"]
    assert {r["license"] for r in kept} == {"CC-BY-SA-3.0"}
    assert {r["license_kind"] for r in kept} == {"dep5_files"}
    assert all("CC-BY-SA-3.0" in r["attribution"] for r in kept)
    reasons = {r["track_id"].rsplit("/", 1)[1]: (r["stage"], r["reason"]) for r in dropped}
    assert reasons == {"beep.flac": ("index", "too_short"), "intro.flac": ("license", "license_not_allowed")}
    assert "4 tracks" in (folder / "A.md").read_text()


def run_audio(spec: dict[str, Any], folder: Path, shard: int, shards: int) -> tuple[Path, Path]:
    out, rejected = folder / f"audio/{shard}.parquet", folder / f"audio/{shard}.rejected.parquet"
    audio.run(spec, folder / "licensed.parquet", shard, shards, folder / "cache", out, rejected)
    return out, rejected


def test_shards_hold_every_track_once(prepared: tuple[dict[str, Any], Path]) -> None:
    spec, folder = prepared
    found = {}
    for shard in range(3):
        out, rejected = run_audio(spec, folder, shard, 3)
        assert read_table(rejected, "rejected").num_rows == 0
        for row in read_table(out, "audio").to_pylist():
            assert shard_of(row["track_id"], 3) == shard
            found[row["track_id"]] = sha256(row["audio"]["bytes"])
    wanted = read_table(folder / "licensed.parquet", "licensed", ["track_id", "sha256"]).to_pylist()
    assert found == {row["track_id"]: row["sha256"] for row in wanted}
    with pytest.raises(UserError, match="--shard 3"):
        run_audio(spec, folder, 3, 3)


def test_what_cannot_be_fetched_or_verified_is_rejected(
    prepared: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, folder = prepared
    rows = read_table(folder / "licensed.parquet", "licensed").to_pylist()
    rows[0]["url"], rows[0]["sha256"] = "deb:game=1.0!/not/there.flac", "0" * 64
    rows[1]["sha256"] = "1" * 64
    write_table(folder / "licensed.parquet", "licensed", rows)
    out, rejected = run_audio(spec, folder, 0, 1)
    dropped = read_table(rejected, "rejected").to_pylist()
    assert {r["track_id"]: r["reason"] for r in dropped} == {
        rows[0]["track_id"]: "unavailable",
        rows[1]["track_id"]: "changed",
    }
    assert read_table(out, "audio").num_rows == 2


def test_a_shard_without_tracks_is_an_empty_table(prepared: tuple[dict[str, Any], Path]) -> None:
    spec, folder = prepared
    taken = {
        shard_of(r, 50) for r in read_table(folder / "licensed.parquet", "licensed").column("track_id").to_pylist()
    }
    out, _ = run_audio(spec, folder, next(i for i in range(50) if i not in taken), 50)
    clips.run(CUT, out, *(folder / n for n in ("c.parquet", "f.parquet", "cr.parquet")))
    assert read_table(folder / "c.parquet", "clips").num_rows == 0


def test_clips_are_cut_levelled_and_dropped_with_reasons(prepared: tuple[dict[str, Any], Path]) -> None:
    spec, folder = prepared
    out, _ = run_audio(spec, folder, 0, 1)
    with table_writer(folder / "more.parquet", "audio") as add:
        for row in read_table(out, "audio").to_pylist():
            add(row)
        add({"track_id": "x/broken", "audio": {"bytes": b"no audio", "path": "x"}})
        add({"track_id": "x/short", "audio": {"bytes": flac(0.5), "path": "x"}})
        add({"track_id": "x/long", "audio": {"bytes": flac(61.0), "path": "x"}})
    clips.run(CUT, folder / "more.parquet", *(folder / n for n in ("c.parquet", "f.parquet", "cr.parquet")))
    rows = read_table(folder / "c.parquet", "clips").to_pylist()
    assert sorted(r["clip_id"].rsplit("/", 1)[1] for r in rows) == [
        "one.flac@0", "one.flac@1000", "one.flac@2000", "three.flac@0", "two.flac@0", "two.flac@1000",
    ]  # fmt: skip
    for row in rows:
        wave, rate = decode_audio(row["audio"]["bytes"])
        assert (len(wave), rate, row["sample_rate"], row["duration_s"]) == (8000, 8000, 8000, 1.0)
        assert np.abs(wave).max() == pytest.approx(row["peak"], abs=1e-3)
    dropped = read_table(folder / "cr.parquet", "rejected").to_pylist()
    assert sorted((r["track_id"].rsplit("/", 1)[1], r["reason"]) for r in dropped) == [
        ("broken", "undecodable"), ("long", "too_long"), ("short", "too_short"),
        ("silent.flac", "silent"), ("silent.flac", "silent"),
    ]  # fmt: skip


def test_an_empty_split_writes_nothing(prepared: tuple[dict[str, Any], Path]) -> None:
    spec, folder = prepared
    out, _ = run_audio(spec, folder, 0, 1)
    clips.run(CUT, out, *(folder / n for n in ("c.parquet", "f.parquet", "cr.parquet")))
    split = {"split": {"seed": 1, "validation": 0.3, "test": 0.3}}
    with pytest.raises(UserError, match=r"data\.split: .* too few"):
        write_table(folder / "d.parquet", "duplicates", [])
        splits.run(
            split,
            [folder / "c.parquet"],
            *(folder / n for n in ("licensed.parquet", "d.parquet", "splits.parquet")),
        )
    assert not (folder / "splits.parquet").exists()


def test_a_missing_or_foreign_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        clips.run(CUT, *(tmp_path / n for n in ("a.parquet", "c.parquet", "f.parquet", "r.parquet")))
    write_table(tmp_path / "a.parquet", "rejected", [])
    with pytest.raises(UserError, match="not a audio table"):
        clips.run(CUT, *(tmp_path / n for n in ("a.parquet", "c.parquet", "f.parquet", "r.parquet")))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.parquet"]


def test_a_policy_that_leaves_nothing_is_an_error(prepared: tuple[dict[str, Any], Path]) -> None:
    _, folder = prepared
    with pytest.raises(UserError, match="none of its 6 tracks may be used"):
        license.run(
            {"license": LICENSE | {"allow": ["CC0-1.0"]}, "vocals": VOCALS},
            *(folder / n for n in ("index.parquet", "l.parquet", "r.parquet", "B.md")),
        )
    assert not (folder / "l.parquet").exists()
