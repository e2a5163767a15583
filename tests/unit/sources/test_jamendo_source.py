import io
import tarfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from debs import flac, sha256
from faulty_server import FaultyServer, status

from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.licenses.policy import apply_policy, make_policy
from ssmttm.sources.contract import Context, load_source
from ssmttm.sources.jamendo import source
from ssmttm.tables import REASONS, write_table

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data" / "mtg-jamendo"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the published MTG-Jamendo tables are not beside the project"
)
CLIPS = {"seconds": 1.0, "max_track_seconds": 400.0}
FETCHING = {"connections": 2, "attempts": 2, "timeout_s": 5.0, "keep": True}
BY, NC = "http://creativecommons.org/licenses/by/3.0/", "http://creativecommons.org/licenses/by-nc/2.0/fr/"
SONGS = {"48/948.low.mp3": flac(2.0), "48/1048.low.mp3": flac(2.0, 330), "49/949.low.mp3": flac(2.0, 440)}
HEAD = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"


def row(number: int, seconds: str = "2.0", artist: int = 1) -> str:
    path = f"{number % 100:02d}/{number}.mp3"
    return f"track_{number:07d}\tartist_{artist:06d}\talbum_000009\t{path}\t{seconds}\tgenre---rock"


def block(number: int, url: str = BY, title: str = "Song", artist: str = "Ada") -> str:
    return (
        f"{number % 100:02d}/{number}.mp3\n{title} by {artist} from Jamendo: http://www.jamendo.com/track/{number}\n"
        f"Available under a Creative Commons license: {url}\n\n"
    )


class Published:
    """The files of a small collection, and settings that name them."""

    def __init__(self, folder: Path, rows: Iterable[str] | None = None, blocks: Iterable[str] | None = None) -> None:
        self.folder = folder
        self.context = Context(CLIPS, FETCHING, folder / "cache")
        numbers = (948, 1048, 949)
        self.settings: dict[str, Any] = {
            "metadata": self.write("raw.tsv", "\n".join([HEAD, *(rows or map(row, numbers))]) + "\n"),
            "licenses": self.write("audio_licenses.txt", "".join(blocks or map(block, numbers))),
            "checksums": self.write("sums.txt", "".join(f"{sha256(d)} {p}\n" for p, d in SONGS.items())),
            "variant": "audio-low",
            "audio": {"folder": self.unpacked()},
        }

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def unpacked(self) -> str:
        for path, data in SONGS.items():
            file = self.folder / "unpacked" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return str(self.folder / "unpacked")

    def tars(self, collection: str = "raw_30s") -> dict[str, bytes]:
        found = {}
        for number in ("48", "49"):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as tar:
                for path, data in SONGS.items():
                    if path.startswith(number):
                        info = tarfile.TarInfo(path)
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))
            found[f"{collection}_audio-low-{number}.tar"] = buffer.getvalue()
        return found

    def rows(self, **changed: Any) -> dict[str, dict[str, Any]]:
        rows = [row.record() for row in source.list_tracks(self.settings | changed, self.context)]
        write_table(self.folder / "index.parquet", "index", rows)  # the rows fit the schema
        assert all(r["problem"] is None or (r["problem"] in REASONS and r["problem_detail"]) for r in rows)
        return {r["track_id"].removeprefix("jamendo:"): r for r in rows}

    def fetched(self, track: dict[str, Any], **changed: Any) -> bytes:
        return source.fetch(self.settings | changed, track, self.context).read_bytes()


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


def test_a_track_is_listed_with_its_statement_and_checksum(published: Published) -> None:
    assert load_source("jamendo") is source
    track = published.rows()["948"]
    assert track["url"] == "jamendo:48/948.low.mp3"
    assert (track["title"], track["artist"], track["homepage"]) == ("Song", "Ada", "http://www.jamendo.com/track/948")
    assert (track["duration_s"], track["tags"], track["problem"]) == (2.0, ["rock"], None)
    assert track["sha256"] == sha256(SONGS["48/948.low.mp3"])
    assert track["license_evidence"] == [
        {
            "kind": "catalog",
            "text": f"Available under a Creative Commons license: {BY}",
            "url": BY,
            "where": "audio_licenses.txt, line 3",
        }
    ]


def test_the_variant_decides_the_file(published: Published) -> None:
    track = published.rows(variant="audio", checksums=None)["948"]
    assert (track["url"], track["sha256"]) == ("jamendo:48/948.mp3", None)
    with pytest.raises(UserError, match=r"data\.sources\.jamendo\.checksums: .*has none of the 3 tracks.*'audio'"):
        published.rows(variant="audio")


def test_statements_that_contradict_each_other_are_a_conflict_and_none_is_no_evidence(tmp_path: Path) -> None:
    published = Published(tmp_path, blocks=[block(948), block(948, NC), block(1048)])
    rows = list(published.rows().values())
    assert [e["url"] for e in rows[0]["license_evidence"]] == [BY, NC]
    settings = {"allow": ["CC-BY-3.0"], "noncommercial": False, "noderivatives": False, "sharealike": True}
    reasons = [d.reason for d in apply_policy(rows, make_policy(settings))]
    assert reasons == ["license_conflict", None, "no_license_evidence"]


def test_a_malformed_row_or_block_rejects_its_track_only(tmp_path: Path) -> None:
    rows = [row(948, "soon"), row(1048), row(949), row(1, "0.5"), row(2, "500"), row(3).replace("03/3", "../3")]
    blocks = [block(948), block(1048), "49/949.mp3\nSong by A", "\n\n", *map(block, (1, 2, 3))]
    found = Published(tmp_path, rows, blocks).rows()
    assert {number: track["problem"] for number, track in found.items()} == {
        "948": "malformed",
        "1048": None,
        "949": "no_license_evidence",
        "1": "too_short",
        "2": "too_long",
        "3": "malformed",
    }
    assert found["948"]["problem_detail"].startswith("raw.tsv, row 2, column DURATION: 'soon'")
    assert found["949"]["problem_detail"] == "audio_licenses.txt, line 9: the block of 49/949.mp3 states no license"
    assert found["3"]["problem_detail"].startswith("raw.tsv, row 7, column PATH: '../3.mp3' leads out")


def test_held_out_tracks_are_rejected_with_the_file_that_says_so(published: Published) -> None:
    held = published.write("song_describer.csv", "caption_id,track_id\n1,948\n2,7\n3,948\n")
    found = published.rows(exclude=[held])
    assert [(t["problem"], t["problem_detail"]) for t in found.values()] == [
        ("excluded", "song_describer.csv, row 2 holds it out for evaluation"),
        (None, None),
        (None, None),
    ]


def test_names_come_from_the_table_of_names_where_it_has_them(tmp_path: Path) -> None:
    blocks = [block(948, title="A by B", artist="Blocked by Trees"), block(1048, title="C", artist="Blocked by Trees")]
    published = Published(tmp_path, blocks=[*blocks, block(949)])
    head = "TRACK_ID\tARTIST_ID\tALBUM_ID\tTRACK_NAME\tARTIST_NAME\tALBUM_NAME\tRELEASEDATE\tURL"
    named = "track_0000948\tartist_000001\talbum_000009\tA by B\tBlocked by Trees\tWood\t2010\thttp://x.org/948"
    titles = published.write("raw.meta.tsv", f"{head}\n{named}\n")
    found = published.rows(titles=titles)
    shown = [(t["title"], t["artist"], t["album"], t["homepage"]) for t in found.values()]
    assert shown[0] == ("A by B", "Blocked by Trees", "Wood", "http://x.org/948")
    # The same artist, by the id, although the table does not name this track.
    assert shown[1] == ("C", "Blocked by Trees", None, "http://www.jamendo.com/track/1048")
    alone = published.rows()
    assert (alone["948"]["title"], alone["948"]["artist"]) == ("A by B by Blocked", "Trees")
    assert alone["1048"]["artist"] == "Trees"


def test_an_artist_without_a_name_goes_by_the_id_and_a_page_is_http(tmp_path: Path) -> None:
    text = "48/948.mp3\nSong from Jamendo: javascript:alert(1)\nAvailable under a CC license: http://x.org/\n\n"
    track = Published(tmp_path, [row(948, artist=7)], [text]).rows()["948"]
    assert (track["title"], track["artist"], track["homepage"]) == ("Song", "artist_000007", None)


def test_progress_is_told(published: Published) -> None:
    told: list[tuple[int, int, str]] = []
    context = Context(CLIPS, FETCHING, published.context.cache, lambda *step: told.append(step))
    list(source.list_tracks(published.settings, context))
    assert (told[0], told[-1]) == ((0, 3, "rows"), (3, 3, "rows"))


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ({}, r"audio: give one of address, tars and folder, not none"),
        ({"address": "http://x/{path}", "tars": "y"}, r"not address, tars"),
        ({"address": "http://x/y"}, r"audio\.address: .*lacks \{path\}"),
        ({"tars": "http://x/y"}, r"audio\.tars: .*lacks \{archive\}"),
        ({"tars": "/does/not/exist"}, r"audio\.tars: /does/not/exist: no such folder"),
        ({"folder": "/does/not/exist"}, r"audio\.folder: .*no such folder"),
    ],
)
def test_bad_settings_are_explained_before_anything_is_read(
    published: Published, audio: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        published.rows(audio=audio, metadata="/does/not/exist")


def test_a_missing_table_is_named_with_its_setting(published: Published) -> None:
    for key in ("metadata", "licenses", "checksums", "titles"):
        with pytest.raises(UserError, match=rf"data\.sources\.jamendo\.{key}: /nowhere/x\.tsv: no such file"):
            published.rows(**{key: "/nowhere/x.tsv"})


def test_tables_may_be_addresses(published: Published) -> None:
    expected = published.rows()
    names = {"metadata": "/raw.tsv", "licenses": "/x/audio_licenses.txt", "checksums": "/sums.txt"}
    files = {path: Path(published.settings[key]).read_bytes() for key, path in names.items()}
    with FaultyServer(files) as server:
        served = {key: server.url(path) for key, path in names.items()}
        assert published.rows(**served) == published.rows(**served) == expected
        assert len(server.hits) == 3


def test_a_folder_is_read_in_place_and_never_written(published: Published) -> None:
    track = published.rows()["948"]
    assert published.fetched(track) == SONGS["48/948.low.mp3"]
    source.forget(published.settings, track, published.context)
    file = published.folder / "unpacked/48/948.low.mp3"
    assert file.is_file() and not list(published.context.cache.rglob("*.mp3"))
    file.write_bytes(b"other")
    with pytest.raises(Unavailable, match="its SHA-256 is not the published one") as caught:
        published.fetched(track)
    assert caught.value.reason == "checksum_mismatch"
    file.unlink()
    with pytest.raises(Unavailable, match="no such file"):
        published.fetched(track)
    outside = published.folder / "outside.mp3"
    outside.write_bytes(SONGS["48/948.low.mp3"])
    file.symlink_to(outside)
    with pytest.raises(Unavailable, match="not a file inside"):
        published.fetched(track)


@pytest.mark.parametrize(
    "url", ["jamendo:../../etc/passwd", "jamendo:%2Fetc%2Fpasswd", "jamendo:", "http://x/y", "jamendo:a%0Ab"]
)
def test_a_locator_that_is_unsafe_is_never_followed(published: Published, url: str) -> None:
    track = {"url": url, "sha256": None}
    for audio in (
        published.settings["audio"],
        {"address": "http://127.0.0.1:9/{path}"},
        {"tars": str(published.folder)},
    ):
        with pytest.raises(Unavailable):
            published.fetched(track, audio=audio)


def test_tracks_are_downloaded_verified_kept_and_forgotten(published: Published) -> None:
    tracks = published.rows()
    with FaultyServer({f"/low/{path}": data for path, data in SONGS.items()}) as server:
        audio = {"address": server.url("/low/{path}")}
        server.plan("/low/49/949.low.mp3", status(404))
        assert published.fetched(tracks["948"], audio=audio) == SONGS["48/948.low.mp3"]
        assert published.fetched(tracks["948"], audio=audio) == SONGS["48/948.low.mp3"]
        assert len(server.hits) == 1
        with pytest.raises(Unavailable):
            published.fetched(tracks["949"], audio=audio)
        with pytest.raises(Unavailable) as caught:
            published.fetched(tracks["1048"] | {"sha256": "0" * 64}, audio=audio)
        assert caught.value.reason == "checksum_mismatch"
        source.forget(published.settings | {"audio": audio}, tracks["948"], published.context)
        assert not list(published.context.cache.rglob("*.mp3"))
        assert published.fetched(tracks["948"], audio=audio) == SONGS["48/948.low.mp3"]


def test_a_path_is_percent_encoded_in_an_address(tmp_path: Path) -> None:
    published = Published(tmp_path, [row(948).replace("48/948", "48/É?#1")], [block(948)])
    track = published.rows(checksums=None)["948"]
    with FaultyServer({"/48/É?#1.low.mp3": SONGS["48/948.low.mp3"]}) as server:
        assert published.fetched(track, audio={"address": server.url("/{path}")}) == SONGS["48/948.low.mp3"]


@pytest.mark.parametrize("collection", ["raw_30s", "autotagging_moodtheme"])
def test_tars_in_a_folder_are_read_without_unpacking_them(published: Published, collection: str) -> None:
    folder = published.folder / "tars"
    folder.mkdir()
    for name, data in published.tars(collection).items():
        (folder / name).write_bytes(data)
    changed = {"audio": {"tars": str(folder)}}
    tracks = published.rows(**changed)
    with ThreadPoolExecutor(4) as pool:
        for path, data in zip(SONGS, pool.map(lambda t: published.fetched(t, **changed), tracks.values())):
            assert data == SONGS[path]
    (folder / f"{collection}_audio-low-48.tar").unlink()
    assert published.fetched(tracks["948"], **changed) == SONGS["48/948.low.mp3"]  # from the cache
    source.forget(published.settings | changed, tracks["948"], published.context)
    with pytest.raises(Unavailable, match=r"raw_30s_audio-low-48\.tar: no such archive"):
        published.fetched(tracks["948"], **changed)


def test_a_damaged_copy_in_the_cache_is_extracted_anew(published: Published) -> None:
    folder = published.folder / "tars"
    folder.mkdir()
    for name, data in published.tars().items():
        (folder / name).write_bytes(data)
    changed = {"audio": {"tars": str(folder)}}
    for checksums in (published.settings["checksums"], None):
        track = published.rows(checksums=checksums, **changed)["948"]
        copy = source.fetch(published.settings | changed, track, published.context)
        copy.write_bytes(b"short" if checksums is None else b"x" * copy.stat().st_size)
        assert published.fetched(track, **changed) == SONGS["48/948.low.mp3"]


def test_archives_are_downloaded_once_and_verified(published: Published) -> None:
    tars = published.tars()
    sums = published.write("tars.txt", "".join(f"{sha256(d)} {n}\n" for n, d in tars.items()))
    tracks = published.rows()
    with FaultyServer({f"/t/{name}": data for name, data in tars.items()}) as server:
        changed = {"audio": {"tars": server.url("/t/{archive}")}, "tar_checksums": sums}
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda t: published.fetched(t, **changed), tracks.values()))
        assert found == list(SONGS.values())
        assert len(server.hits) == 2
        for track in tracks.values():
            source.forget(published.settings | changed, track, published.context)
        published.fetched(tracks["949"], **changed)
        assert len(server.hits) == 2


def test_an_archive_that_is_not_the_published_one_stops_the_job(published: Published) -> None:
    track = published.rows()["948"]
    name = "raw_30s_audio-low-48.tar"
    sums = published.write("tars.txt", f"{'0' * 64} {name}\n")
    (published.folder / name).write_bytes(published.tars()[name])
    for tars in (f"{published.folder.as_uri()}/{{archive}}", str(published.folder), f"{published.folder}/{{archive}}"):
        with pytest.raises(UserError, match=f"{name}.*SHA-256 is"):
            published.fetched(track, audio={"tars": tars}, tar_checksums=sums)
    wrong = published.write("tars.txt", f"{'0' * 64} raw_30s_audio-48.tar\n{'0' * 64} ../x_audio-low-48.tar\n")
    with pytest.raises(UserError, match=r"tar_checksums: .*has no archive \*_audio-low-48\.tar"):
        published.fetched(track, audio={"tars": str(published.folder)}, tar_checksums=wrong)


@needs_shared
def test_the_published_tables_match_each_other(tmp_path: Path) -> None:
    metadata = SHARED / "autotagging_moodtheme.head3000.tsv"
    numbers = [int(line.split("\t")[0][6:]) for line in metadata.open().readlines()[1:]]
    published = Published(tmp_path, blocks=[block(n, NC if n % 2 else BY) for n in numbers])
    found = published.rows(metadata=str(metadata), checksums=str(SHARED / "audio-low_sha256_tracks.head2000.txt"))
    assert len(found) == 3000
    assert sum(t["sha256"] is not None for t in found.values()) > 50
    assert all(len(t["license_evidence"]) == 1 for t in found.values())
    problems = {n: t["problem"] for n, t in found.items() if t["problem"]}
    assert set(problems.values()) == {"too_long"} and len(problems) < 300
