"""What files of weights are known by: a hash. No torch."""

from functools import cache
from pathlib import Path

from ssmttm.files import sha256_bytes, sha256_file

MODEL_SUFFIXES = frozenset({".json", ".safetensors", ".txt", ".model"})
"""Of files in a model's folder that transformers reads: settings, weights, vocabularies."""


def model_files(setting: object) -> list[str]:
    """The files of models that a setting names by paths, as far as they lie on this machine."""
    named = setting.values() if isinstance(setting, dict) else [setting]
    paths = [Path(name).expanduser() for name in named if isinstance(name, str)]
    inside = [file for path in paths if path.is_dir() for file in _model_files(path)]
    return [str(path) for path in [*(path for path in paths if path.is_file()), *inside]]


@cache
def weights_hash(*paths: Path) -> str:
    """The first 12 hex digits of a weight file's SHA-256, or of the hashes of several files; read once per process.

    A folder stands for those of its files that transformers reads: configuration and vocabulary
    change a model's numbers as its weights do.
    """
    files = [file for path in paths for file in (_model_files(path) if path.is_dir() else [path])]
    if len(files) == 1:
        return sha256_file(files[0])[:12]
    return sha256_bytes("\n".join(f"{file.name} {sha256_file(file)}" for file in files).encode())[:12]


def _model_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in MODEL_SUFFIXES)
