from collections.abc import Callable, Iterator
from pathlib import Path

import faulty_server as faults
import pytest
from debs import deb_bytes
from faulty_server import FaultyServer

from ssmttm.errors import UserError
from ssmttm.sources.debian.mirror import Mirror

DEB = deb_bytes({"usr/share/x": bytes(1000)}, compression="") + bytes(3000)
POOL = "/pool/main/game_1.0_all.deb"


@pytest.fixture
def web_mirror(mirror: Callable[..., str], tmp_path: Path) -> Iterator[FaultyServer]:
    mirror({"game": DEB})
    root = tmp_path / "mirror"
    files = {f"/{p.relative_to(root)}": p.read_bytes() for p in root.rglob("*") if p.is_file()}
    with FaultyServer(files) as server:
        yield server


def package(server: FaultyServer, cache: Path) -> Path:
    fetching = {"attempts": 3, "timeout_s": 2.0, "backoff_s": 0.001}
    archive = Mirror(server.url(), "stable", cache, fetching)
    return archive.path(archive.find("game"))


def test_packages_of_a_mirror_are_resumed_and_kept_but_never_an_old_release(
    web_mirror: FaultyServer, tmp_path: Path
) -> None:
    web_mirror.plan(POOL, faults.cut(0.5), faults.status(503, "0"))
    for _ in range(2):
        assert package(web_mirror, tmp_path / "cache").read_bytes() == DEB
    assert [hit.status for hit in web_mirror.asked(POOL)] == [200, 503, 206]
    assert len(web_mirror.asked("/dists/stable/Release")) == 2
    assert len(web_mirror.asked("/dists/stable/main/binary-all/Packages.xz")) == 1
    assert not list(tmp_path.rglob("release-*"))


@pytest.mark.parametrize(
    ("path", "fault", "message"),
    [
        ("/dists/stable/InRelease", faults.body(faults.PAGE), "a web page .* instead of text; check data.sources"),
        (POOL, faults.body(faults.PAGE), "game 1.0: .* a web page .* instead of archive; check data.sources"),
        (POOL, faults.status(404), "game: .* is listed but not there"),
        (POOL, faults.status(403), "game 1.0: .* answered 403 .*; check data.sources"),
        (POOL, faults.wrong_bytes(4000), "game 1.0: the download is truncated or altered: its SHA-256"),
    ],
)
def test_what_a_mirror_refuses_or_spoils_is_told(
    web_mirror: FaultyServer, tmp_path: Path, path: str, fault: faults.Fault, message: str
) -> None:
    web_mirror.plan(path, *3 * [fault])
    with pytest.raises(UserError, match=rf"(?s){message}"):
        package(web_mirror, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.deb*"))
