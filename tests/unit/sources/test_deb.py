import io
import struct
import tarfile
import time
import warnings
import zipfile
from pathlib import Path

import pytest
from debs import ar_bytes, deb_bytes, zip_bytes

from ssmttm.errors import UserError
from ssmttm.sources.debian.deb import read_package
from ssmttm.sources.debian.members import Limits, Member, UnsafeArchive, is_license, safe_path


def read(tmp_path: Path, data: bytes, limits: Limits = Limits()) -> list[Member]:
    path = tmp_path / "p.deb"
    path.write_bytes(data)
    return list(read_package(path, "p", lambda path: True, limits))


@pytest.mark.parametrize("compression", ["xz", "gz", "zst", ""])
def test_audio_license_and_copyright_come_out_of_every_compression(tmp_path: Path, compression: str) -> None:
    members = {
        "./usr/share/doc/p/copyright": "c",
        "./usr/share/doc/q/copyright": "c",
        "./usr/g/a.OGG": b"1",
        "./usr/g/license.txt": "l",
        "./usr/g/picture.png": b"2",
        "./usr/g/music.love": zip_bytes({"data/b.mp3": b"3", "main.lua": b"4"}),
    }
    found = {(m.path, m.inner): m.data for m in read(tmp_path, deb_bytes(members, compression=compression))}
    assert found == {
        ("usr/share/doc/p/copyright", None): b"c",
        ("usr/share/doc/q/copyright", None): b"c",
        ("usr/g/a.OGG", None): b"1",
        ("usr/g/license.txt", None): b"l",
        ("usr/g/music.love", "data/b.mp3"): b"3",
    }


@pytest.mark.parametrize("name", ["/etc/a.ogg", "../a.ogg", "x/../../a.ogg", "C:/a.ogg", "..\\a.ogg", "\\a.ogg"])
def test_unsafe_paths_are_refused_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeArchive):
        safe_path(name)
    data = deb_bytes({name: b"1", "usr/x.zip": zip_bytes({name: b"2", "ok.ogg": b"3"}), "usr/ok.ogg": b"4"})
    found = read(tmp_path, data)
    assert [m.problem for m in found] == ["unsafe_archive", "unsafe_archive", None, None]
    assert [m.data for m in found[2:]] == [b"3", b"4"]
    assert not (tmp_path.parent / "a.ogg").exists()


def test_links_are_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    inside = zip_bytes({"ok.ogg": b"1"}, {"link.ogg": str(tmp_path / "secret")})
    found = read(tmp_path, deb_bytes({"usr/x.pk3": inside}, {"usr/l.ogg": str(tmp_path / "secret")}))
    assert [(m.name, m.problem) for m in found] == [
        ("ok.ogg", None),
        ("link.ogg", "unsafe_archive"),
        ("usr/l.ogg", "unsafe_archive"),
    ]
    assert all(b"secret" not in m.data for m in found)


def test_a_zip_bomb_is_refused_fast_by_what_it_says_and_by_what_it_holds(tmp_path: Path) -> None:
    limits = Limits(member=1 << 20, ratio_from=2 << 20)
    honest = zip_bytes({"bomb.ogg": bytes(8 << 20), "ok.ogg": b"1"})
    # The same with a header that claims 100 bytes: the content must not come through either.
    lying = honest.replace((8 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    for bomb in (honest, lying):
        started = time.perf_counter()
        found = read(tmp_path, deb_bytes({"usr/x.zip": bomb}, compression=""), limits)
        assert time.perf_counter() - started < 2
        assert [(m.name, m.problem is None) for m in found] == [("bomb.ogg", False), ("ok.ogg", True)]


def test_many_members_together_are_bounded_too(tmp_path: Path) -> None:
    limits = Limits(member=1 << 20, ratio_from=2 << 20, ratio=2)
    inside = zip_bytes({f"{i}.ogg": bytes(1 << 20) for i in range(6)})
    found = read(tmp_path, deb_bytes({"usr/x.zip": inside}, compression=""), limits)
    assert [m.problem for m in found] == [None] * 2 + ["unsafe_archive"] * 4


def test_a_package_that_unpacks_to_far_too_much_is_refused_fast(tmp_path: Path) -> None:
    bomb = deb_bytes({"usr/a.ogg": b"1", "usr/bomb.bin": bytes(64 << 20), "usr/b.ogg": b"2"}, compression="gz")
    found = read(tmp_path, bomb, Limits(ratio_from=8 << 20, ratio=10))
    assert [(m.path, m.problem) for m in found] == [("usr/a.ogg", None), ("", "unsafe_archive")]


def test_a_large_member_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = read(tmp_path, deb_bytes({"a.ogg": bytes(2 << 20), "b.ogg": b"1"}), Limits(member=1 << 20))
    assert [m.problem for m in found] == ["unsafe_archive", None]


def test_a_broken_or_encrypted_archive_inside_gives_a_row(tmp_path: Path) -> None:
    buffer = io.BytesIO(zip_bytes({"a.ogg": b"12345"}))
    with zipfile.ZipFile(buffer) as archive:
        offset = archive.start_dir
    encrypted = bytearray(buffer.getvalue())
    encrypted[offset + 8] |= 1
    found = read(tmp_path, deb_bytes({"a.zip": b"PK no zip", "b.zip": bytes(encrypted), "c.ogg": b"1"}))
    assert [m.problem for m in found] == ["undecodable", "unsafe_archive", None]


def test_a_file_cut_at_any_place_is_an_error_with_its_name(tmp_path: Path) -> None:
    whole = deb_bytes({"usr/a.ogg": bytes(range(256)) * 64})
    for cut in (0, 5, 40, 100, len(whole) // 2, len(whole) - 40):
        with pytest.raises(UserError, match=r"p\.deb: not a readable \.deb"):
            read(tmp_path, whole[:cut])


BACKWARD = ar_bytes({"data.tar": b""}).replace(b"0         `", b"-60       `")
"""An archive whose one member ends where it begins."""


@pytest.mark.parametrize(
    "data", [b"no package", ar_bytes({"debian-binary": b"2.0\n"}), ar_bytes({"data.tar.lz": b""}), BACKWARD]
)
def test_what_is_no_package_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UserError, match="not a readable"):
        read(tmp_path, data)


def test_license_file_names() -> None:
    assert all(map(is_license, ["a/LICENSE", "license.txt", "COPYING.md", "Licence-music.txt", "copyright"]))
    assert not any(map(is_license, ["a/licensed-song.ogg", "README", "copyright.png", "unlicense.lua"]))


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def test_hard_links_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    others = [
        special("usr/hard.ogg", tarfile.LNKTYPE, "usr/a.ogg"),
        special("usr/char.ogg", tarfile.CHRTYPE),
        special("usr/block.ogg", tarfile.BLKTYPE),
        special("usr/pipe.ogg", tarfile.FIFOTYPE),
        special("usr/love.love", tarfile.SYMTYPE, "/etc/passwd"),
        special("usr/license.txt", tarfile.SYMTYPE, "/etc/passwd"),
    ]
    found = read(tmp_path, deb_bytes({"usr/a.ogg": b"1"}, others=others))
    assert [(m.name, m.problem) for m in found] == [
        ("usr/a.ogg", None),
        *[(f"usr/{n}", "unsafe_archive") for n in ("hard.ogg", "char.ogg", "block.ogg", "pipe.ogg", "love.love")],
    ]


def test_an_archive_inside_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = zip_bytes({"deep.ogg": b"1"})
    found = read(tmp_path, deb_bytes({"usr/x.pk3": zip_bytes({"y.pk3": inner, "a.ogg": b"2"})}))
    assert [(m.path, m.inner, m.problem) for m in found] == [
        ("usr/x.pk3", "y.pk3", "unsafe_archive"),
        ("usr/x.pk3", "a.ogg", None),
    ]


def test_a_zip64_archive_is_read_and_its_claims_are_bounded(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("a.ogg", "w", force_zip64=True) as file:
        file.write(b"12345")
    assert [m.data for m in read(tmp_path, deb_bytes({"x.zip": buffer.getvalue()}))] == [b"12345"]
    # An end record that points to a zip64 one, which claims a list of members of 2 GiB.
    data = buffer.getvalue()
    end = data.rfind(b"PK\5\6")
    record = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, 2 << 30, 0)
    locator = b"PK\6\7" + struct.pack("<LQL", 0, end, 1)
    tail = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (found,) = read(tmp_path, deb_bytes({"x.zip": data[:end] + record + locator + tail}))
    assert (found.problem, found.inner) == ("unsafe_archive", None)
    assert "2048 MiB" in str(found.detail)


def test_an_archive_that_lists_far_too_many_members_is_refused(tmp_path: Path) -> None:
    many = zip_bytes({f"{i:0200d}.txt": b"" for i in range(2000)} | {"a.ogg": b"1"})
    (found,) = read(tmp_path, deb_bytes({"x.zip": many}), Limits(directory=100 << 10))
    assert found.problem == "unsafe_archive"
    assert len(read(tmp_path, deb_bytes({"x.zip": many}))) == 1


def test_a_header_of_many_megabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    name = "usr/" + "x" * (2 << 20) + ".ogg"
    found = read(tmp_path, deb_bytes({"usr/a.ogg": b"1", name: b"2", "usr/b.ogg": b"3"}))
    assert [(m.path, m.problem) for m in found] == [("usr/a.ogg", None), ("", "unsafe_archive")]


NAMES = ["line\nbreak.ogg", "x" * 300 + ".ogg", "夜の歌.ogg", "нота.ogg", "con.ogg", "b\udcff.ogg", "tab\t'\"$(x).ogg"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_kind_come_through_unchanged(tmp_path: Path, name: str) -> None:
    assert [(m.path, m.data) for m in read(tmp_path, deb_bytes({f"usr/{name}": b"1"}))] == [(f"usr/{name}", b"1")]


def test_members_of_one_name_all_come_through(tmp_path: Path) -> None:
    again = tarfile.TarInfo("a.ogg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of it
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("b.ogg", b"3")
            archive.writestr("b.ogg", b"4")
    found = read(tmp_path, deb_bytes({"x.zip": buffer.getvalue(), "a.ogg": b"1"}, others=[(again, b"2")]))
    assert [m.data for m in found] == [b"3", b"4", b"1", b"2"]


def test_sparse_files_which_unpack_to_more_than_was_stored_are_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("usr/sparse.ogg")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "1000", "GNU.sparse.numblocks": "1"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info.size = 1
        tar.addfile(info, io.BytesIO(b"1"))
    data = ar_bytes({"debian-binary": b"2.0\n", "data.tar": buffer.getvalue()})
    assert [m.problem for m in read(tmp_path, data)] == ["unsafe_archive"]
