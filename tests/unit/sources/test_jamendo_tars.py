import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.sources.jamendo.tars import extract, open_index

FILES = {"48/948.mp3": b"first" * 300, "48/1048.mp3": b"second" * 2000, "48/empty.mp3": b""}


def tar_of(
    path: Path, files: dict[str, bytes] = FILES, special: Callable[[tarfile.TarFile], None] = lambda tar: None
) -> Path:
    with tarfile.open(path, "w") as tar:
        folder = tarfile.TarInfo("48")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        special(tar)
    return path


def got(archive: Path, name: str, cache: Path, sha256: str | None = None) -> bytes:
    target = cache / "out" / "track.mp3"
    extract(open_index(archive, cache), name, target, sha256)
    return target.read_bytes()


def test_members_are_read_in_any_order_and_verified(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar")
    for name in reversed(FILES):
        assert got(archive, name, tmp_path, hashlib.sha256(FILES[name]).hexdigest()) == FILES[name]
    with pytest.raises(Unavailable, match=r"48/948.mp3: its SHA-256 is .* published is 000") as caught:
        got(archive, "48/948.mp3", tmp_path / "b", "0" * 64)
    assert caught.value.reason == "checksum_mismatch"
    assert not list((tmp_path / "b" / "out").iterdir())


def test_names_beyond_the_header_and_in_other_scripts_are_found(tmp_path: Path) -> None:
    names = [f"48/{'x' * 200}.mp3", "./48/Музыка é.mp3", f"{'歌' * 60}/{'d' * 90}/1.mp3"]
    archive = tar_of(tmp_path / "a.tar", {name: name.encode() for name in names})
    for name in names:
        assert got(archive, name.removeprefix("./"), tmp_path) == name.encode()


def test_the_index_is_made_once_and_again_when_the_archive_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tar_of(tmp_path / "a.tar")
    made = open_index(archive, tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(tarfile, "open", None)
        assert open_index(archive, tmp_path / "cache") == made
    (stored,) = (tmp_path / "cache").iterdir()
    for damage in (b"", b"{}", b"[1]", b'{"members": {"a": [1]}, "refused": {}}', b"\xff"):
        stored.write_bytes(damage)
        assert open_index(archive, tmp_path / "cache") == made
    tar_of(archive, {"48/new.mp3": b"x"})
    assert list(open_index(archive, tmp_path / "cache").members) == ["48/new.mp3"]
    os.utime(archive, ns=(1, 1))
    open_index(archive, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_links_devices_and_unsafe_names_are_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")

    def special(tar: tarfile.TarFile) -> None:
        kinds = [
            ("48/sym.mp3", tarfile.SYMTYPE, str(secret)),
            ("48/hard.mp3", tarfile.LNKTYPE, "48/948.mp3"),
            ("48/null.mp3", tarfile.CHRTYPE, ""),
            ("48/disk.mp3", tarfile.BLKTYPE, ""),
            ("48/pipe.mp3", tarfile.FIFOTYPE, ""),
            ("48/948.mp3", tarfile.SYMTYPE, str(secret)),  # replaces the regular one, as unpacking would
        ]
        for name, kind, link in kinds:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            tar.addfile(info)
        for name in ("../../up.mp3", "/abs.mp3", "48/a\nb.mp3", "48/NUL.mp3"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))

    index = open_index(tar_of(tmp_path / "a.tar", special=special), tmp_path)
    assert set(index.members) == {"48/1048.mp3", "48/empty.mp3"}
    for name in ("sym", "hard", "null", "disk", "pipe", "948"):
        with pytest.raises(Unavailable, match=r"is a (link|special file), which is never followed") as caught:
            extract(index, f"48/{name}.mp3", tmp_path / "out", None)
        assert caught.value.reason == "unsafe_archive"
    with pytest.raises(Unavailable, match=r"has no member \.\./\.\./up"):
        extract(index, "../../up.mp3", tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def patched(path: Path, offset: int, data: bytes) -> Path:
    """The archive with other bytes in the header of its second member, checksum corrected."""
    raw = bytearray(path.read_bytes())
    raw[512 + offset : 512 + offset + len(data)] = data
    raw[512 + 148 : 512 + 156] = b" " * 8
    raw[512 + 148 : 512 + 156] = b"%06o\0 " % sum(raw[512:1024])
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("offset", "data"),
    [
        (124, b"\xff" * 12),  # size -1
        (124, b"\xff" * 10 + b"\xfe\0"),  # the same header again, for ever
        (124, b"\xff" * 6 + b"\x80" + b"\0" * 5),  # far before the start of the file
        (124, b"77777777777\0"),  # 8 GiB
        (124, b"\x80" + b"\xff" * 11),  # 2**88 bytes
        (156, b"L"),  # the data is a name, without an end
        (156, b"x"),  # the data is a list of extended headers
    ],
)
def test_headers_that_lie_end_in_a_message_and_not_in_a_loop(tmp_path: Path, offset: int, data: bytes) -> None:
    archive = patched(tar_of(tmp_path / "a.tar"), offset, data)
    try:
        members = open_index(archive, tmp_path / "cache").members
    except UserError as error:
        assert "a.tar: not a readable tar archive" in str(error)
        assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())
    else:
        assert "48/948.mp3" not in members


def test_an_extended_header_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    archive = patched(patched(tar_of(tmp_path / "a.tar"), 124, b"77777777777\0"), 156, b"x")
    with pytest.raises(UserError, match="a header of an absurd size"):
        open_index(archive, tmp_path / "cache")


def test_an_archive_that_is_cut_off_damaged_or_none_is_an_error(tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "a.tar").read_bytes()
    for damaged in (whole[:4000], b"", b"<!doctype html>" * 100, whole[:2560] + b"\1" * 512 + whole[3072:]):
        (tmp_path / "b.tar").write_bytes(damaged)
        with pytest.raises(UserError, match=r"b\.tar: not a readable tar archive: .*; download it again"):
            open_index(tmp_path / "b.tar", tmp_path / "cache")
    with pytest.raises(UserError, match=r"c\.tar: can't be read"):
        open_index(tmp_path / "c.tar", tmp_path / "cache")


def test_a_member_that_is_cut_off_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    index = open_index(tar_of(tmp_path / "a.tar"), tmp_path / "cache")
    with open(index.path, "r+b") as file:
        file.truncate(index.members["48/1048.mp3"][0] + 100)
    with pytest.raises(Unavailable, match=r"a\.tar ends inside 48/1048\.mp3"):
        extract(index, "48/1048.mp3", tmp_path / "out" / "x.mp3")
    assert not list((tmp_path / "out").iterdir())


def test_the_published_checksum_of_an_archive_is_checked_before_it_is_used(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert open_index(archive, tmp_path / "cache", sha256).members
    with pytest.raises(UserError, match=r"a\.tar: its SHA-256 is not the published one; download it again"):
        open_index(archive, tmp_path / "cache", "0" * 64)
