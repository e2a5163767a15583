"""A full disk, met by every library that writes: one message, and nothing half-written."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ssmttm.cli.disk import full_disk
from ssmttm.files import write_json
from ssmttm.tensors import save_tensors


@pytest.fixture
def full(tmp_path):
    """A file system of 64 KiB with nothing but a little room left."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        (tmp_path / "filler").write_bytes(bytes(56 * 1024))
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def noise():
    return np.random.default_rng(0).normal(size=50_000).astype(np.float32)


WRITERS = {
    "json": lambda path: write_json(path, {"text": noise().tolist()}),
    "tensors": lambda path: save_tensors(path, {"weights": noise()}, {}),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_each_library_that_meets_it_is_understood(full, kind):
    with pytest.raises(Exception) as met:
        WRITERS[kind](full / "product")
    said = full_disk(met.value, {"SLURM_JOB_ID": "17"})
    assert said is not None, repr(met.value)
    assert "no space left" in said
    assert "job 17 of SLURM" in said
    assert [path.name for path in full.iterdir()] == ["filler"]


def test_other_errors_are_not_taken_for_it():
    assert full_disk(OSError(2, "No such file or directory"), {}) is None
    assert full_disk(ValueError("28"), {}) is None
    assert "results/x: no space left" in full_disk(OSError(122, "Disk quota exceeded", "results/x"), {})


def test_a_cause_counts_too():
    try:
        try:
            raise OSError(28, "No space left on device", "inner")
        except OSError as inner:
            raise RuntimeError("outer") from inner
    except RuntimeError as outer:
        assert full_disk(outer, {}).startswith("inner: no space left")


def test_a_command_ends_with_one_message(full):
    (full / "filler").write_bytes(bytes(64 * 1024))
    done = subprocess.run(
        [sys.executable, "-m", "ssmttm", "claims", "--out", str(full / "claims.json")],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr[-2000:]
    assert "no space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (full / "claims.json").exists()
