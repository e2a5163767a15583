"""Files of tensors: bytes that follow from the content alone, and that the library reads."""

import subprocess
import sys

import numpy as np
import safetensors
import torch

from ssmttm.codecs.base import save_codec
from ssmttm.files import sha256_file
from ssmttm.tensors import content_hash, save_tensors

METADATA = {"set": "ours", "clips": "12", "title": 'Émile said "\\\n\x01"', "embedder": "musicnn", "rate": "24000"}
WRITE = """
import sys
import numpy as np
from ssmttm.codecs.base import save_codec
tensors = {"mean": np.arange(3, dtype=np.float32), "codebooks": np.ones((2, 2), np.float32)}
save_codec(sys.argv[1], "spectral", {"sample_rate": 24000}, tensors)
"""


def test_saved_again_and_again_a_file_has_the_same_bytes(tmp_path):
    for number in range(12):
        save_tensors(tmp_path / f"{number}", {"b": np.ones(3), "a": np.zeros((2, 2), np.float32)}, METADATA)
    assert len({sha256_file(path) for path in tmp_path.iterdir()}) == 1


def test_a_codec_has_the_same_bytes_from_every_process(tmp_path):
    save_codec(
        tmp_path / "here",
        "spectral",
        {"sample_rate": 24000},
        {"codebooks": np.ones((2, 2), np.float32), "mean": np.arange(3, dtype=np.float32)},
    )
    for seed in ("0", "1"):
        command = [sys.executable, "-c", WRITE, str(tmp_path / seed)]
        subprocess.run(command, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}, check=True)
    assert len({sha256_file(path) for path in tmp_path.iterdir()}) == 1


def test_what_was_saved_is_read_back(tmp_path):
    matrix = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    save_tensors(tmp_path / "t", {"turned": matrix.T, "one": torch.ones(1, dtype=torch.bfloat16)}, METADATA)
    save_tensors(tmp_path / "n", {"turned": matrix.numpy().T}, METADATA)
    for name in ("t", "n"):
        with safetensors.safe_open(tmp_path / name, "pt") as file:
            assert file.metadata() == METADATA
            assert torch.equal(file.get_tensor("turned"), matrix.T)


def test_the_hash_of_tensors_is_of_their_names_shapes_and_values():
    tensors = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(1)}
    known = content_hash(tensors)
    assert content_hash(dict(reversed(tensors.items()))) == known
    assert content_hash(tensors | {"b": tensors["b"].T.contiguous().T}) == known
    others = (
        tensors | {"b": tensors["b"].reshape(3, 2)},
        tensors | {"b": tensors["b"] + 1},
        {"b": tensors["b"], "c": tensors["a"]},
    )
    assert len({known, content_hash(tensors, "start"), *map(content_hash, others)}) == 5
