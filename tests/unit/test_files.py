import stat

import pytest

from ssmttm.files import atomic_path, sha256_bytes, sha256_file, write_bytes, write_json, write_text


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "product"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_target_appears_only_when_the_block_has_ended(tmp_path):
    path = tmp_path / "new" / "product"
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"x")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_bytes() == b"x"


def test_files_get_the_usual_permissions(tmp_path):
    write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_json_refuses_what_other_readers_can_not_parse(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_hashes_of_a_file_and_of_its_bytes_agree(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_file(tmp_path / "a") == sha256_bytes(b"abc")
    assert sha256_bytes(b"abc").startswith("ba7816bf")
