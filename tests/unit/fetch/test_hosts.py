import email.utils
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faulty_server as faults
import pytest
import requests
import urllib3
from downloads import MUSIC, OTHER, PATH, in_threads, leftovers
from faulty_server import FaultyServer

from ssmttm.errors import UserError
from ssmttm.fetch import download as module
from ssmttm.fetch import hosts, web
from ssmttm.fetch.download import download
from ssmttm.fetch.failures import NoSuchFile, Unavailable
from ssmttm.fetch.hosts import Host


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept = time.time(), []
        for patched in (hosts, module):
            monkeypatch.setattr(patched, "sleep", self.sleep)
        monkeypatch.setattr(hosts, "time", lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_waits_double_and_differ(
    server: FaultyServer, get: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    server.plan(PATH, *10 * [faults.status(500)])
    get(fetching={"attempts": 11, "backoff_s": 1.0})
    assert all(0.5 * w <= s <= w for s, w in zip(clock.slept, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60], strict=True))
    assert len({s / w for s, w in zip(clock.slept, [1, 2, 4, 8, 16, 32])}) == 6


@pytest.mark.parametrize(
    ("told", "date", "least"),
    [
        ("7", None, 7),
        ("Fri, 01 Jan 2010 00:00:30 GMT", "Fri, 01 Jan 2010 00:00:00 GMT", 30),  # their clock, not ours
        ("in 100 s", None, 95),
        ("99999", None, 600),
        ("Fri, 01 Jan 2010 00:00:00 GMT", None, 0),
        ("soon", None, 0),
        ("-5", None, 0),
    ],
)
def test_a_server_that_asks_to_wait_is_obeyed_within_reason(
    server: FaultyServer,
    get: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    date: str | None,
    least: float,
) -> None:
    clock = Clock(monkeypatch)
    if told == "in 100 s":
        told = email.utils.formatdate(time.time() + 100, usegmt=True)
    fault = faults.status(503, told, **({"Date": date} if date else {}))
    server.plan(PATH, fault)
    get(fetching={"backoff_s": 1.0})
    assert least <= sum(clock.slept) <= least + 11
    server.plan("/b.mp3", *3 * [fault])
    with pytest.raises(Unavailable, match=r"answered 503 .*3 attempts") as error:
        get("/b.mp3")
    assert (f"asked to wait {told} s" in str(error.value)) == told.isdigit()


def test_too_many_requests_make_all_users_of_the_host_wait_and_are_nobodys_fault(
    server: FaultyServer, get: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock(monkeypatch)
    began = clock.now
    server.plan(PATH, faults.status(429, "20"))
    get()
    assert 20 <= sum(clock.slept) <= 21
    (pause,) = (tmp_path / "slots").glob("*/pause")
    assert began + 20 <= pause.stat().st_mtime <= began + 21
    name = web.host_name(server.url())
    Host(name, tmp_path / "slots", 1).pause(30)
    server.files["/b.mp3"] = OTHER
    before = clock.now
    get("/b.mp3")
    assert 30 <= clock.now - before <= 32
    server.plan("/c.mp3", *3 * [faults.status(429, "5")])
    with pytest.raises(UserError, match=r"429 .*asked to wait 5 s .*lower data\.fetch\.connections"):
        get("/c.mp3")


def test_progress_earns_new_attempts(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.files["/long.mp3"] = b"ID3" + random.Random(3).randbytes(3_000_000)
    server.plan("/long.mp3", *4 * [faults.cut(0.3)])
    get("/long.mp3", fetching={"attempts": 2})
    assert len(server.hits) == 5
    server.plan("/slow.mp3", *5 * [faults.cut(0.01)])
    server.files["/slow.mp3"] = server.files["/long.mp3"]
    with pytest.raises(Unavailable, match="2 attempts"):
        get("/slow.mp3", fetching={"attempts": 2})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_host_that_cannot_be_reached_stops_everything(
    get: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def resolve(name: str, *rest: Any, **more: Any) -> Any:
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(name, *rest, **more)

    known = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(UserError, match=rf"{host}:\d+/a\?…: \S.* \(3 attempts\); check the network") as error:
        get(f"http://{host}:{free_port()}/a?token=secret")
    assert "secret" not in str(error.value) and leftovers(tmp_path) == []


def test_a_redirect_to_a_dead_host_costs_one_track(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.plan(PATH, *3 * [faults.redirect(f"http://127.0.0.1:{free_port()}/x")])
    with pytest.raises(Unavailable, match="refused"):
        get()


def test_an_answer_that_is_no_http_or_no_tls_is_told(server: FaultyServer, get: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"(?i)ssl|tls"):
        get(server.url(PATH).replace("http:", "https:"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            while True:
                try:
                    with listener.accept()[0] as connection:
                        connection.recv(1000)
                        connection.sendall(b"SSH-2.0-x\r\n\r\n")
                except OSError:
                    return

        threading.Thread(target=babble, daemon=True).start()
        with pytest.raises(Unavailable, match="3 attempts"):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}/a.mp3")


def test_a_certificate_that_cannot_be_verified_stops_everything_at_once(
    get: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def send(self: Any, request: requests.PreparedRequest, **options: Any) -> None:
        asked.append(request.url)
        inner = ssl.SSLCertVerificationError(1, "certificate has expired")
        raise requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, request.url, inner))

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with pytest.raises(UserError, match="certificate can't be verified: certificate has expired; check") as error:
        get("https://example.org/a.mp3?key=secret")
    assert len(asked) == 1 and "secret" not in str(error.value)


def test_proxies_of_the_environment_are_used(
    server: FaultyServer, get: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url())
    assert get(f"http://example.invalid{PATH}").read_bytes() == MUSIC
    assert server.hits[0].headers["Host"] == "example.invalid"


def test_jobs_meet_in_a_folder_of_their_user(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    download(server.url(PATH), tmp_path / "a.mp3", fetching={})
    (folder,) = (p for p in tmp_path.iterdir() if p.is_dir())
    assert folder.stat().st_mode & 0o777 == 0o700
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    folder.rename(tmp_path / f"ssmttm-hosts-{me + 1}")
    with pytest.raises(UserError, match="belongs to another user"):
        download(server.url(PATH), tmp_path / "b.mp3", fetching={})


def test_many_failures_in_a_row_are_the_hosts_fault_not_the_tracks(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path
) -> None:
    server.choose = lambda path, number: None if path == PATH else faults.body(faults.PAGE)
    for number in range(9):
        with pytest.raises(Unavailable):
            get(f"/{number}.mp3")
    get(PATH)  # one that succeeds ends the row
    for number in range(9):
        with pytest.raises(Unavailable):
            get(f"/{number}.mp3")
    with pytest.raises(UserError, match=r"10 files in a row could not be had.*a web page.*log-in"):
        get("/x.mp3")
    row = next((tmp_path / "slots").glob("*/failed"))
    os.utime(row, (time.time() - 4000,) * 2)
    with pytest.raises(Unavailable):  # an old row is forgotten
        get("/x.mp3")


def test_missing_files_are_not_the_hosts_fault(server: FaultyServer, get: Callable[..., Path]) -> None:
    for number in range(12):
        with pytest.raises(NoSuchFile):
            get(f"/{number}.mp3")


def test_no_more_connections_per_host_than_allowed(server: FaultyServer, tmp_path: Path) -> None:
    server.files |= {f"/{n}.mp3": b"ID3" + bytes([n]) * 40_000 for n in range(12)}
    server.pace = (10_000, 0.005)
    fetching = {"connections": 2, "attempts": 2}
    paths = in_threads(
        12,
        lambda n: download(server.url(f"/{n}.mp3"), tmp_path / f"{n}", fetching=fetching, slots=tmp_path / "slots"),
    )
    assert [p.read_bytes()[3] for p in paths] == list(range(12))
    assert server.busiest <= 2


def test_a_slot_is_free_again_when_its_process_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from ssmttm.fetch.hosts import Host\n"
        "with Host('h', pathlib.Path(sys.argv[1]), 1).slot(): print('in', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"in\n"
        host = Host("h", tmp_path, 1)
        assert host._take() is None
        process.kill()
        process.wait()
    with host.slot():
        assert host._take() is None


def test_a_pause_that_nobody_can_have_set_is_ignored(tmp_path: Path) -> None:
    host = Host("h", tmp_path, 1)
    host.pause(1e9)
    assert 590 < host.pause_left() <= 600
    host.pause(5)  # a longer one stays
    assert host.pause_left() > 590
    os.utime(tmp_path / "h" / "pause", (2e10, 2e10))
    assert host.pause_left() == 0


def test_odd_host_names_stay_in_their_folder(tmp_path: Path) -> None:
    for name in ("../../x", "a/b", "h" * 300, "[::1]:80"):
        with Host(name, tmp_path / "slots", 1).slot():
            pass
    assert [p.name for p in tmp_path.iterdir()] == ["slots"] and len(list((tmp_path / "slots").iterdir())) == 4
