import os
from collections.abc import Callable
from pathlib import Path

import faulty_server as faults
import pytest
from debs import sha256
from downloads import MUSIC, OTHER, PATH
from faulty_server import FaultyServer

from ssmttm.errors import UserError
from ssmttm.fetch import web
from ssmttm.fetch.download import DEFAULTS, download, local_copy
from ssmttm.fetch.failures import NoSuchFile, Unavailable


def test_redirects_are_followed_with_the_range(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan("/get", *2 * [faults.redirect(f"/x/..{PATH}?key=secret", 307)])
    server.plan(PATH, faults.cut(0.5))
    server.files["/x/.." + PATH] = MUSIC
    assert get("/get").read_bytes() == MUSIC
    assert [hit.status for hit in server.hits] == [307, 200, 307, 206]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("file:///etc/passwd", "file of this machine"),
        ("ftp://example.org/x", "only http, https and file"),
        ("javascript:alert(1)", "only http, https and file"),
        ("http://me:secret@127.0.0.1/x", "user name or password"),
        ("http://[bad/", "no valid address"),
        (PATH, "redirected more than 10 times"),
    ],
)
def test_redirects_lead_to_web_addresses_only_and_not_for_ever(
    server: FaultyServer, get: Callable[..., Path], location: str, message: str
) -> None:
    server.plan(PATH, *20 * [faults.redirect(location)])
    with pytest.raises(Unavailable, match=message) as error:
        get()
    assert "secret" not in str(error.value) and len(server.hits) <= 11


def test_the_body_of_a_redirect_is_not_read(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.files["/real.mp3"] = MUSIC
    server.plan(PATH, faults.both(faults.redirect("/real.mp3"), faults.endless))
    assert get().read_bytes() == MUSIC


def test_a_redirect_to_a_log_in_page_is_told_as_such(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, faults.redirect("/login?next=7400&token=secret"))
    server.plan("/login", faults.body(faults.PAGE))
    with pytest.raises(Unavailable, match=r"redirected to http://127.*/login\?….*: sent a web page") as error:
        get()
    assert error.value.reason == "wrong_type" and "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.org/a.mp3", "only http, https and file"),
        ("//example.org/a.mp3", "only http"),
        ("http://", "host name"),
        ("http://[::1/a", "no valid address"),
        ("http://example.org:99999/a", "no valid address"),
        ("http://example.org/a\nHost: x", "control characters"),
        ("http://example.org/" + 9000 * "a", "too long"),
        ("https://me:pass@example.org/a", "user name or password"),
        ("file://server/share/a.mp3", "host name"),
    ],
)
def test_bad_addresses_are_refused_without_asking_anybody(get: Callable[..., Path], url: str, message: str) -> None:
    with pytest.raises(Unavailable, match=message) as error:
        download(url, Path("/nowhere"), fetching=DEFAULTS)
    assert "pass" not in str(error.value).split(":")[1] and "\n" not in str(error.value)


def test_addresses_are_shown_without_secrets() -> None:
    assert web.public("https://me:pw@example.org/a?token=1#x") == "https://example.org/a?…"
    assert web.public("http://example.org/a\x1b[31m\u202e") == "http://example.org/a [31m"


def test_names_with_spaces_and_other_scripts_are_asked_for_as_they_are(
    server: FaultyServer, get: Callable[..., Path]
) -> None:
    server.files["/a b/Müsik 音楽.mp3"] = MUSIC
    assert get("/a b/Müsik 音楽.mp3").read_bytes() == MUSIC
    assert get("/a%20b/M%C3%BCsik%20音楽.mp3").read_bytes() == MUSIC


def test_local_addresses_are_copied_and_verified(get: Callable[..., Path], tmp_path: Path) -> None:
    source = tmp_path / "a b.mp3"
    source.write_bytes(MUSIC)
    assert get(source.as_uri(), sha256=sha256(MUSIC)).read_bytes() == MUSIC
    with pytest.raises(Unavailable) as error:
        get(source.as_uri(), sha256=sha256(OTHER))
    assert error.value.reason == "checksum_mismatch"
    with pytest.raises(Unavailable) as error:
        get(source.as_uri() + "?2", max_bytes=1000)
    assert error.value.reason == "too_large"
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", Unavailable), (tmp_path, Unavailable), (tmp_path / "no", NoSuchFile)):
        with pytest.raises(kind):
            get(path.as_uri())


def test_local_paths_are_used_as_they_are_and_addresses_kept_in_the_folder(
    server: FaultyServer, tmp_path: Path
) -> None:
    server.files |= {"/data/list.tsv": b"a\tb\n", "/..%2f%2e%2e/\u202e": b"c\n"}
    options = {"fetching": {"attempts": 1, "backoff_s": 0.0}, "kind": "text"}
    mine = tmp_path / "mine.tsv"
    mine.write_bytes(b"x")
    assert local_copy(str(mine), tmp_path / "c", **options) == mine
    path = local_copy(server.url("/data/list.tsv"), tmp_path / "c", **options)
    assert path.parent == tmp_path / "c" and path.name.endswith("-list.tsv") and path.read_bytes() == b"a\tb\n"
    assert local_copy(mine.as_uri(), tmp_path / "c", **options).read_bytes() == b"x"
    for address in ("/nowhere/x", server.url("/gone"), "ftp://example.org/x"):
        with pytest.raises(UserError, match="address"):
            local_copy(address, tmp_path / "c", **options)
