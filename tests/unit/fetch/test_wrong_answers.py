from collections.abc import Callable
from pathlib import Path

import faulty_server as faults
import pytest
from debs import sha256
from downloads import MUSIC, PATH, leftovers, statuses
from faulty_server import FaultyServer

from ssmttm.fetch.failures import NoSuchFile, Unavailable


def test_wrong_bytes_are_fetched_again_whole(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.wrong_bytes(7), faults.wrong_bytes(8))
    assert get(sha256=sha256(MUSIC)).read_bytes() == MUSIC
    assert statuses(server) == [200, 200, 200]


def test_parts_of_wrong_bytes_do_not_spoil_the_next_attempt(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.both(faults.wrong_bytes(7), faults.cut(0.5)))
    assert get(sha256=sha256(MUSIC)).read_bytes() == MUSIC
    assert statuses(server) == [200, 206, 200]


def test_the_same_wrong_file_twice_is_believed_to_be_another(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match=f"its SHA-256 is {sha256(MUSIC)}, and not the published 0000") as error:
        get(sha256="0" * 64, fetching={"attempts": 6})
    assert error.value.reason == "checksum_mismatch"
    assert statuses(server) == [200, 200]
    assert leftovers(tmp_path) == [] and not (tmp_path / "track.mp3").exists()


def test_ever_other_wrong_bytes_end_with_the_attempts(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, *(faults.wrong_bytes(seed) for seed in range(10)))
    with pytest.raises(Unavailable) as error:
        get(sha256=sha256(MUSIC))
    assert error.value.reason == "checksum_mismatch" and len(server.hits) == 3


@pytest.mark.parametrize("size", [len(MUSIC) - 1, len(MUSIC) + 1])
def test_another_size_than_the_published_is_a_mismatch(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, size: int
) -> None:
    with pytest.raises(Unavailable, match=r"larger than|bytes arrived") as error:
        get(size=size)
    assert error.value.reason == "checksum_mismatch" and leftovers(tmp_path) == []


def test_empty_answers_are_tried_again_and_then_unavailable(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path
) -> None:
    server.plan(PATH, faults.body(b"", "audio/mpeg"))
    assert get().read_bytes() == MUSIC
    server.files["/empty.mp3"] = b""
    with pytest.raises(Unavailable, match="an empty answer"):
        get("/empty.mp3")
    assert get("/empty.mp3", size=0).read_bytes() == b""


@pytest.mark.parametrize("fault", [None, faults.endless, faults.both(faults.chunked(), faults.endless)])
def test_what_is_larger_than_the_bound_stops_there(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, fault: faults.Fault | None
) -> None:
    server.plan(PATH, fault)
    with pytest.raises(Unavailable, match="larger than the bound of 150000 bytes") as error:
        get(max_bytes=150_000, kind="any")
    assert error.value.reason == "too_large" and len(server.hits) == 1
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("data", "content_type", "found"),
    [
        (faults.PAGE, "text/html; charset=utf-8", "a web page"),
        (b"\xef\xbb\xbf  \n<HTML>no", "audio/mpeg", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "audio/mpeg", "a web page"),
        (b'{"error": "log in first"}', "audio/mpeg", "a JSON message"),
        (b"too many downloads today", "text/plain", "text"),
        ("\ufeff<html>no</html>".encode("utf-16-le"), "text/html", "text"),
        (faults.PAGE + b" " * 100_000, "audio/mpeg", "a web page"),
    ],
)
def test_a_page_instead_of_audio_is_refused(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, data: bytes, content_type: str, found: str
) -> None:
    server.plan(PATH, faults.body(data, content_type))
    with pytest.raises(Unavailable, match=f"sent {found} .* instead of audio") as error:
        get()
    assert error.value.reason == "wrong_type" and len(server.hits) == 1
    assert leftovers(tmp_path) == []


def test_an_endless_page_is_refused_at_its_start(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.body(faults.PAGE * 100_000))
    with pytest.raises(Unavailable, match="a web page"):
        get()
    assert server.hits[0].sent < 5_000_000


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/json", "", None])
def test_right_bytes_of_a_wrong_stated_type_are_fine(
    server: FaultyServer, get: Callable[..., Path], content_type: str | None
) -> None:
    server.plan(PATH, faults.headers(Content_Type=content_type))
    assert get().read_bytes() == MUSIC


def test_text_and_archives_are_told_from_pages_too(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.files |= {"/a.tsv": b"TRACK_ID\tPATH\n", "/b.json": b'{"a": 1}', "/c.zip": b"PK\3\4" + bytes(600)}
    server.plan("/c.zip", faults.headers(Content_Type="text/plain"))
    for path, kind in (("/a.tsv", "text"), ("/b.json", "text"), ("/c.zip", "archive")):
        assert get(path, kind=kind).read_bytes() == server.files[path]
    server.plan("/a.tsv", faults.body(faults.PAGE))
    server.plan("/b.json", faults.body(MUSIC))
    server.plan("/c.zip", faults.body(faults.PAGE))
    for path, kind in (("/a.tsv?1", "text"), ("/b.json?1", "text"), ("/c.zip?1", "archive")):
        with pytest.raises(Unavailable) as error:
            get(path, kind=kind)
        assert error.value.reason == "wrong_type"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451, 204, 300])
def test_a_refusal_is_final_at_once(server: FaultyServer, get: Callable[..., Path], tmp_path: Path, code: int) -> None:
    server.plan(PATH, faults.status(code))
    with pytest.raises(Unavailable, match=f"answered {code}") as error:
        get()
    assert error.value.reason == "unavailable" and len(server.hits) == 1
    assert isinstance(error.value, NoSuchFile) == (code in (404, 410))
    assert leftovers(tmp_path) == []
