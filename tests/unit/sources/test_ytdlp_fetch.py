import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from debs import flac
from faulty_server import PAGE, FaultyServer, body, cut, drip, endless, redirect, stall, status, unknown_length
from ytdlp_site import SETTINGS, context, put, use_site

from ssmttm.audio.coded import encode_audio
from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.sources.ytdlp import download, source


def noise(seconds: float) -> bytes:
    """Audio that doesn't compress, so that a part of the file is a part of the sound."""
    return encode_audio(np.random.default_rng(1).uniform(-0.5, 0.5, round(8000 * seconds)).astype(np.float32), 8000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    use_site(monkeypatch, tmp_path / "shared")
    with FaultyServer({}) as running:
        yield running


def indexed(server: FaultyServer, tmp_path: Path, audio: bytes | None = None, **info: Any) -> dict[str, Any]:
    url = put(server, "v1", audio, **info)
    (row,) = source.list_tracks({**SETTINGS, "urls": [url]}, context(tmp_path / "cache"))
    assert row.problem is None
    return row.record()


def fetched(row: dict[str, Any], tmp_path: Path, **fetch: Any) -> bytes:
    return source.fetch(SETTINGS, row, context(tmp_path / "cache", **fetch)).read_bytes()


def partials(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache/ytdlp/partial").glob("*"))


def finished(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache/ytdlp/audio").glob("*"))


def test_a_track_is_fetched_once_and_then_taken_from_disk(server: FaultyServer, tmp_path: Path) -> None:
    audio = flac(2.0)
    row = indexed(server, tmp_path, audio, duration=2)
    assert fetched(row, tmp_path) == audio
    hits = len(server.hits)
    assert fetched(row, tmp_path) == audio
    assert len(server.hits) == hits
    assert len(server.asked("/media/v1")) == 1
    assert partials(tmp_path) == []
    assert (tmp_path / "cache/ytdlp/archive.txt").read_text() == "site v1\n"


def test_a_track_of_an_album_is_found_again_among_its_inline_entries(server: FaultyServer, tmp_path: Path) -> None:
    def entry(name: str, audio: bytes) -> dict[str, Any]:
        server.files[f"/{name}"] = audio
        return {
            "id": name,
            "title": name,
            "license": "CC0",
            "formats": [{"url": server.url(f"/{name}"), "ext": "flac"}],
        }

    page = {"_type": "playlist", "id": "album", "entries": [entry(n, flac(1.0 + i)) for i, n in enumerate("abc")]}
    server.files["/watch/album"] = json.dumps(page).encode()
    rows = [
        row.record()
        for row in source.list_tracks({**SETTINGS, "urls": [server.url("/watch/album")]}, context(tmp_path / "cache"))
    ]
    assert [fetched(row, tmp_path) for row in rows[::-1]] == [server.files[f"/{n}"] for n in "cba"]
    assert len({row["url"] for row in rows}) == 1


def test_cut_connections_are_resumed_where_they_ended(server: FaultyServer, tmp_path: Path) -> None:
    audio = noise(3.0)
    row = indexed(server, tmp_path, audio)
    server.plan("/media/v1", cut(0.5), cut(0.5))
    assert fetched(row, tmp_path) == audio
    hits = server.asked("/media/v1")
    assert [hit.status for hit in hits] == [200, 206, 206]
    assert 0 < hits[1].offset < hits[2].offset


def test_a_download_that_gave_up_goes_on_in_the_next_run(server: FaultyServer, tmp_path: Path) -> None:
    audio = noise(3.0)
    row = indexed(server, tmp_path, audio)
    server.plan("/media/v1", cut(0.5), cut(0.0))
    with pytest.raises(Unavailable):
        fetched(row, tmp_path, attempts=2)
    assert finished(tmp_path) == [] and partials(tmp_path) != []
    assert fetched(row, tmp_path) == audio
    assert server.asked("/media/v1")[-1].offset > 0


def test_a_killed_process_leaves_only_a_partial_file_which_is_resumed(server: FaultyServer, tmp_path: Path) -> None:
    audio = noise(6.0)
    row = indexed(server, tmp_path, audio)
    server.plan("/media/v1", stall(30.0))
    script = Path(__file__).parents[1] / "support" / "ytdlp_site.py"
    arguments = [str(tmp_path / "shared"), str(tmp_path / "cache"), json.dumps(row)]
    child = subprocess.Popen([sys.executable, str(script), *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        deadline = time.monotonic() + 60
        while not any(p.name.endswith(".part") and p.stat().st_size > 10_000 for p in partials(tmp_path)):
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert finished(tmp_path) == []
    assert fetched(row, tmp_path) == audio
    assert server.asked("/media/v1")[-1].offset > 10_000


def test_a_whole_file_that_was_not_recorded_is_verified_before_it_counts(server: FaultyServer, tmp_path: Path) -> None:
    audio = flac(2.0)
    row = indexed(server, tmp_path, audio)
    path = source.fetch(SETTINGS, row, context(tmp_path / "cache"))
    path.with_suffix(".json").unlink()  # killed between the rename and the record
    path.write_bytes(b"half")
    assert fetched(row, tmp_path) == audio


def test_a_file_that_came_whole_before_the_process_died_is_not_fetched_again(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = flac(2.0)
    row = indexed(server, tmp_path, audio)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download, "_verify", die)
        with pytest.raises(KeyboardInterrupt):
            fetched(row, tmp_path)
    assert finished(tmp_path) == []
    assert fetched(row, tmp_path) == audio
    assert len(server.asked("/media/v1")) == 1


def test_a_file_damaged_on_disk_is_fetched_again(server: FaultyServer, tmp_path: Path) -> None:
    audio = flac(2.0)
    row = indexed(server, tmp_path, audio)
    path = source.fetch(SETTINGS, row, context(tmp_path / "cache"))
    path.write_bytes(audio[:-1] + b"?")
    assert fetched(row, tmp_path) == audio
    assert len(server.asked("/media/v1")) == 2


@pytest.mark.parametrize("license", [None, "all-rights-reserved", "https://creativecommons.org/licenses/by-nc/4.0/"])
def test_a_license_that_changed_since_indexing_stops_the_download(
    server: FaultyServer, tmp_path: Path, license: str | None
) -> None:
    row = indexed(server, tmp_path, flac(1.0))
    put(server, "v1", license=license)
    with pytest.raises(Unavailable, match="now states") as caught:
        fetched(row, tmp_path)
    assert caught.value.reason == "changed"
    assert not server.asked("/media/v1")


def test_a_page_that_now_shows_another_video_is_not_taken_for_the_old_one(server: FaultyServer, tmp_path: Path) -> None:
    row = indexed(server, tmp_path, flac(1.0))
    put(server, "v1", id="v2")
    with pytest.raises(Unavailable, match="does not lead to"):
        fetched(row, tmp_path)
    assert not server.asked("/media/v1")


def test_a_stream_that_went_live_is_not_recorded(server: FaultyServer, tmp_path: Path) -> None:
    row = indexed(server, tmp_path, flac(1.0))
    put(server, "v1", is_live=True)
    with pytest.raises(Unavailable, match="live"):
        fetched(row, tmp_path)


@pytest.mark.parametrize("fault", [None, unknown_length, endless], ids=["stated", "unknown", "endless"])
def test_a_file_larger_than_the_bound_is_dropped_while_it_comes(
    server: FaultyServer, tmp_path: Path, fault: Any
) -> None:
    row = indexed(server, tmp_path, b"fLaC" + bytes(3 << 20))
    server.plan("/media/v1", fault)
    with pytest.raises(Unavailable) as caught:
        fetched(row, tmp_path)
    assert caught.value.reason == "too_large"
    assert partials(tmp_path) == [] and finished(tmp_path) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (body(PAGE), "wrong_type"),
        (body(b'{"error": "log in"}', "application/json"), "wrong_type"),
        (body(b"\x00\x01\x02" * 500, "audio/flac"), "undecodable"),
        (body(b"fLaC" + bytes(5000), "audio/flac"), "undecodable"),
    ],
)
def test_an_answer_that_is_no_audio_never_counts(
    server: FaultyServer, tmp_path: Path, answer: Any, reason: str
) -> None:
    audio = flac(1.0)
    row = indexed(server, tmp_path, audio)
    server.plan("/media/v1", answer, answer, answer)
    with pytest.raises(Unavailable) as caught:
        fetched(row, tmp_path)
    assert caught.value.reason == reason
    assert partials(tmp_path) == []
    server.plan("/media/v1", answer)  # once in a while is no reason to give up
    assert fetched(row, tmp_path) == audio


def test_a_transfer_that_hardly_moves_ends_and_is_kept_for_later(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = noise(6.0)
    row = indexed(server, tmp_path, audio)
    server.plan("/media/v1", drip(1024, 0.03))
    with monkeypatch.context() as patch:
        patch.setattr(download, "SLOWEST", 1e6)
        with pytest.raises(Unavailable, match="bytes per second"):
            fetched(row, tmp_path, timeout_s=0.1)
    assert fetched(row, tmp_path) == audio
    assert server.asked("/media/v1")[-1].offset > 0


def test_a_preview_instead_of_the_whole_track_is_noticed(server: FaultyServer, tmp_path: Path) -> None:
    row = indexed(server, tmp_path, flac(2.0), duration=30)
    with pytest.raises(Unavailable, match=r"2\.0 s of 30\.0 s"):
        fetched(row, tmp_path)


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_file_that_is_refused_is_this_tracks_problem_only(server: FaultyServer, tmp_path: Path, code: int) -> None:
    row = indexed(server, tmp_path, flac(1.0))
    server.plan("/media/v1", status(code))
    with pytest.raises(Unavailable, match=f"HTTP Error {code}") as caught:
        fetched(row, tmp_path)
    assert caught.value.reason == "unavailable" and "\n" not in str(caught.value)
    assert len(server.asked("/media/v1")) == 1


def test_busy_servers_are_asked_again_and_finally_left_alone(server: FaultyServer, tmp_path: Path) -> None:
    audio = flac(1.0)
    row = indexed(server, tmp_path, audio)
    server.plan("/media/v1", status(503, retry_after="0"), status(429, retry_after="0"))
    assert fetched(row, tmp_path) == audio
    source.forget(SETTINGS, row, context(tmp_path / "cache"))
    server.plan("/media/v1", *[status(503, retry_after="0")] * 50)
    with pytest.raises(Unavailable, match="503"):
        fetched(row, tmp_path)
    assert len(server.asked("/media/v1")) < 15


def test_a_dead_host_stops_everything_with_a_remedy(server: FaultyServer, tmp_path: Path) -> None:
    row = indexed(server, tmp_path, flac(1.0))
    with pytest.raises(UserError, match="check the network"):
        fetched({**row, "url": "http://127.0.0.1:9/watch/v1"}, tmp_path)


def test_a_full_disk_stops_everything_with_a_remedy(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yt_dlp.downloader.common import FileDownloader

    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    row = indexed(server, tmp_path, flac(1.0))
    monkeypatch.setattr(FileDownloader, "sanitize_open", lambda self, name, mode: (Full(), name))
    with pytest.raises(UserError, match="make room"):
        fetched(row, tmp_path)


def test_forgotten_audio_is_gone_and_noticed_if_it_comes_back_different(server: FaultyServer, tmp_path: Path) -> None:
    audio = flac(2.0)
    row = indexed(server, tmp_path, audio)
    path = source.fetch(SETTINGS, row, context(tmp_path / "cache"))
    source.forget(SETTINGS, row, context(tmp_path / "cache"))
    assert not path.exists()
    assert fetched(row, tmp_path) == audio
    source.forget(SETTINGS, row, context(tmp_path / "cache"))
    server.files["/media/v1"] = flac(2.0, frequency=300.0)
    with pytest.raises(Unavailable, match="not the file that was fetched before") as caught:
        fetched(row, tmp_path)
    assert caught.value.reason == "changed"


def test_a_partial_of_another_format_is_not_continued(server: FaultyServer, tmp_path: Path) -> None:
    row = indexed(server, tmp_path, noise(3.0))
    server.plan("/media/v1", cut(0.5), cut(0.0))
    with pytest.raises(Unavailable):
        fetched(row, tmp_path, attempts=2)
    audio = flac(4.0)
    formats = [{"format_id": "b", "url": server.url("/media/v1"), "ext": "flac", "acodec": "flac", "vcodec": "none"}]
    put(server, "v1", audio, formats=formats)
    assert fetched(row, tmp_path) == audio
    assert server.asked("/media/v1")[-1].offset == 0


def test_many_threads_and_the_same_track_twice_give_each_file_once(server: FaultyServer, tmp_path: Path) -> None:
    names = [f"v{i}" for i in range(6)]
    urls = [put(server, name, flac(1.0 + i / 10)) for i, name in enumerate(names)]
    rows = [row.record() for row in source.list_tracks({**SETTINGS, "urls": urls}, context(tmp_path / "cache"))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: fetched(row, tmp_path), rows * 2))
    assert found == [server.files[f"/media/{name}"] for name in names] * 2
    assert all(len(server.asked(f"/media/{name}")) == 1 for name in names)


def test_the_best_audio_is_taken_without_another_program(server: FaultyServer, tmp_path: Path) -> None:
    audio = flac(1.0)
    server.files |= {"/low": flac(2.0), "/high": audio, "/video": b"video"}
    formats = [
        {"format_id": "video", "url": server.url("/video"), "ext": "mp4", "vcodec": "h264", "acodec": "none"},
        {
            "format_id": "high",
            "url": server.url("/high"),
            "ext": "flac",
            "vcodec": "none",
            "acodec": "flac",
            "abr": 900,
        },
        {"format_id": "low", "url": server.url("/low"), "ext": "flac", "vcodec": "none", "acodec": "flac", "abr": 64},
    ]
    row = indexed(server, tmp_path, formats=formats)
    assert fetched(row, tmp_path) == audio
    assert not server.asked("/video")


def segmented(server: FaultyServer, audio: bytes, size: int) -> list[dict[str, Any]]:
    """The one format of a page whose audio is a list of segments (HLS)."""
    parts = [audio[i : i + size] for i in range(0, len(audio), size)]
    server.files |= {f"/part{i}.mp3": part for i, part in enumerate(parts)}
    lines = [f"#EXTINF:1,\npart{i}.mp3\n" for i in range(len(parts))]
    server.files["/list.m3u8"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{''.join(lines)}#EXT-X-ENDLIST\n".encode()
    url = server.url("/list.m3u8")
    return [{"format_id": "hls", "url": url, "ext": "mp3", "protocol": "m3u8_native", "vcodec": "none"}]


def test_segmented_audio_is_put_together_and_resumed(server: FaultyServer, tmp_path: Path) -> None:
    wave = np.random.default_rng(2).uniform(-0.5, 0.5, 16000 * 4).astype(np.float32)
    audio = encode_audio(wave, 16000, "MP3")
    row = indexed(server, tmp_path, formats=segmented(server, audio, 10_000), duration=4)
    missing = server.files.pop("/part1.mp3")
    with pytest.raises(Unavailable):
        fetched(row, tmp_path)
    server.files["/part1.mp3"] = missing
    server.plan("/part1.mp3", status(500), cut(0.5))
    assert fetched(row, tmp_path) == audio
    assert len(server.asked("/part0.mp3")) == 1


def test_segments_are_bounded_together(server: FaultyServer, tmp_path: Path) -> None:
    row = indexed(server, tmp_path, formats=segmented(server, bytes(2 << 20), 300_000))
    with pytest.raises(Unavailable) as caught:
        fetched(row, tmp_path)
    assert caught.value.reason == "too_large"
    assert partials(tmp_path) == []


def test_a_redirect_to_a_login_page_is_no_audio(server: FaultyServer, tmp_path: Path) -> None:
    row = indexed(server, tmp_path, flac(1.0))
    server.files["/login"] = PAGE
    server.choose = lambda path, number: redirect("/login") if path == "/media/v1" else None
    with pytest.raises(Unavailable) as caught:
        fetched(row, tmp_path)
    assert caught.value.reason == "wrong_type"
