import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faulty_server as faults
import pytest
from debs import sha256
from downloads import MUSIC, OTHER, PATH, SCRIPT, in_threads, leftovers, statuses
from faulty_server import FaultyServer

from ssmttm.errors import UserError
from ssmttm.fetch import download as module
from ssmttm.fetch import partial
from ssmttm.fetch.download import download, forget
from ssmttm.fetch.failures import Unavailable


def test_one_target_wanted_by_many_at_once_is_fetched_once(server: FaultyServer, get: Callable[..., Path]) -> None:
    server.pace = (20_000, 0.002)
    assert all(r.read_bytes() == MUSIC for r in in_threads(8, lambda n: get()))
    assert statuses(server) == [200]


def test_who_waited_for_another_that_failed_tries_it_anew(server: FaultyServer, get: Callable[..., Path]) -> None:
    def late(reply: faults.Reply) -> faults.Reply:
        time.sleep(0.15)  # until the others wait
        return faults.status(404)(reply)

    server.plan(PATH, late)
    results = in_threads(4, lambda n: get())
    assert sorted(type(r).__name__ for r in results) == ["NoSuchFile", "PosixPath", "PosixPath", "PosixPath"]
    assert statuses(server) == [404, 200]


def test_processes_wait_for_one_another(server: FaultyServer, tmp_path: Path) -> None:
    server.pace = (20_000, 0.05)
    command = [sys.executable, "-c", SCRIPT, server.url(PATH), str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert statuses(server) == [200] and (tmp_path / "track.mp3").read_bytes() == MUSIC


def test_a_file_that_was_damaged_on_disk_is_fetched_again(server: FaultyServer, get: Callable[..., Path]) -> None:
    for checksum in (None, sha256(MUSIC)):
        path = get(sha256=checksum)
        path.write_bytes(b"x" * len(MUSIC))
        assert get(sha256=checksum).read_bytes() == MUSIC
        path.write_bytes(MUSIC[:-1])
        assert get(sha256=checksum).read_bytes() == MUSIC
    path.write_bytes(MUSIC)  # another time, the same bytes
    get()
    assert statuses(server) == 5 * [200]


@pytest.mark.parametrize("record", [None, "", "[]", "{}", '{"url": 1}', "\udcff"])
def test_a_file_without_record_counts_only_if_its_checksum_is_published(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, record: str | None
) -> None:
    (tmp_path / "track.mp3").write_bytes(MUSIC)
    if record is not None:
        (tmp_path / "track.mp3.json").write_bytes(record.encode(errors="surrogateescape"))
    get(sha256=sha256(MUSIC))
    assert server.hits == []
    (tmp_path / "track.mp3").write_bytes(OTHER)
    (tmp_path / "track.mp3.json").unlink()
    assert get().read_bytes() == MUSIC


def test_a_changed_remote_file_is_noticed_and_not_taken(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path
) -> None:
    get()
    forget(tmp_path / "track.mp3")
    server.files[PATH] = OTHER
    with pytest.raises(
        Unavailable, match=r"is not the file any more that was fetched.*remove .*track\.mp3\.json"
    ) as error:
        get()
    assert error.value.reason == "changed" and not (tmp_path / "track.mp3").exists()
    (tmp_path / "track.mp3.json").unlink()
    assert get().read_bytes() == OTHER


def test_another_address_or_checksum_for_a_target_replaces_the_file(
    server: FaultyServer, get: Callable[..., Path]
) -> None:
    get()
    server.files["/b.mp3"] = OTHER
    assert get("/b.mp3").read_bytes() == OTHER
    assert get(sha256=sha256(MUSIC)).read_bytes() == MUSIC


@pytest.mark.parametrize("spoilt", ["record", "boot"])
def test_a_part_of_unknown_origin_or_from_before_a_power_cut_is_not_continued(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    server.plan(PATH, faults.cut(0.5))
    with pytest.raises(Unavailable):
        get(fetching={"attempts": 1})
    assert leftovers(tmp_path) == ["track.mp3.part", "track.mp3.part.json"]
    if spoilt == "record":
        (tmp_path / "track.mp3.part.json").write_text('{"url": 3}')
    else:
        monkeypatch.setattr(partial, "_boot", lambda: "another")
    assert get().read_bytes() == MUSIC
    assert "Range" not in server.hits[1].headers


def test_a_part_that_was_all_there_when_its_process_died_is_not_sent_again(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_record", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            get()
    assert not (tmp_path / "track.mp3").exists()
    assert get().read_bytes() == MUSIC
    assert statuses(server) == [200]
    assert leftovers(tmp_path) == ["track.mp3.json"]


def test_killed_at_any_moment_it_ends_the_same_and_keeps_what_it_had(server: FaultyServer, tmp_path: Path) -> None:
    size = 600_000
    data = server.files[PATH] = b"ID3" + random.Random(5).randbytes(size)
    server.pace = (10_000, 0.005)
    part = tmp_path / "track.mp3.part"
    for share in (0.2, 0.5, 0.8):
        command = [sys.executable, "-c", SCRIPT, server.url(PATH), str(tmp_path)]
        with subprocess.Popen(command) as process:
            while process.poll() is None and not (part.exists() and part.stat().st_size > share * size):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL and not (tmp_path / "track.mp3").exists()
    download(server.url(PATH), tmp_path / "track.mp3", fetching={}, slots=tmp_path / "slots")
    assert (tmp_path / "track.mp3").read_bytes() == data
    offsets = [hit.offset for hit in server.hits]
    assert offsets == sorted(offsets) and offsets[-1] > 0.8 * size and statuses(server) == [200, 206, 206, 206]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_stops_everything_and_keeps_what_is_there(
    server: FaultyServer, get: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    class Full(partial.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > 100_000:
                raise OSError(code, os.strerror(code))
            return super().write(data)

    with monkeypatch.context() as patch:
        patch.setattr(partial, "FileIO", Full)
        with pytest.raises(UserError, match=r"disk is full.*track\.mp3 needs \d+ more bytes, \d+ are free"):
            get()
    assert not (tmp_path / "track.mp3").exists()
    assert get().read_bytes() == MUSIC
    assert statuses(server) == [200, 206]


def test_a_disk_that_cannot_hold_the_file_is_noticed_before_the_transfer(
    server: FaultyServer, get: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    with monkeypatch.context() as patch:
        patch.setattr(partial.shutil, "disk_usage", lambda path: usage)
        with pytest.raises(UserError, match=f"needs {len(MUSIC)} more bytes, 1000 are free"):
            get()
    assert get().read_bytes() == MUSIC


def test_a_folder_that_cannot_be_written_is_told(server: FaultyServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for target, message in (
        (tmp_path / "file" / "a.mp3", "can't be written: "),
        (tmp_path / ("n" * 300), "can't be written: File name too long"),
        (tmp_path / "folder", "is no file"),
    ):
        with pytest.raises(UserError, match=message):
            download(server.url(PATH), target, fetching={}, slots=tmp_path / "slots")
