"""What a codec is, and how one is fitted, saved and loaded: its module's name is its key."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors

from ssmttm import plugins
from ssmttm.errors import UserError
from ssmttm.spec import canonical_json
from ssmttm.tensors import save_tensors

FORMAT = "ssmttm-codec-1"


class Codec(Protocol):
    """Mono audio to a grid of discrete codes and back; K codebooks, T frames, latents of width D."""

    identity: str
    """Name and content hash: tokens of different identities are never mixed."""
    sample_rate: int
    """In Hz, of the audio on both sides."""
    frame_rate: float
    """Frames per second."""
    codebooks: int
    codebook_size: int

    def frames(self, samples: int) -> int:
        """Frames of an encoded recording of `samples` samples."""
        ...

    def encode(self, wave: np.ndarray) -> np.ndarray:
        """Samples [n] -> codes, int64 [K, T], each 0 to codebook_size - 1."""
        ...

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Codes [k, T] of the first k >= 1 codebooks -> samples, float32 [n]."""
        ...

    def latents(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """Continuous features, float32 [T, D], that the first `levels` codebooks stand for."""
        ...

    def decode_latents(self, z: np.ndarray) -> np.ndarray:
        """Continuous features [T, D] -> samples, float32 [n]."""
        ...

    def save(self, path: Path | str) -> None:
        """Write the codec to one file, atomically."""
        ...


def _module(name: str, where: str) -> Any:
    return plugins.load("ssmttm.codecs", name, "codec", where, shared=("base",))


def fit_codec(
    settings: Mapping[str, Any], waves: Iterable[np.ndarray], count: int, sample_rate: int, seed: int
) -> Codec:
    """Fit the codec that `settings` (the config's data.codec) names, or load it if it is a pretrained one.

    `waves` yields `count` training recordings [n] at `sample_rate` Hz; it is read once. Raises
    UserError for an unknown codec, too little audio or missing weights.
    """
    return _module(settings["name"], "data.codec.name").fit(settings, waves, count, sample_rate, seed)


def frames_in(settings: Mapping[str, Any], seconds: float, sample_rate: int) -> int:
    """Frames that a clip of `seconds` at `sample_rate` Hz encodes to under `settings` (the config's data.codec).

    Needs no weights. Raises UserError for an unknown codec.
    """
    return -(-round(seconds * sample_rate) // _module(settings["name"], "data.codec.name").HOP)


def load_codec(path: Path | str) -> Codec:
    """The codec in file `path`; raises UserError if it is missing, truncated or no codec."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file (expected a fitted codec)")
    try:
        with safetensors.safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 not a dictionary
    except (safetensors.SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable codec file ({error}); fit it again") from error
    if metadata.get("format") != FORMAT:
        raise UserError(f"{path}: a safetensors file, but no codec of this version ({FORMAT})")
    module = _module(metadata.get("codec", ""), str(path))
    try:
        for name, tensor in tensors.items():
            if not np.isfinite(tensor).all():
                raise ValueError(f"{name} has numbers that are not finite")
        return module.load(json.loads(metadata.get("settings", "")), tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: a damaged codec file: {error}; fit it again") from error


def save_codec(path: Path | str, name: str, settings: Mapping[str, Any], tensors: dict[str, np.ndarray]) -> None:
    """Write a codec's settings and tensors to one safetensors file, atomically; equal codecs give equal bytes."""
    save_tensors(path, tensors, {"format": FORMAT, "codec": name, "settings": canonical_json(settings)})


def codec_identity(name: str, settings: Mapping[str, Any], tensors: dict[str, np.ndarray]) -> str:
    """`name:hash`, the hash being 12 hex digits over settings and tensors."""
    content = hashlib.sha256(canonical_json(settings).encode())
    for key in sorted(tensors):
        content.update(f"{key}{tensors[key].shape}".encode())
        content.update(np.ascontiguousarray(tensors[key], "<f4").data)
    return f"{name}:{content.hexdigest()[:12]}"


def padded_wave(wave: np.ndarray, multiple: int) -> np.ndarray:
    """Samples [n] as float32, padded with silence to a multiple; ValueError unless finite, mono and not empty."""
    if wave.ndim != 1 or not len(wave) or not np.isfinite(wave).all():
        raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
    return np.pad(wave.astype(np.float32), (0, -len(wave) % multiple))


def checked_codes(codec: Codec, codes: np.ndarray, levels: int) -> np.ndarray:
    """Codes [k, T] as int64; ValueError if they are out of the codec's range, or `levels` is more than there are."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"expected integer codes [k, T], got {codes.dtype} {codes.shape}")
    if not 1 <= levels <= min(codec.codebooks, len(codes)):
        raise ValueError(f"levels must be 1 to {min(codec.codebooks, len(codes))}, got {levels}")
    if codes.size and not 0 <= codes.min() <= codes.max() < codec.codebook_size:
        raise ValueError(f"codes must be 0 to {codec.codebook_size - 1}, got {codes.min()} to {codes.max()}")
    return codes.astype(np.int64)
