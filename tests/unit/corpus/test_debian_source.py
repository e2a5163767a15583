import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from debs import DEP5, deb_bytes, flac, sha256, zip_bytes

from ssmttm.corpus.debian import apt
from ssmttm.corpus.sources import Unavailable, debian, load_source
from ssmttm.errors import UserError
from ssmttm.tables import write_table

LIMITS = {"seconds": 1.0, "max_track_seconds": 4.0}
MUSIC = {"usr/share/doc/game/copyright": DEP5, "usr/share/game/data/music/Blue_Sky.flac": flac(2.0)}


def listed(settings: dict[str, Any], cache: Path) -> dict[str, dict[str, Any]]:
    rows = debian.list_tracks(settings, LIMITS, cache, lambda done, total, note: None)
    write_table(cache / "index.parquet", "index", rows)  # the rows fit the schema
    return {row["track_id"].removeprefix("debian:"): row for row in rows}


def test_a_track_is_listed_with_evidence_and_fetched(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(MUSIC)})}
    (row,) = listed(settings, tmp_path / "cache").values()
    assert row["track_id"] == "debian:game/usr/share/game/data/music/Blue_Sky.flac"
    assert row["url"] == "deb:game=1.0!/usr/share/game/data/music/Blue_Sky.flac"
    assert (row["title"], row["artist"], row["homepage"]) == ("Blue Sky", "Ada Tune", "https://example.org/game")
    assert row["duration_s"] == pytest.approx(2.0)
    assert row["problem"] is None
    assert [(e["kind"], e["text"]) for e in row["license_evidence"]] == [
        ("dep5_files", "CC-BY-SA-3.0"),
        ("catch_all", "GPL-2+"),
    ]
    for cache in (tmp_path / "cache", tmp_path / "fresh"):  # from the cache, and from the package
        assert sha256(debian.fetch(settings, row, cache)) == row["sha256"]


def test_a_damaged_cache_is_noticed_and_repaired(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(MUSIC)})}
    (row,) = listed(settings, tmp_path).values()
    for file in [*(tmp_path / "debian").glob("*.deb"), *(tmp_path / "debian" / "tracks").iterdir()]:
        file.write_bytes(b"x" * file.stat().st_size)
    assert sha256(debian.fetch(settings, row, tmp_path)) == row["sha256"]


def test_every_bad_file_becomes_a_row_and_the_rest_goes_on(mirror: Callable[..., str], tmp_path: Path) -> None:
    members = {
        **MUSIC,
        "usr/m/text.ogg": "just some text, no music",
        "usr/m/empty.ogg": b"",
        "usr/m/corrupt.flac": flac(2.0)[:60] + b"\0" * 500,
        "usr/m/playlist.mp3": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n",
        "usr/m/short.flac": flac(0.5),
        "usr/m/long.flac": flac(5.0),
        "usr/m/x.love": zip_bytes({"../evil.ogg": b"1", "data/music/in zip!.flac": flac(1.5)}),
    }
    data = deb_bytes(members, {"usr/m/link.ogg": "/etc/passwd"})
    rows = listed({"packages": ["game"], "mirror": mirror({"game": data})}, tmp_path)
    problems = {key.removeprefix("game/usr/m/"): row["problem"] for key, row in rows.items()}
    assert problems == {
        "game/usr/share/game/data/music/Blue_Sky.flac": None,
        "text.ogg": "undecodable",
        "empty.ogg": "undecodable",
        "corrupt.flac": "undecodable",
        "playlist.mp3": "undecodable",
        "short.flac": "too_short",
        "long.flac": "too_long",
        "x.love/../evil.ogg": "unsafe_archive",
        "x.love/data/music/in zip!.flac": None,
        "link.ogg": "unsafe_archive",
    }
    inside = rows["game/usr/m/x.love/data/music/in zip!.flac"]
    assert inside["license_evidence"][0]["kind"] == "dep5_files"
    assert debian.fetch({"packages": ["game"]}, inside, tmp_path) == flac(1.5)
    assert all(row["problem_detail"] for row in rows.values() if row["problem"])


def test_names_that_need_quoting_are_found_again(mirror: Callable[..., str], tmp_path: Path) -> None:
    name = "usr/m/100% odd! name #1 \udcff.flac"
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes({name: flac(1.5)})})}
    (row,) = listed(settings, tmp_path / "a").values()
    assert row["title"].startswith("100% odd! name #1")
    assert sha256(debian.fetch(settings, row, tmp_path / "b")) == row["sha256"]


def test_a_license_file_speaks_for_its_own_folder_only(mirror: Callable[..., str], tmp_path: Path) -> None:
    members = {"usr/a/x.flac": flac(1.5), "usr/a/license.txt": "CC BY 4.0", "usr/b/y.flac": flac(1.5, 330)}
    rows = listed({"packages": ["game"], "mirror": mirror({"game": deb_bytes(members)})}, tmp_path)
    assert [e["kind"] for e in rows["game/usr/a/x.flac"]["license_evidence"]] == ["license_file"]
    assert rows["game/usr/b/y.flac"]["license_evidence"] == []


def test_a_copyright_that_is_no_dep5_is_package_text(mirror: Callable[..., str], tmp_path: Path) -> None:
    members = {**MUSIC, "usr/share/doc/game/copyright": "It was downloaded from https://example.org/up\nCC BY 3.0"}
    (row,) = listed({"packages": ["game"], "mirror": mirror({"game": deb_bytes(members)})}, tmp_path).values()
    assert [e["kind"] for e in row["license_evidence"]] == ["package_text"]
    assert (row["homepage"], row["artist"]) == ("https://example.org/up", "game")


def test_patterns_restrict_files_and_one_that_fits_none_is_an_error(mirror: Callable[..., str], tmp_path: Path) -> None:
    members = {"usr/m/a1.flac": flac(1.5), "usr/m/b.flac": flac(1.5, 330), "x.zip": zip_bytes({"d/a2.flac": flac(1.2)})}
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(members)})}
    assert len(listed({**settings, "files": ["a?.flac"]}, tmp_path)) == 2
    assert list(listed({**settings, "files": ["*/m/b*"]}, tmp_path)) == ["game/usr/m/b.flac"]
    with pytest.raises(UserError, match=r"data\.sources\.debian\.files"):
        listed({**settings, "files": ["nothing*"]}, tmp_path)


@pytest.mark.parametrize("compression", [".xz", ".gz", ""])
def test_the_index_of_a_mirror_is_read_in_every_compression(
    mirror: Callable[..., str], tmp_path: Path, compression: str
) -> None:
    base = mirror({"game": deb_bytes(MUSIC), "other": deb_bytes({})}, compression=compression)
    assert len(listed({"packages": ["game"], "mirror": base}, tmp_path)) == 1


def no_leftovers(cache: Path) -> bool:
    return not list(cache.rglob("*.deb")) and not list(cache.rglob("*.part")) and not list(cache.rglob("*.parquet"))


def test_a_package_that_does_not_exist_is_named(mirror: Callable[..., str], tmp_path: Path) -> None:
    base = mirror({"game": deb_bytes(MUSIC)})
    with pytest.raises(UserError, match=r"'gmae' does not exist.*data\.sources\.debian\.packages"):
        listed({"packages": ["game", "gmae"], "mirror": base}, tmp_path / "cache")
    assert no_leftovers(tmp_path / "cache")


def test_a_wrong_checksum_or_truncated_package_is_refused(mirror: Callable[..., str], tmp_path: Path) -> None:
    data = deb_bytes(MUSIC)
    base = mirror({"game": data}, published={"game": "0" * 64})
    with pytest.raises(UserError, match=r"game 1\.0: the download is truncated or altered: its SHA-256"):
        listed({"packages": ["game"], "mirror": base}, tmp_path / "cache")
    base = mirror({"game": data})
    (tmp_path / "mirror/pool/main/game_1.0_all.deb").write_bytes(data[:-100])
    with pytest.raises(UserError, match=f"{len(data) - 100} of {len(data)} bytes arrived"):
        listed({"packages": ["game"], "mirror": base}, tmp_path / "cache")
    (tmp_path / "mirror/pool/main/game_1.0_all.deb").write_bytes(data + b"x")
    with pytest.raises(UserError, match="larger than"):
        listed({"packages": ["game"], "mirror": base}, tmp_path / "cache")
    assert no_leftovers(tmp_path / "cache")


def test_an_index_that_release_does_not_vouch_for_is_refused(mirror: Callable[..., str], tmp_path: Path) -> None:
    base = mirror({"game": deb_bytes(MUSIC)}, index_sha256="1" * 64)
    with pytest.raises(UserError, match="its SHA-256 is not the one in Release"):
        listed({"packages": ["game"], "mirror": base}, tmp_path / "cache")
    assert no_leftovers(tmp_path / "cache")


@pytest.mark.parametrize(
    ("mirror_url", "message"),
    [("ftp://example.org/d", "no http, https or file"), ("file:///does/not/exist", "has no suite"), ("x", "no http")],
)
def test_a_bad_mirror_is_explained(mirror_url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        listed({"packages": ["game"], "mirror": mirror_url}, tmp_path)


def test_a_listed_path_that_climbs_out_of_the_mirror_is_refused(mirror: Callable[..., str], tmp_path: Path) -> None:
    archive = debian.Mirror(mirror({"game": deb_bytes(MUSIC)}), "stable", tmp_path / "cache")
    package = archive.find("game")
    for filename in ("/etc/passwd", "../../x.deb", "pool/x.txt"):
        with pytest.raises(UserError, match="unsafe path"):
            archive.path(debian.Package(package.name, "1.0", package.sha256, package.size, None, filename))


def test_a_version_that_is_gone_makes_its_tracks_unavailable(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(MUSIC)})}
    for url in ("deb:game=2.0!/usr/x.ogg", "deb:game=1.0!/usr/x.ogg", "nonsense"):
        with pytest.raises(Unavailable):
            debian.fetch(settings, {"url": url, "sha256": "0" * 64}, tmp_path)


def test_without_apt_and_mirror_the_message_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(apt.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"no apt.*data\.sources\.debian\.mirror"):
        listed({"packages": ["game"], "mirror": None}, tmp_path)


class FakeApt:
    """Stands in for subprocess.run: knows `game` in the private lists only, once they were updated."""

    def __init__(self, data: bytes, network: bool = True) -> None:
        self.data, self.network, self.updated, self.calls = data, network, False, []

    def __call__(self, arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert isinstance(arguments, list) and options["timeout"] > 0 and not options.get("shell")
        self.calls.append(arguments)
        private = any(a.startswith("Dir::State::lists=") for a in arguments)
        code, out, error = 0, "", ""
        if "update" in arguments:
            assert private
            self.updated = self.network
            code, error = (0, "") if self.network else (100, "E: Failed to fetch http://example.org/InRelease")
        elif "show" in arguments and arguments[-1].split("=")[0] == "game" and private and self.updated:
            out = f"Package: game\nVersion: 1.0\nSize: {len(self.data)}\nSHA256: {sha256(self.data)}\n\nPackage: z\n"
        elif "show" in arguments:
            code = 100
        elif "download" in arguments:
            Path(options["cwd"], "game_1.0_all.deb").write_bytes(self.data[: len(self.data) if self.network else 9])
        return subprocess.CompletedProcess(arguments, code, out, error)


def with_apt(monkeypatch: pytest.MonkeyPatch, fake: FakeApt) -> None:
    monkeypatch.setattr(apt.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(apt.subprocess, "run", fake)


def test_apt_falls_back_to_lists_of_its_own_and_downloads_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = FakeApt(deb_bytes(MUSIC))
    with_apt(monkeypatch, fake)
    for _ in range(2):
        assert len(listed({"packages": ["game"], "mirror": None}, tmp_path)) == 1
    assert sum("download" in c for c in fake.calls) == 1
    assert sum("update" in c for c in fake.calls) == 1


def test_apt_without_network_says_so_and_an_unknown_name_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_apt(monkeypatch, FakeApt(b"", network=False))
    with pytest.raises(UserError, match=r"(?s)game.*could not be updated.*Failed to fetch"):
        listed({"packages": ["game"], "mirror": None}, tmp_path)
    with_apt(monkeypatch, FakeApt(b""))
    with pytest.raises(UserError, match="'gmae' does not exist"):
        listed({"packages": ["gmae"], "mirror": None}, tmp_path)


def test_a_truncated_download_of_apt_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = FakeApt(deb_bytes(MUSIC))
    with_apt(monkeypatch, fake)
    fake.updated, fake.network = True, False
    with pytest.raises(UserError, match=r"truncated or altered: 9 of \d+ bytes"):
        listed({"packages": ["game"], "mirror": None}, tmp_path)
    assert no_leftovers(tmp_path)


def test_an_unknown_source_is_named() -> None:
    assert load_source("debian") is debian
    with pytest.raises(UserError, match=r"no source 'debain'; there are .*debian"):
        load_source("debain")
