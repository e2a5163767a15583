import json
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from debs import DEP5, deb_bytes, flac, sha256, tagged, tone, zip_bytes

from ssmttm.dataset.attribution import credit
from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.licenses.policy import decide, evidence_of, make_policy
from ssmttm.sources.contract import Context, load_source
from ssmttm.sources.debian import apt, source
from ssmttm.sources.debian.packages import Package
from ssmttm.tables import write_table

CLIPS = {"seconds": 1.0, "max_track_seconds": 4.0}
FETCH = {"connections": 2, "attempts": 2, "timeout_s": 5.0, "keep": True}
MUSIC = {"usr/share/doc/game/copyright": DEP5, "usr/share/game/data/music/Blue_Sky.flac": flac(2.0)}


def context(cache: Path, notes: list[str] | None = None) -> Context:
    return Context(CLIPS, FETCH, cache, lambda done, total, note: notes.append(note) if notes is not None else None)


def listed(settings: dict[str, Any], cache: Path, notes: list[str] | None = None) -> dict[str, dict[str, Any]]:
    rows = [row.record() for row in source.list_tracks(settings, context(cache, notes))]
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
        ("dep5_files", "CC-BY-SA-3.0\nCopyright: Ada Tune"),
        ("catch_all", "GPL-2+"),
    ]
    for cache in (tmp_path / "cache", tmp_path / "fresh"):  # from the cache, and from the package
        assert sha256(source.fetch(settings, row, context(cache)).read_bytes()) == row["sha256"]


def test_the_holder_of_a_specific_pattern_is_credited_beside_the_tagged_artist(
    mirror: Callable[..., str], tmp_path: Path
) -> None:
    music = {
        "usr/share/game/data/music/a.flac": tagged(1.5, {"artist": "NeonTunes"}),
        "usr/share/game/other/b.flac": tagged(1.5, {"artist": "NeonTunes", "license": "CC BY 3.0"}, 330),
    }
    rows = listed(packed(mirror, {"usr/share/doc/game/copyright": DEP5, **music}), tmp_path)
    specific, catch_all = (rows[f"game/usr/share/game/{p}.flac"] for p in ("data/music/a", "other/b"))
    assert "by NeonTunes, copyright Ada Tune," in credit(specific, "CC-BY-SA-3.0", None)
    assert "by NeonTunes," in credit(catch_all, "CC-BY-3.0", None)
    assert "Coders" not in credit(catch_all, "CC-BY-3.0", None)


def test_a_damaged_cache_is_noticed_and_repaired(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(MUSIC)})}
    (row,) = listed(settings, tmp_path).values()
    for file in [*(tmp_path / "debian").glob("*.deb"), *(tmp_path / "debian" / "tracks").iterdir()]:
        file.write_bytes(b"x" * file.stat().st_size)
    assert sha256(source.fetch(settings, row, context(tmp_path)).read_bytes()) == row["sha256"]


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
    assert source.fetch({"packages": ["game"]}, inside, context(tmp_path)).read_bytes() == flac(1.5)
    assert all(row["problem_detail"] for row in rows.values() if row["problem"])


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("usr/share/game/sounds/geyser.flac", True),
        ("usr/share/game/data/sfx/geyser.flac", True),
        ("usr/share/game/music/fx/geyser.flac", True),
        ("usr/share/game/Sound Effects/water/geyser.flac", True),
        ("usr/share/game/sounds/music/geyser.flac", False),
        ("usr/share/game/music/sounds.flac", False),
        ("usr/share/game/soundtrack/geyser.flac", False),
        ("usr/share/soundscapes/geyser.flac", False),
        ("usr/share/game/geyser.flac", False),
    ],
)
def test_short_files_in_a_folder_of_sound_effects_are_no_music(
    path: str, effect: bool, mirror: Callable[..., str], tmp_path: Path
) -> None:
    members = {path: flac(2.0), "usr/share/game/sounds/tiny.flac": flac(0.5)}
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(members)})}
    rows = listed(settings, tmp_path)
    assert rows[f"game/{path}"]["problem"] == ("sound_effect" if effect else None)
    assert rows["game/usr/share/game/sounds/tiny.flac"]["problem"] == "too_short"
    # Long ones are music wherever they lie, and where that begins is a setting.
    for seconds in (2.0, 0.0):
        assert listed(settings | {"effects_seconds": seconds}, tmp_path)[f"game/{path}"]["problem"] is None
    archive = {"usr/share/game/x.love": zip_bytes({path: flac(2.0)})}
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(archive)})}
    (row,) = listed(settings, tmp_path / "archive").values()
    assert row["problem"] == ("sound_effect" if effect else None)


def test_names_that_need_quoting_are_found_again(mirror: Callable[..., str], tmp_path: Path) -> None:
    name = "usr/m/100% odd! name #1 \udcff.flac"
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes({name: flac(1.5)})})}
    (row,) = listed(settings, tmp_path / "a").values()
    assert row["title"].startswith("100% odd! name #1")
    assert sha256(source.fetch(settings, row, context(tmp_path / "b")).read_bytes()) == row["sha256"]


def test_a_license_file_speaks_for_its_own_folder_only(mirror: Callable[..., str], tmp_path: Path) -> None:
    members = {"usr/a/x.flac": flac(1.5), "usr/a/license.txt": "CC BY 4.0", "usr/b/y.flac": flac(1.5, 330)}
    rows = listed({"packages": ["game"], "mirror": mirror({"game": deb_bytes(members)})}, tmp_path)
    assert [e["kind"] for e in rows["game/usr/a/x.flac"]["license_evidence"]] == ["license_file"]
    assert rows["game/usr/b/y.flac"]["license_evidence"] == []


def test_a_copyright_that_is_no_dep5_is_package_text(mirror: Callable[..., str], tmp_path: Path) -> None:
    members = {**MUSIC, "usr/share/doc/game/copyright": "It was downloaded from https://example.org/up\nCC BY 3.0"}
    (row,) = listed({"packages": ["game"], "mirror": mirror({"game": deb_bytes(members)})}, tmp_path).values()
    assert [e["kind"] for e in row["license_evidence"]] == ["package_text"]
    assert (row["homepage"], row["artist"]) == ("https://example.org/up", None)


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
    archive = source.Mirror(mirror({"game": deb_bytes(MUSIC)}), "stable", tmp_path / "cache")
    package = archive.find("game")
    for filename in ("/etc/passwd", "../../x.deb", "pool/x.txt"):
        with pytest.raises(UserError, match="unsafe path"):
            archive.path(Package(package.name, "1.0", package.sha256, package.size, None, filename))


def test_a_version_that_is_gone_makes_its_tracks_unavailable(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = {"packages": ["game"], "mirror": mirror({"game": deb_bytes(MUSIC)})}
    for url in ("deb:game=2.0!/usr/x.ogg", "deb:game=1.0!/usr/x.ogg", "nonsense"):
        with pytest.raises(Unavailable):
            source.fetch(settings, {"url": url, "sha256": "0" * 64}, context(tmp_path))


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
    assert load_source("debian") is source
    with pytest.raises(UserError, match=r"no source 'debain'; there are .*debian"):
        load_source("debain")


POLICY = make_policy({"allow": ["CC-BY-3.0", "CC-BY-SA-3.0"]})


def decided(row: dict[str, Any]) -> tuple[str | None, str | None]:
    decision = decide(evidence_of(row["license_evidence"]), POLICY)
    return decision.reason, decision.license


def packed(mirror: Callable[..., str], members: Mapping[str, bytes | str], **options: Any) -> dict[str, Any]:
    return {"packages": ["game"], "mirror": mirror({"game": deb_bytes(members, **options)})}


ALBUM = {
    "title": "Night",
    "author": "Ada Tune",
    "tracks": [{"filename": "track1.flac", "title": "Moon"}, {"filename": "extra_1.flac", "title": "Owl"}],
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_an_album_has_its_titles_and_its_license_file_down_to_the_exception(
    mirror: Callable[..., str], tmp_path: Path, line_end: str
) -> None:
    license = "For all tracks except extra_1:\n\nCC-BY-SA-3.0\n\n---\n\nextra_1 is licensed under the GPL-2+.\n"
    members = {
        "usr/share/doc/game/copyright": DEP5.partition("Files: data")[0],
        "usr/g/albums/night/album.json": json.dumps(ALBUM),
        "usr/g/albums/night/license.txt": license.replace("\n", line_end),
        "usr/g/albums/night/track1.flac": flac(1.5),
        "usr/g/albums/night/extra_1.flac": flac(1.5, 330),
        "usr/g/menu.flac": flac(1.5, 440),
    }
    rows = listed(packed(mirror, members), tmp_path)
    one, extra, menu = (rows[f"game/usr/g/{p}.flac"] for p in ("albums/night/track1", "albums/night/extra_1", "menu"))
    assert (one["title"], one["artist"], one["album"]) == ("Moon", "Ada Tune", "Night")
    assert decided(one) == (None, "CC-BY-SA-3.0")
    assert extra["title"] == "Owl"
    assert decided(extra)[0] == "license_not_allowed"
    assert [e["kind"] for e in extra["license_evidence"]] == ["license_file", "catch_all"]
    assert (menu["title"], menu["artist"], decided(menu)[0]) == ("menu", None, "license_not_allowed")


def test_a_license_file_speaks_down_from_the_music_folder_and_not_from_the_game(
    mirror: Callable[..., str], tmp_path: Path
) -> None:
    members = {
        "usr/g/LICENSE": "CC BY 3.0",
        "usr/g/a.flac": flac(1.2),
        "usr/g/sub/b.flac": flac(1.3),
        "usr/g/music/LICENSE": "CC BY-SA 3.0",
        "usr/g/music/album x/c.flac": flac(1.4),
        "usr/g/music/y/cd1/d.flac": flac(1.5),
    }
    rows = listed(packed(mirror, members), tmp_path)
    texts = {key.rpartition("/")[2]: [e["text"] for e in row["license_evidence"]] for key, row in rows.items()}
    assert texts == {"a.flac": ["CC BY 3.0"], "b.flac": [], "c.flac": ["CC BY-SA 3.0"], "d.flac": ["CC BY-SA 3.0"]}


def test_two_license_files_that_contradict_each_other_are_a_conflict(
    mirror: Callable[..., str], tmp_path: Path
) -> None:
    members = {"usr/g/a.flac": flac(1.2), "usr/g/LICENSE": "CC BY 3.0", "usr/g/COPYING": "GPL-2+"}
    (row,) = listed(packed(mirror, members), tmp_path).values()
    assert decided(row)[0] == "license_conflict"


def test_a_malformed_sidecar_is_noted_and_the_music_stays(mirror: Callable[..., str], tmp_path: Path) -> None:
    notes: list[str] = []
    members = {"usr/g/album.json": "{", "usr/g/song.ini": "nonsense", "usr/g/a.flac": flac(1.2)}
    (row,) = listed(packed(mirror, members), tmp_path, notes).values()
    assert (row["title"], row["problem"]) == ("a", None)
    assert sum("usr/g/album.json is ignored" in n or "usr/g/song.ini is ignored" in n for n in notes) == 2


SONG = "usr/g/songs/moon"
STEMS = {
    f"{SONG}/song.ini": "[song]\nname = Moon\nartist = Composed by Ada\n",
    f"{SONG}/readme.txt": "Under CC-BY-SA-3.0.",
    f"{SONG}/song.flac": flac(2.0),
    f"{SONG}/guitar.flac": flac(1.8, 330),
    f"{SONG}/preview.flac": flac(1.2, 440),
}


def test_stems_become_one_track_that_is_their_sum(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = packed(mirror, STEMS)
    rows = listed(settings, tmp_path / "a")
    song = rows[f"game/{SONG}"]
    assert set(rows) == {f"game/{SONG}", f"game/{SONG}/preview.flac"}
    assert (song["title"], song["artist"], song["problem"]) == ("Moon", "Ada", None)
    assert song["duration_s"] == pytest.approx(2.0)
    assert decided(song) == (None, "CC-BY-SA-3.0")
    for cache in (tmp_path / "a", tmp_path / "b"):  # from the cache, and mixed anew
        wave, _ = soundfile.read(source.fetch(settings, song, context(cache)), dtype="float32")
        expected = tone(2.0)
        expected[: len(tone(1.8))] += tone(1.8, frequency=330)
        assert np.abs(wave - expected).max() < 1e-3


def test_one_stem_alone_is_a_track_and_without_a_song_ini_nothing_is_a_stem(
    mirror: Callable[..., str], tmp_path: Path
) -> None:
    alone = {k: v for k, v in STEMS.items() if "guitar" not in k}
    row = listed(packed(mirror, alone), tmp_path / "a")[f"game/{SONG}/song.flac"]
    assert (row["title"], row["artist"]) == ("Moon", "Ada")
    plain = {k: v for k, v in STEMS.items() if not k.endswith(".ini")}
    assert f"game/{SONG}/guitar.flac" in listed(packed(mirror, plain), tmp_path / "b")


def test_stems_that_are_licensed_differently_or_damaged_are_rejected(
    mirror: Callable[..., str], tmp_path: Path
) -> None:
    differing = STEMS | {f"{SONG}/license.txt": "song.flac: CC BY 3.0\n\nguitar.flac: CC BY-SA 3.0"}
    row = listed(packed(mirror, differing), tmp_path / "a")[f"game/{SONG}"]
    assert row["problem"] == "license_conflict"
    assert "CC BY 3.0" in row["problem_detail"] and "CC BY-SA 3.0" in row["problem_detail"]
    damaged = STEMS | {f"{SONG}/guitar.flac": b"no music"}
    row = listed(packed(mirror, damaged), tmp_path / "b")[f"game/{SONG}"]
    assert (row["problem"], row["sha256"]) == ("undecodable", None)
    assert "guitar.flac" in row["problem_detail"]


def test_of_a_dual_license_the_allowed_branch_is_used(mirror: Callable[..., str], tmp_path: Path) -> None:
    copyright = DEP5.replace("License: CC-BY-SA-3.0", "License: GPL-3 or CC-BY-3.0")
    copyright = copyright.replace("Files: data/music/*", "Files: ./data/music/Blue_Sky.flac")
    (row,) = listed(packed(mirror, MUSIC | {"usr/share/doc/game/copyright": copyright}), tmp_path).values()
    assert decided(row) == (None, "CC-BY-3.0")
    assert row["license_evidence"][0]["text"] == "GPL-3 or CC-BY-3.0\nCopyright: Ada Tune"


def test_names_of_the_holders_complete_the_credits(mirror: Callable[..., str], tmp_path: Path) -> None:
    copyright = DEP5.replace("2011-2013, Ada Tune <ada@example.org>", "Ada Tune\n Cy Dee (www.example.com)")
    music = "usr/share/game/data/music"
    members = {
        "usr/share/doc/game/copyright": copyright,
        f"{music}/ada_one.flac": flac(1.2),
        f"{music}/Nick-two.flac": flac(1.3),
        f"{music}/Nick-three.flac": tagged(1.4, {"ARTIST": 'Cy "Nick" Dee'}),
        f"{music}/four.flac": flac(1.5),
        "usr/share/other.flac": flac(1.6),
    }
    rows = listed(packed(mirror, members), tmp_path)
    assert {key.rpartition("/")[2]: row["artist"] for key, row in rows.items()} == {
        "ada_one.flac": "Ada Tune",
        "Nick-two.flac": 'Cy "Nick" Dee',
        "Nick-three.flac": 'Cy "Nick" Dee',
        "four.flac": "Ada Tune, Cy Dee",
        "other.flac": None,
    }


def test_titles_that_pile_up_in_tags_or_are_copied_are_put_right(mirror: Callable[..., str], tmp_path: Path) -> None:
    members = {
        "usr/m/caves.flac": tagged(1.2, {"TITLE": ["Living Caves"]}),
        "usr/m/hell.flac": tagged(1.3, {"TITLE": ["Living Caves", "Hell"]}),
        "usr/m/x_one.flac": tagged(1.4, {"TITLE": "The Album", "ARTIST": "Ada"}),
        "usr/m/x_two.flac": tagged(1.5, {"TITLE": "The Album", "ARTIST": "Ada"}),
    }
    titles = [row["title"] for row in listed(packed(mirror, members), tmp_path).values()]
    assert titles == ["Living Caves", "Hell", "x one", "x two"]


def test_files_of_one_name_get_ids_of_their_own_and_only_the_first_is_used(
    mirror: Callable[..., str], tmp_path: Path
) -> None:
    others = [(tarfile.TarInfo("usr/a.flac"), flac(1.3)), (tarfile.TarInfo("usr/b\udcfe.flac"), flac(1.4))]
    settings = packed(mirror, {"usr/a.flac": flac(1.2), "usr/b\udcff.flac": flac(1.5)}, others=others)
    rows = listed(settings, tmp_path)
    problems = {key: row["problem"] for key, row in rows.items()}
    assert problems == {
        "game/usr/a.flac": None,
        "game/usr/b%FF.flac": None,
        "game/usr/a.flac%#2": "unsafe_archive",
        "game/usr/b%FE.flac": None,
    }
    for row in rows.values():
        if row["problem"] is None:
            assert sha256(source.fetch(settings, row, context(tmp_path / "new")).read_bytes()) == row["sha256"]


@pytest.mark.parametrize(
    "name", ["new\nline", "\u202eright to left", "x" * 300, "夜の歌", "con", "$(reboot) `x`; #&+!"]
)
def test_names_of_every_kind_are_listed_on_one_line_and_fetched(
    mirror: Callable[..., str], tmp_path: Path, name: str
) -> None:
    settings = packed(mirror, {"usr/x.zip": zip_bytes({f"m/{name}.flac": flac(1.2)})})
    (row,) = listed(settings, tmp_path / "a").values()
    for text in (row["track_id"], row["title"], row["url"]):
        assert text.isprintable()
    assert source.fetch(settings, row, context(tmp_path / "b")).read_bytes() == flac(1.2)


def test_many_tracks_asked_for_at_once_need_one_unpacking(
    mirror: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = packed(mirror, {f"usr/{i}.flac": flac(1.1 + i / 10) for i in range(8)})
    rows = list(listed(settings, tmp_path / "a").values())
    read, reads = source.read_package, []
    monkeypatch.setattr(source, "read_package", lambda *a: reads.append(1) or read(*a))
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda row: source.fetch(settings, row, context(tmp_path / "b")), rows))
    assert [sha256(p.read_bytes()) for p in paths] == [row["sha256"] for row in rows]
    assert len(reads) == 1


def test_a_forgotten_track_is_gone_and_can_be_had_again(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = packed(mirror, MUSIC)
    (row,) = listed(settings, tmp_path).values()
    path = source.fetch(settings, row, context(tmp_path))
    for _ in range(2):
        source.forget(settings, row, context(tmp_path))
        assert not path.exists()
    assert source.fetch(settings, row, context(tmp_path)) == path
    assert path.exists()


def test_a_file_that_is_not_the_one_that_was_indexed_is_unavailable(mirror: Callable[..., str], tmp_path: Path) -> None:
    settings = packed(mirror, MUSIC)
    (row,) = listed(settings, tmp_path).values()
    with pytest.raises(Unavailable) as caught:
        source.fetch(settings, {**row, "sha256": "0" * 64}, context(tmp_path))
    assert caught.value.reason == "changed"
