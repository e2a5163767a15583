"""Embeddings of audio files on disk: each is computed once per audio, weights and code.

A file per clip lies at `folder/<embedder>/<ab>/<hash of the audio>.safetensors` and is whole or absent.
So work that was cut off goes on where it stopped, and several processes can share a folder. What a
clip is computed beside can move its embedding by rounding, about 1e-6 of its size, and no more.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Clip, Embedder, Embedding
from ssmttm.files import sha256_bytes, write_bytes
from ssmttm.provenance import fingerprint, module_of

_MAX_BYTES = 256 << 20
_MAX_SECONDS = 3600.0
_TOGETHER = 32  # clips decoded at once


@dataclass(frozen=True)
class Cached:
    """An embedder whose embeddings are kept in `folder`."""

    embedder: Embedder
    folder: Path

    def analyze_many(self, files: Sequence[bytes], names: Sequence[str] | None = None) -> list[Embedding]:
        """The embedding of each encoded audio file, in order; what is in the folder is not computed again.

        Raises UserError for a file that can't be decoded or embedded, by its name in `names`.
        """
        names = names or [f"clip {number + 1} of {len(files)}" for number in range(len(files))]
        if len(names) != len(files):
            raise ValueError(f"{len(files)} files, but {len(names)} names")
        paths = [self._path(data) for data in files]
        known = {path: _read(path, self.embedder) for path in dict.fromkeys(paths)}
        missing = [(path, paths.index(path)) for path, embedding in known.items() if embedding is None]
        for start in range(0, len(missing), _TOGETHER):
            part = missing[start : start + _TOGETHER]
            computed = self._compute([(files[number], names[number]) for _, number in part])
            for (path, _), made in zip(part, computed, strict=True):
                write_bytes(path, save({"windows": made.windows, "posterior": made.posterior}))
                known[path] = made
        return [embedding for path in paths if (embedding := known[path]) is not None]

    def _path(self, data: bytes) -> Path:
        key = sha256_bytes(data)
        return self.folder / _slug(self.embedder) / key[:2] / f"{key}.safetensors"

    def _compute(self, files: list[tuple[bytes, str]]) -> list[Embedding]:
        clips = [decode(data, name) for data, name in files]
        try:
            return self.embedder.analyze_many(clips)
        except ValueError:
            # One of them is at fault: which?
            for clip, (_, name) in zip(clips, files):
                try:
                    self.embedder.analyze_many([clip])
                except ValueError as error:
                    raise UserError(f"{name}: {error}") from error
            raise


def decode(data: bytes, name: str) -> Clip:
    """Samples, float32 [n] or [n, channels], and rate of encoded audio; UserError, with `name`, when it is none.

    At most an hour is read: more is refused.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.frames > _MAX_SECONDS * file.samplerate:
                raise UserError(f"{name}: longer than an hour; cut it")
            wave = file.read(dtype="float32")
            return wave, file.samplerate
    except soundfile.LibsndfileError as error:
        raise UserError(f"{name}: not readable as audio ({error})") from error


def _slug(embedder: Embedder) -> str:
    """A folder name for what makes the numbers: weights, settings and code."""
    code = fingerprint(module_of("embedder", embedder.name))
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', embedder.identity)}-{code}"


def _read(path: Path, embedder: Embedder) -> Embedding | None:
    """What the file holds; None when there is none or it is of no use, so that it is written anew."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        tensors = load(path.read_bytes())
        windows, posterior = tensors["windows"], tensors["posterior"]
    except (FileNotFoundError, SafetensorError, KeyError):
        return None
    shaped = windows.ndim == 2 and windows.shape[1] == embedder.dim and posterior.shape == (len(embedder.classes),)
    sound = shaped and windows.dtype == posterior.dtype == np.float32
    return Embedding(windows, posterior) if sound else None
