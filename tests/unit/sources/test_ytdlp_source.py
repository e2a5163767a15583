import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from debs import flac
from faulty_server import FaultyServer, cut, endless, status
from ytdlp_site import BY, SETTINGS, context, put, use_site

from ssmttm.errors import UserError
from ssmttm.sources.ytdlp import library, pacing, session, source
from ssmttm.tables import REASONS, read_table, write_table


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    use_site(monkeypatch, tmp_path / "shared")
    with FaultyServer({}) as running:
        yield running


def listed(tmp_path: Path, *urls: str, **settings: Any) -> list[dict[str, Any]]:
    return [
        row.record()
        for row in source.list_tracks({**SETTINGS, "urls": list(urls), **settings}, context(tmp_path / "cache"))
    ]


def playlist(server: FaultyServer, name: str, entries: list[Any], **fields: Any) -> str:
    page = {"_type": "playlist", "id": name, "title": name, "entries": entries, **fields}
    server.files[f"/watch/{name}"] = json.dumps(page).encode()
    return server.url(f"/watch/{name}")


def link(url: str, video: str) -> dict[str, Any]:
    return {"_type": "url", "url": url, "ie_key": "Site", "id": video}


def test_a_video_becomes_a_row_with_what_the_site_states(server: FaultyServer, tmp_path: Path) -> None:
    url = put(
        server, "v1", duration=30, track="Song", artist="Ada", album="First", genre="Ambient", tags=["slow", "slow", 7]
    )
    (row,) = listed(tmp_path, url)
    assert row["track_id"] == "ytdlp:site:v1"
    assert (row["title"], row["artist"], row["album"], row["duration_s"]) == ("Song", "Ada", "First", 30.0)
    assert row["tags"] == ["Ambient", "slow"]
    assert row["url"] == row["homepage"] == url
    (evidence,) = row["license_evidence"]
    assert evidence == {"kind": "catalog", "text": BY, "url": BY, "where": "yt-dlp site info field license"}
    assert row["problem"] is None
    write_table(tmp_path / "index.parquet", "index", [row])
    assert read_table(tmp_path / "index.parquet", "index").to_pylist() == [row]


def test_without_a_stated_license_a_video_is_rejected_and_nothing_of_it_downloaded(
    server: FaultyServer, tmp_path: Path
) -> None:
    stated = "Licensed CC BY 4.0 https://creativecommons.org/licenses/by/4.0/"
    url = put(server, "v1", flac(1.0), license=None, description=stated)
    (row,) = listed(tmp_path, url)
    assert row["problem"] == "no_license_evidence" and row["license_evidence"] == []
    assert not server.asked("/media/v1")
    assert not list(tmp_path.rglob("*.media*"))


def test_an_audio_file_without_a_page_has_no_license(server: FaultyServer, tmp_path: Path) -> None:
    server.files["/song.mp3"] = flac(2.0)
    (row,) = listed(tmp_path, server.url("/song.mp3"))
    assert row["track_id"].startswith("ytdlp:generic:")
    assert row["problem"] == "no_license_evidence"


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"is_live": True}, "unavailable"),
        ({"availability": "premium_only"}, "unavailable"),
        ({"availability": "private"}, "unavailable"),
        ({"formats": []}, "unavailable"),
        ({"formats": [{"url": "http://x.example/a.mpd", "has_drm": True}]}, "unavailable"),
        ({"duration": 0.2}, "too_short"),
        ({"duration": 100}, "too_long"),
        ({"license": "Unknown"}, "no_license_evidence"),
        ({"boom": True}, "unavailable"),
    ],
)
def test_what_cannot_be_used_is_a_row_with_a_reason(
    server: FaultyServer, tmp_path: Path, info: dict[str, Any], reason: str
) -> None:
    bad = put(server, "bad", **info)
    rows = listed(tmp_path, bad, put(server, "good", duration=3))
    assert [row["problem"] for row in rows] == [reason, None]
    assert rows[0]["problem_detail"] and reason in REASONS


def test_a_file_that_is_known_to_be_too_large_is_rejected(server: FaultyServer, tmp_path: Path) -> None:
    formats = [{"format_id": "a", "url": server.url("/a"), "ext": "mp3", "filesize": 5 << 20}]
    (row,) = listed(tmp_path, put(server, "v1", formats=formats))
    assert row["problem"] == "too_large"


def test_one_missing_video_of_a_playlist_is_a_rejected_row(server: FaultyServer, tmp_path: Path) -> None:
    gone = server.url("/watch/gone")
    entries = [link(put(server, "v1"), "v1"), link(gone, "gone"), link(put(server, "v3"), "v3")]
    rows = listed(tmp_path, playlist(server, "list", entries))
    assert [row["track_id"] for row in rows] == ["ytdlp:site:v1", "ytdlp:site:gone", "ytdlp:site:v3"]
    assert [row["problem"] for row in rows] == [None, "unavailable", None]
    assert "404" in rows[1]["problem_detail"] and "\n" not in rows[1]["problem_detail"]


def test_playlists_are_read_lazily_and_bounded(server: FaultyServer, tmp_path: Path) -> None:
    entries = [link(put(server, f"v{i}"), f"v{i}") for i in range(10)]
    rows = listed(tmp_path, playlist(server, "list", entries), max_tracks=3)
    assert [row["track_id"] for row in rows] == [f"ytdlp:site:v{i}" for i in range(3)]
    assert not server.asked("/watch/v3")


def test_playlists_that_contain_each_other_end(server: FaultyServer, tmp_path: Path) -> None:
    one, two = server.url("/watch/one"), server.url("/watch/two")
    playlist(server, "one", [link(two, "two")])
    playlist(server, "two", [link(one, "one"), link(put(server, "v1"), "v1")])
    rows = listed(tmp_path, one)
    assert sum(row["problem"] is None for row in rows) == 1
    assert len(server.hits) < 40


def test_playlists_of_empty_playlists_are_bounded(server: FaultyServer, tmp_path: Path) -> None:
    leaf = link(playlist(server, "leaf", []), "leaf")
    inner = [link(playlist(server, f"p{i}", [leaf] * 20), f"p{i}") for i in range(20)]
    assert listed(tmp_path, playlist(server, "root", inner), max_tracks=10) == []
    assert len(server.hits) < 20


def test_a_video_that_two_addresses_lead_to_is_listed_once(server: FaultyServer, tmp_path: Path) -> None:
    url = put(server, "v1")
    rows = listed(tmp_path, url, playlist(server, "list", [link(url, "v1")]), url)
    assert [row["track_id"] for row in rows] == ["ytdlp:site:v1"]


def test_the_license_of_an_archive_page_is_that_of_its_files(server: FaultyServer, tmp_path: Path) -> None:
    def entry(name: str) -> dict[str, Any]:
        return {"id": f"item/{name}", "title": name, "formats": [{"url": server.url(f"/{name}"), "ext": "mp3"}]}

    entries = [entry("a b.mp3"), entry("c.mp3")]
    rows = listed(tmp_path, playlist(server, "item", entries, license=BY, creators=["Ada"], extractor_key="ArchiveOrg"))
    assert [row["track_id"] for row in rows] == ["ytdlp:archiveorg:item%2Fa%20b.mp3", "ytdlp:archiveorg:item%2Fc.mp3"]
    assert [row["license_evidence"][0]["url"] for row in rows] == [BY, BY]
    assert {row["artist"] for row in rows} == {"Ada"}
    (other,) = listed(tmp_path, playlist(server, "mix", entries[:1], license=BY))
    assert other["problem"] == "no_license_evidence"  # elsewhere a playlist's license says nothing about its entries


def test_a_page_that_embeds_a_video_cannot_state_its_license(server: FaultyServer, tmp_path: Path) -> None:
    inner = put(server, "v1", license=None)
    page = {"_type": "url_transparent", "url": inner, "ie_key": "Site", "license": BY, "title": "Outer"}
    server.files["/watch/blog"] = json.dumps(page).encode()
    (row,) = listed(tmp_path, server.url("/watch/blog"))
    assert (row["track_id"], row["title"], row["problem"]) == ("ytdlp:site:v1", "Outer", "no_license_evidence")


def test_held_out_videos_are_rejected_and_not_even_looked_at(server: FaultyServer, tmp_path: Path) -> None:
    table = tmp_path / "musiccaps.csv"
    table.write_text("﻿ytid,start_s\r\n-0Gj8-vB1q4,30\r\n")
    ids = tmp_path / "more.txt"
    ids.write_text("# ours\nsite:v2\n")
    entry = link(put(server, "-0Gj8-vB1q4"), "-0Gj8-vB1q4") | {"ie_key": "Youtube"}
    rows = listed(tmp_path, playlist(server, "list", [entry]), put(server, "v2"), exclude=[str(table), str(ids)])
    assert [(row["track_id"], row["problem"]) for row in rows] == [
        ("ytdlp:youtube:-0Gj8-vB1q4", "excluded"),
        ("ytdlp:site:v2", "excluded"),
    ]
    assert "musiccaps.csv" in rows[0]["problem_detail"]
    server.hits.clear()
    (row,) = listed(tmp_path, playlist(server, "other", [link(put(server, "v2"), "v2")]), exclude=[str(ids)])
    assert row["problem"] == "excluded"
    assert [hit.path for hit in server.hits] == ["/watch/other"]


def test_an_id_that_is_not_understood_is_no_exclusion(server: FaultyServer, tmp_path: Path) -> None:
    table = tmp_path / "songs.csv"
    table.write_text("track_id\n1004034\n")
    with pytest.raises(UserError, match=r"songs\.csv, row 2"):
        listed(tmp_path, put(server, "v1"), exclude=[str(table)])


def test_addresses_may_stand_in_a_file(server: FaultyServer, tmp_path: Path) -> None:
    urls = tmp_path / "urls.txt"
    urls.write_text(f"﻿# mine\r\n\r\n  {put(server, 'v1')}  \r\n")
    (row,) = listed(tmp_path, lists=[str(urls)])
    assert row["track_id"] == "ytdlp:site:v1"
    urls.write_text("# mine\nsome words\n")
    with pytest.raises(UserError, match=r"urls\.txt, line 2: 'some words'"):
        listed(tmp_path, lists=[str(urls)])


@pytest.mark.parametrize("address", ["song", "/etc/passwd", "file:///etc/passwd", "FILE:/etc/passwd", "data:,x", "x:"])
def test_what_is_no_address_is_said_before_anything_is_asked(
    server: FaultyServer, tmp_path: Path, address: str
) -> None:
    with pytest.raises(UserError, match="neither an address"):
        listed(tmp_path, put(server, "v1"), address)
    assert not server.hits


def test_no_addresses_at_all_is_a_clear_message(server: FaultyServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name addresses or searches"):
        listed(tmp_path)


def test_an_unreachable_host_stops_the_index_with_a_remedy(server: FaultyServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="check the network"):
        listed(tmp_path, "http://127.0.0.1:9/watch/v1")


def test_of_a_playlist_one_dead_host_is_a_row_and_three_are_no_network(server: FaultyServer, tmp_path: Path) -> None:
    dead = [link(f"http://127.0.0.1:9/watch/d{i}", f"d{i}") for i in range(3)]
    good = link(put(server, "v1"), "v1")
    rows = listed(tmp_path, playlist(server, "some", [*dead[:2], good]))
    assert [row["problem"] for row in rows] == ["unavailable", "unavailable", None]
    with pytest.raises(UserError, match="check the network"):
        listed(tmp_path, playlist(server, "none", [*dead, good]))


@pytest.mark.parametrize("fault", [cut(0.5), cut(0.0), status(500), status(502)])
def test_a_page_that_fails_for_a_moment_is_asked_for_again(server: FaultyServer, tmp_path: Path, fault: Any) -> None:
    url = put(server, "v1")
    server.plan("/watch/v1", fault, fault)
    assert [row["problem"] for row in listed(tmp_path, url)] == [None]
    server.plan("/watch/v1", *[fault] * 50)
    assert [row["problem"] for row in listed(tmp_path, url)] == ["unavailable"]
    assert len(server.asked("/watch/v1")) < 10


def test_pages_are_bounded(server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PAGE_BYTES", 1 << 20)
    url = put(server, "v1")
    server.plan("/watch/v1", endless)
    assert [row["problem"] for row in listed(tmp_path, url)] == ["too_large"]


def test_messages_are_one_line_without_repetitions(server: FaultyServer, tmp_path: Path) -> None:
    (row,) = listed(tmp_path, server.url("/watch/gone"))
    assert row["problem_detail"].count("404") == 1 and "\n" not in row["problem_detail"]


def test_addresses_with_a_password_are_refused_without_repeating_it(server: FaultyServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="password") as caught:
        listed(tmp_path, "https://ada:secret@example.org/v")
    assert "secret" not in str(caught.value)


def test_links_to_local_files_are_not_followed(server: FaultyServer, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp3"
    secret.write_bytes(flac(1.0))
    rows = listed(tmp_path, playlist(server, "list", [{"_type": "url", "url": secret.as_uri()}]))
    assert [row["problem"] for row in rows] == ["unavailable"]


@pytest.mark.parametrize(
    "name",
    ["../../etc/x", "..", "a\nb", "x" * 300, "曲 é", "-rf", "CON", "%(title)s", "\ud800", "a\u202eb", "$HOME", "~"],
)
def test_foreign_ids_and_titles_never_become_paths(server: FaultyServer, tmp_path: Path, name: str) -> None:
    audio = flac(1.0)
    url = put(server, "v1", audio, id=name, title=name, uploader=name, artist=name, album=name, tags=[name])
    (row,) = listed(tmp_path, url)
    assert row["problem"] is None
    for text in (row["track_id"], row["title"], row["artist"], *row["tags"]):
        assert text.isprintable() and len(text) <= 310
    assert "/" not in row["track_id"] and len(row["track_id"]) < 140
    write_table(tmp_path / "index.parquet", "index", [row])
    path = source.fetch(SETTINGS, row, context(tmp_path / "cache"))
    assert path.read_bytes() == audio
    assert {p.parent.name for p in (tmp_path / "cache").rglob("*") if p.is_file()} <= {"audio", "locks", "ytdlp"}
    assert path.name.replace(".", "").isalnum()


def test_ids_stay_apart_after_they_were_made_safe(server: FaultyServer, tmp_path: Path) -> None:
    ids = ["a/b", "a%2Fb", "x" * 300, "x" * 301, "..", "%2E%2E"]
    rows = listed(tmp_path, *(put(server, f"v{i}", id=name) for i, name in enumerate(ids)))
    assert len({row["track_id"] for row in rows}) == len(ids)


def test_a_million_characters_in_every_field_stay_bounded(server: FaultyServer, tmp_path: Path) -> None:
    long = "x y" * 330_000
    (row,) = listed(tmp_path, put(server, "v1", id=long, title=long, license=long, tags=[long, *map(str, range(999))]))
    assert len(json.dumps(row)) < 10_000


def test_requests_are_spaced_across_sessions(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(pacing.time, "sleep", slept.append)
    for _ in range(2):
        listed(tmp_path, put(server, "v1"), put(server, "v2"), requests_per_minute=30)
    assert [round(seconds) for seconds in slept] == [0, 2, 4, 6]


def test_a_server_that_asks_to_wait_is_obeyed_by_all(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(library.Host, "pause", lambda self, seconds: pauses.append(seconds))
    url = put(server, "v1")
    server.plan("/watch/v1", status(429, retry_after="7"), status(503))
    (row,) = listed(tmp_path, url)
    assert row["problem"] is None
    assert pauses[0] == 7.0 and 0 < pauses[1] <= 1.0
    server.plan("/watch/v1", status(429, retry_after="86400"))
    (row,) = listed(tmp_path, url)
    assert row["problem"] == "unavailable" and "429" in row["problem_detail"]


def test_no_cookies_are_kept(server: FaultyServer, tmp_path: Path) -> None:
    url = put(server, "v1")
    server.plan("/watch/v1", lambda reply: type(reply)(200, {"Set-Cookie": "a=b"}, reply.body))
    listed(tmp_path, url)
    listed(tmp_path, url)
    assert "Cookie" not in server.asked("/watch/v1")[1].headers


PLAIN = "import yt_dlp; yt_dlp.YoutubeDL({'quiet': True})"
OURS = """
from pathlib import Path
from ssmttm.sources.contract import Context
from ssmttm.sources.ytdlp.session import Session
Session({}, Context({}, {}, Path("cache")))
"""


def test_plugins_of_this_machine_are_not_loaded(tmp_path: Path) -> None:
    plugins = tmp_path / "yt_dlp_plugins" / "extractor"
    plugins.mkdir(parents=True)
    (plugins / "found.py").write_text("open('ran', 'w').close()\n")
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    plain = {name: value for name, value in os.environ.items() if name != "YTDLP_NO_PLUGINS"}
    for code, loaded in ((OURS, False), (PLAIN, True)):
        subprocess.run([sys.executable, "-c", code], env=plain | {"PYTHONPATH": paths}, cwd=tmp_path, check=True)
        assert (tmp_path / "ran").exists() == loaded


@pytest.mark.parametrize("known", [True, False], ids=["TransportError", "without it"])
@pytest.mark.parametrize(
    "error, passing",
    [
        (ConnectionResetError(104, "reset"), True),
        (TimeoutError("timed out"), True),
        (http.client.IncompleteRead(b"", 5), True),
        (ValueError("no such page"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_connection_is_told_from_an_answer_also_without_an_internal_name(
    known: bool, error: Exception, passing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yt_dlp.networking.exceptions import RequestError, TransportError
    from yt_dlp.utils import DownloadError

    raised: Exception = (TransportError if passing else RequestError)(cause=error)
    raised.__cause__ = error
    outer = DownloadError("ERROR: it failed", (type(raised), raised, None))
    if not known:
        monkeypatch.setitem(sys.modules, "yt_dlp.networking.exceptions", None)
    assert isinstance(session._explained(outer), session._Passing) == passing
