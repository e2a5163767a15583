"""Stage `audio`: what is fetched is checked again before it counts."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from debs import flac, sha256
from faulty_server import FaultyServer

from ssmttm.stages import audio, index, license
from ssmttm.tables import read_table, write_table

CLIPS = {"seconds": 1.0, "max_track_seconds": 60.0}
FETCH = {"connections": 3, "attempts": 2, "timeout_s": 5.0, "keep": True}
LICENSE = {
    "allow": ["CC-BY-4.0", "CC-BY-NC-4.0"],
    "noncommercial": False,
    "noderivatives": False,
    "sharealike": True,
}
KEEP = {"mode": "keep", "threshold": 0.5, "model": None}


def tagged(seconds: float, **tags: str) -> bytes:
    """FLAC with tags in it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as file:
        file.metadata.update(tags)
        stream = file.add_stream("flac", rate=8000, layout="mono")
        wave = (np.sin(np.arange(int(8000 * seconds)) / 9) * 9000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    return buffer.getvalue()


def local(folder: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """A folder of own music under CC BY 4.0, and its settings."""
    music = folder / "music"
    music.mkdir()
    for name, data in files.items():
        (music / name).write_bytes(data)
    (folder / "table.csv").write_text("file,license\n" + "".join(f"{name},CC BY 4.0\n" for name in files))
    return {"local": {"folder": str(music), "table": str(folder / "table.csv")}}


def prepare(folder: Path, sources: dict[str, Any], fetch: dict[str, Any] = FETCH) -> dict[str, Any]:
    """The spec of the audio stage, after the stages index and license."""
    spec = {"sources": sources, "clips": CLIPS, "fetch": fetch, "license": LICENSE, "vocals": KEEP}
    index.run(spec, folder / "cache", folder / "index.parquet")
    license.run(spec, *(folder / n for n in ("index.parquet", "licensed.parquet", "rejected.parquet", "A.md")))
    return spec


def fetch(spec: dict[str, Any], folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What is stored, and what is dropped with which reason."""
    out, rejected = folder / "audio.parquet", folder / "ar.parquet"
    audio.run(spec, folder / "licensed.parquet", 0, 1, folder / "cache", out, rejected)
    dropped = {r["track_id"]: r["reason"] for r in read_table(rejected, "rejected").to_pylist()}
    return read_table(out, "audio").to_pylist(), dropped


def test_tags_that_contradict_the_catalog_reject_the_track(tmp_path):
    files = {
        "fine.flac": tagged(2.0, license="https://creativecommons.org/licenses/by/4.0/"),
        "contradicts.flac": tagged(2.0, license="https://creativecommons.org/licenses/by-nc/4.0/"),
        "silent.flac": flac(2.0),
    }
    stored, dropped = fetch(prepare(tmp_path, local(tmp_path, files)), tmp_path)
    assert dropped == {"local:contradicts.flac": "license_conflict"}
    assert {row["track_id"] for row in stored} == {"local:fine.flac", "local:silent.flac"}


def test_a_file_that_changed_after_the_index_is_not_used(tmp_path):
    spec = prepare(tmp_path, local(tmp_path, {"a.flac": flac(2.0), "b.flac": flac(2.0, 300)}))
    (tmp_path / "music" / "a.flac").write_bytes(flac(2.0, 500))
    stored, dropped = fetch(spec, tmp_path)
    assert dropped == {"local:a.flac": "changed"}
    assert [row["track_id"] for row in stored] == ["local:b.flac"]


def test_audio_of_another_length_than_listed_is_not_the_listed_track(tmp_path):
    spec = prepare(tmp_path, local(tmp_path, {"a.flac": flac(8.0), "b.flac": flac(2.0, 300)}))
    rows = read_table(tmp_path / "licensed.parquet", "licensed").to_pylist()
    rows[0]["duration_s"] = 30.0
    write_table(tmp_path / "licensed.parquet", "licensed", rows)
    assert fetch(spec, tmp_path)[1] == {"local:a.flac": "changed"}


def test_large_files_are_named_and_not_copied(tmp_path, monkeypatch):
    data = flac(4.0)
    spec = prepare(tmp_path, local(tmp_path, {"long.flac": data, "short.flac": flac(1.0)}))
    monkeypatch.setattr(audio, "EMBEDDED_BYTES", len(data) - 1)
    stored = {row["track_id"]: row["audio"] for row in fetch(spec, tmp_path)[0]}
    assert stored["local:long.flac"]["bytes"] is None
    assert Path(stored["local:long.flac"]["path"]).read_bytes() == data
    assert stored["local:short.flac"]["bytes"] == flac(1.0)


@pytest.mark.parametrize("keep", [True, False])
def test_downloads_are_kept_only_if_asked_for(tmp_path, keep):
    songs = {"48/948.mp3": flac(2.0), "49/949.mp3": flac(2.0, 300)}
    rows = [f"track_{n:07d}\tartist_000001\talbum_000001\t{n % 100}/{n}.mp3\t2.0\tgenre---rock" for n in (948, 949)]
    (tmp_path / "t.tsv").write_text("\n".join(["TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS", *rows]) + "\n")
    url = "http://creativecommons.org/licenses/by/4.0/"
    blocks = [
        f"{path}\nSong by Ada from Jamendo: http://www.jamendo.com/track/{path[3:6]}\n"
        f"Available under a Creative Commons Attribution license: {url}\n"
        for path in songs
    ]
    (tmp_path / "l.txt").write_text("\n".join(blocks))
    (tmp_path / "s.txt").write_text("".join(f"{sha256(data)} {path}\n" for path, data in songs.items()))
    with FaultyServer({f"/{path}": data for path, data in songs.items()}) as server:
        settings = {
            "metadata": str(tmp_path / "t.tsv"),
            "licenses": str(tmp_path / "l.txt"),
            "checksums": str(tmp_path / "s.txt"),
            "variant": "audio",
            "audio": {"address": f"{server.url()}/{{path}}"},
        }
        spec = prepare(tmp_path, {"jamendo": settings}, FETCH | {"keep": keep})
        stored, dropped = fetch(spec, tmp_path)
        assert not dropped
        assert {row["audio"]["bytes"] for row in stored} == set(songs.values())
        assert len(list((tmp_path / "cache").rglob("*.mp3"))) == (2 if keep else 0)
        fetch(spec, tmp_path)
        assert len(server.hits) == (2 if keep else 4)
