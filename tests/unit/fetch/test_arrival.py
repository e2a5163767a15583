import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import faulty_server as faults
import pytest
from debs import sha256
from downloads import MUSIC, OTHER, PATH, leftovers, statuses
from faulty_server import FaultyServer

from ssmttm.fetch.download import forget
from ssmttm.fetch.failures import Unavailable


@pytest.mark.parametrize("checksum", [sha256(MUSIC), sha256(MUSIC).upper(), None])
def test_a_file_is_fetched_once_recorded_and_then_there_without_network(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, checksum: str | None
) -> None:
    assert get(sha256=checksum).read_bytes() == MUSIC
    assert leftovers(tmp_path) == ["track.mp3.json"]
    record = json.loads((tmp_path / "track.mp3.json").read_text())
    assert (record["url"], record["size"], record["sha256"]) == (server.url(PATH), len(MUSIC), sha256(MUSIC))
    assert record["etag"] and record["last_modified"]
    get(sha256=checksum)
    assert statuses(server) == [200]


def test_requests_name_the_program_ask_for_plain_bytes_and_keep_no_cookies(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.plan(PATH, faults.both(faults.cut(0.5), faults.headers(Set_Cookie="a=b; Path=/")))
    get()
    for hit in server.hits:
        assert hit.headers["User-Agent"].startswith("ssmttm/")
        assert hit.headers["Accept-Encoding"] == "identity"
        assert not {"Cookie", "Authorization"} & set(hit.headers)


def test_a_cut_transfer_goes_on_where_it_was(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.cut(0.5), faults.cut(0.5, reset=True))
    assert get().read_bytes() == MUSIC
    first, second, third = server.hits
    assert (first.status, second.status, third.status) == (200, 206, 206)
    assert second.headers["If-Range"].startswith('"')
    assert 0 < second.offset <= first.sent and second.offset < third.offset <= second.offset + second.sent
    assert sum(hit.sent for hit in server.hits) < 1.2 * len(MUSIC)


@pytest.mark.parametrize(
    ("etag", "modified", "checksum", "validator"),
    [
        ('W/"1"', "same", None, "Last-Modified"),
        (None, "same", None, "Last-Modified"),
        (None, None, None, None),
        ('W/"1"', None, sha256(MUSIC), None),
    ],
)
def test_a_rest_is_only_asked_for_if_it_can_be_told_to_belong(
    server: FaultyServer,
    get: Callable[..., Path],
    etag: str | None,
    modified: str | None,
    checksum: str | None,
    validator: str | None,
) -> None:
    values = {"ETag": etag, **({} if modified else {"Last_Modified": None})}
    server.plan(PATH, faults.both(faults.cut(0.5), faults.headers(**values)))
    assert get(sha256=checksum).read_bytes() == MUSIC
    asked = server.hits[1].headers
    assert ("Range" in asked) == (validator is not None or checksum is not None)
    assert ("If-Range" in asked) == (validator is not None)
    assert '"' not in asked.get("If-Range", "")


def test_a_server_that_ignores_ranges_sends_all_again(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.cut(0.5), faults.ignore_range)
    assert get().read_bytes() == MUSIC
    assert statuses(server) == [200, 200]


@pytest.mark.parametrize(
    "fault",
    [
        faults.headers(Content_Range="bytes 5-99/200004"),
        faults.headers(Content_Range="bytes 5-200003/200004"),
        faults.headers(Content_Range="bytes 100002-200003/999999"),
        faults.headers(Content_Range="nonsense"),
        faults.headers(Content_Range=None),
        faults.headers(ETag='"another"'),
        faults.status(416, Content_Range="bytes */77"),
        faults.status(416),
    ],
)
def test_a_rest_that_does_not_fit_is_not_trusted(
    server: FaultyServer, get: Callable[..., Path], fault: faults.Fault
) -> None:
    server.plan(PATH, faults.cut(0.5), fault)
    assert get().read_bytes() == MUSIC
    assert statuses(server)[2:] == [200]
    assert server.hits[2].offset == 0 and "Range" not in server.hits[2].headers


def test_a_rest_that_comes_in_pieces_is_put_together(server: FaultyServer, get: Callable[..., Path]) -> None:
    def piece(reply: faults.Reply) -> faults.Reply:
        end = reply.offset + 40_000
        stated = f"bytes {reply.offset}-{end - 1}/{len(reply.file)}"
        return replace(reply, body=reply.body[:40_000], headers={**reply.headers, "Content-Range": stated})

    server.plan(PATH, faults.cut(0.5), piece, piece)
    assert get(fetching={"attempts": 6}).read_bytes() == MUSIC
    assert [hit.sent for hit in server.hits[1:3]] == [40_000, 40_000] and statuses(server) == [200, 206, 206, 206]


def test_a_file_that_changes_between_two_parts_is_fetched_anew(server: FaultyServer, get: Callable[..., Path]) -> None:
    def change(reply: faults.Reply) -> faults.Reply:
        server.files[PATH] = OTHER
        return faults.cut(0.5)(reply)

    server.plan(PATH, change)
    assert get().read_bytes() == OTHER
    assert statuses(server) == [200, 200]


def test_answers_without_length_count_when_their_end_is_marked(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.chunked(0.5), faults.both(faults.ignore_range, faults.chunked()))
    assert get().read_bytes() == MUSIC
    assert statuses(server) == [200, 200]


def test_the_rest_of_a_chunked_answer_is_asked_for(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.chunked(0.5), faults.chunked())
    assert get().read_bytes() == MUSIC
    assert statuses(server) == [200, 206]
    assert server.hits[1].offset > 0


def test_bytes_that_turn_out_to_be_all_are_not_sent_again(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.chunked(1.0))  # cut just before the mark of the end
    assert get().read_bytes() == MUSIC
    assert statuses(server) == [200, 416]


def test_without_any_length_a_checksum_or_size_must_tell_the_end(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path
) -> None:
    server.plan(PATH, *4 * [faults.unknown_length])
    with pytest.raises(Unavailable, match="how long the file is"):
        get()
    assert leftovers(tmp_path) == []
    assert get(sha256=sha256(MUSIC)).read_bytes() == MUSIC
    forget(tmp_path / "track.mp3")
    server.plan(PATH, faults.both(faults.unknown_length, faults.cut(0.5)))
    assert get(size=len(MUSIC)).read_bytes() == MUSIC


def test_a_stalled_transfer_is_given_up_and_goes_on(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.stall(0.6), faults.stall(0.6, share=0.0))
    assert get(fetching={"timeout_s": 0.15}).read_bytes() == MUSIC
    assert statuses(server) == [200, 206, 206]


def test_a_trickle_counts_as_stalled(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.drip(1, 0.02))
    assert get(fetching={"timeout_s": 0.2}).read_bytes() == MUSIC
    assert len(server.hits) == 2


def test_gzip_that_nobody_asked_for_is_unpacked(server: FaultyServer, get: Callable[..., Path], tmp_path: Path) -> None:
    packed = gzip.compress(MUSIC)
    pack = faults.both(faults.body(packed), faults.headers(Content_Encoding="gzip", ETag='"z"'))
    server.plan(PATH, faults.both(pack, faults.cut(0.5)), pack)
    assert get(sha256=sha256(MUSIC)).read_bytes() == MUSIC
    assert leftovers(tmp_path) == ["track.mp3.json"]
    server.files["/a.tar.gz"] = packed
    for checksum in (None, sha256(packed)):  # here the file itself is the gzip
        server.plan("/a.tar.gz", faults.headers(Content_Encoding="gzip"))
        assert get("/a.tar.gz", kind="archive", sha256=checksum).read_bytes() == packed


@pytest.mark.parametrize(("encoding", "data"), [("gzip", b"\x1f\x8b\x08 damaged"), ("gzip", b"no gzip at all")])
def test_damaged_gzip_is_tried_again(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, encoding: str, data: bytes
) -> None:
    server.plan(PATH, faults.both(faults.body(data), faults.headers(Content_Encoding=encoding)))
    assert get().read_bytes() == MUSIC
    assert leftovers(tmp_path) == ["track.mp3.json"]


def test_a_gzip_bomb_stops_at_the_bound(server: FaultyServer, get: Callable[..., Path], tmp_path: Path) -> None:
    bomb = faults.both(faults.body(gzip.compress(bytes(10_000_000))), faults.headers(Content_Encoding="gzip"))
    server.plan(PATH, bomb)
    with pytest.raises(Unavailable) as error:
        get(max_bytes=1_000_000, kind="any")
    assert error.value.reason == "too_large"
    assert leftovers(tmp_path) == []


def test_a_packed_page_is_refused_too(server: FaultyServer, get: Callable[..., Path], tmp_path: Path) -> None:
    server.plan(PATH, faults.both(faults.body(gzip.compress(faults.PAGE)), faults.headers(Content_Encoding="gzip")))
    with pytest.raises(Unavailable, match="sent a web page"):
        get()
    assert leftovers(tmp_path) == []


def test_an_unknown_encoding_is_refused(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.headers(Content_Encoding="br"))
    with pytest.raises(Unavailable, match="encoded as br"):
        get()
