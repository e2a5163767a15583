import random
import shutil

import numpy as np
import pytest

from ssmttm.errors import UserError
from ssmttm.pretrained.tensorflow_bundle import BundleError, _unsnappy, read_bundle
from ssmttm.pretrained.wheels import package_file


@pytest.fixture(scope="module")
def checkpoint():
    return package_file("musicnn", "musicnn", "MTT_musicnn/.index").parent


@pytest.fixture
def damaged(checkpoint, tmp_path):
    """A function that writes a checkpoint with another index."""
    (tmp_path / ".data-00000-of-00001").symlink_to(checkpoint / ".data-00000-of-00001")

    def write(index):
        (tmp_path / ".index").write_bytes(index)
        return f"{tmp_path}/"

    return write


def test_reads_every_variable_of_the_tagger(checkpoint):
    weights = read_bundle(f"{checkpoint}/")
    assert weights["conv2d/kernel"].shape == (7, 38, 1, 204)
    assert weights["dense_1/bias"].shape == (50,)
    assert all(np.isfinite(w).all() for w in weights.values())
    assert (weights["batch_normalization/moving_variance"] > 0).all()


def test_a_truncated_index_is_refused(checkpoint, damaged):
    index = (checkpoint / ".index").read_bytes()
    for length in (0, 10, 47, len(index) // 2, len(index) - 1):
        with pytest.raises(BundleError):
            read_bundle(damaged(index[:length]))


def test_truncated_data_is_refused(checkpoint, tmp_path):
    shutil.copy(checkpoint / ".index", tmp_path)
    (tmp_path / ".data-00000-of-00001").write_bytes(b"short")
    with pytest.raises(BundleError, match="beyond the end"):
        read_bundle(f"{tmp_path}/")


def test_random_damage_is_read_or_refused_but_never_crashes(checkpoint, damaged):
    index = (checkpoint / ".index").read_bytes()
    choice = random.Random(0)
    refused = 0
    for _ in range(60):
        broken = bytearray(index)
        for _ in range(choice.randint(1, 20)):
            broken[choice.randrange(len(broken) - 8)] = choice.randrange(256)
        try:
            read_bundle(damaged(bytes(broken)))
        except (BundleError, FileNotFoundError):
            refused += 1
    assert refused > 20


def test_snappy_literals_and_overlapping_copies():
    # "ab" as a literal, then a copy of 6 bytes from 2 back
    assert _unsnappy(bytes([8, 1 << 2]) + b"ab" + bytes([(2 << 2) | 1, 2])) == b"abababab"


def test_snappy_copy_from_before_the_start_is_refused():
    with pytest.raises(BundleError, match="before its start"):
        _unsnappy(bytes([8, 1 << 2]) + b"ab" + bytes([(2 << 2) | 1, 5]))


def test_a_missing_package_is_named():
    with pytest.raises(UserError, match="the Python package some-model is not installed"):
        package_file("no_such_package_here", "some-model", "weights")
