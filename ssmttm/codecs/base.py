"""What a codec is, and how one is fitted, saved and loaded: its module's name is its key."""

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import safetensors

from ssmttm import plugins
from ssmttm.codecs import _published
from ssmttm.errors import UserError
from ssmttm.settings import CodecSettings
from ssmttm.spec import canonical_json
from ssmttm.tensors import save_tensors
from ssmttm.vocoder import GRIFFIN_LIM

if TYPE_CHECKING:
    import torch

FORMAT = "ssmttm-codec-1"


Sizes = Mapping[str, Any]
"""What a codec is built by beside its tensors: plain values."""
Tensors = Mapping[str, np.ndarray]


class LatentTables(NamedTuple):
    """What codes stand for, as a model of the levels above the first sees them."""

    first: np.ndarray
    """float32 [size, C1]: what a code of level 1 stands for."""
    rest: np.ndarray
    """float32 [K - 1, size, C2]: a frame's latents of levels 2 to K are the sum over k of rest[k][code]."""


class Codec(ABC):
    """Mono audio to a grid of discrete codes and back; K codebooks, T frames, latents of width D."""

    name: str
    hop: int
    """Samples per frame."""
    identity: str
    """Name and content hash: tokens of different identities are never mixed."""
    sample_rate: int
    """In Hz, of the audio on both sides."""
    codebooks: int
    codebook_size: int
    takes_gpu: bool = False
    """Whether `to` moves anything: a codec that is fitted here computes on the CPU."""
    keeps_phase: bool
    """Whether decoded waveforms follow the original's, so that their difference says something."""
    vocoder: str | None = None
    """What makes the audio, `griffin_lim` or `vocoder:hash`, for a codec whose latents leave that open."""
    heard: frozenset[str] = frozenset()
    """Artists on whose music a vocoder was trained, as data sets name them; none are known of pretrained codecs."""
    reach: int | None = None
    """Frames before and after a frame's audio that it depends on; None where it depends on more than its neighbours."""

    @property
    def bit_rate(self) -> float:
        """Bits per second of all K codebooks, each code at log2 of their size."""
        return self.codebooks * math.log2(self.codebook_size) * self.frame_rate

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    def frames(self, samples: int) -> int:
        """Frames of an encoded recording of `samples` samples, the last one padded with silence."""
        return -(-samples // self.hop)

    @abstractmethod
    def encode(self, wave: np.ndarray) -> np.ndarray:
        """Samples [n], n >= 1, -> codes, int64 [K, T], each 0 to codebook_size - 1; ValueError for other input."""

    def encode_many(self, waves: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Codes of several recordings, each as `encode` gives them; a network takes those of one length together."""
        return [self.encode(wave) for wave in waves]

    def decode(self, codes: np.ndarray, first: int = 0) -> np.ndarray:
        """Codes [k, T] of the first k >= 1 codebooks -> samples, float32 [hop T]; `first` as in `decode_latents`."""
        return self.decode_latents(self.latents(codes, len(codes)), first)

    @abstractmethod
    def latents(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """Continuous features, float32 [T, D], that the first `levels` rows of `codes` [k, T] stand for.

        Raises ValueError for codes out of range, or more levels than there are.
        """

    @abstractmethod
    def decode_latents(self, z: np.ndarray, first: int = 0) -> np.ndarray:
        """Continuous features [T, D] -> samples, float32 [hop T]; the same input gives the same audio.

        `first` is the number of the first frame in its recording, of which it may be a piece: with `reach` frames
        on either side, the audio of a piece is that of the whole.
        """

    def use_vocoder(self, setting: str) -> None:  # noqa: B027 most codecs have nothing to choose
        """Make audio with the vocoder that `generation.vocoder` names; without effect where there is nothing to choose.

        Raises UserError for one that is missing, or made for other latents.
        """

    @abstractmethod
    def tables(self) -> LatentTables:
        """What the codes of each level stand for."""

    @abstractmethod
    def join(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Codes of level 1 [T] and latents of the levels above it [T, C2] -> features [T, D] for `decode_latents`.

        With the sums of `tables().rest` these are `latents` of all levels. Raises ValueError for codes out of range
        and latents of another shape.
        """

    @abstractmethod
    def snap(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """The same -> codes, int64 [K, T], whose latents are near `rest`; row 0 is `first`.

        Latents that are sums of `tables().rest` give the codes that they are sums of; where levels share a space, all
        but about one frame in a thousand. Raises ValueError as `join`.
        """

    def to(self, device: "torch.device") -> None:  # noqa: B027 codecs that are fitted here have nothing to move
        """Compute on `device` from now on, if this codec can."""

    def save(self, path: Path | str) -> None:
        """Write the codec to one safetensors file, atomically; equal codecs give equal bytes."""
        save_codec(path, self.name, *self._content())

    @abstractmethod
    def _content(self) -> tuple[Sizes, Tensors]:
        """What `load` of the codec's module takes."""


def _module(name: str, where: str) -> Any:
    return plugins.load("ssmttm.codecs", name, "codec", where)


def fit_codec(settings: CodecSettings, waves: Iterable[np.ndarray], count: int, sample_rate: int, seed: int) -> Codec:
    """Fit the codec that `settings` (the config's data.codec) names, or load it if it is a pretrained one.

    `waves` yields `count` training recordings [n] at `sample_rate` Hz; it is read once. Raises
    UserError for an unknown codec, too little audio or missing weights.
    """
    codec: Codec = _module(settings["name"], "data.codec.name").fit(settings, waves, count, sample_rate, seed)
    return codec


def frames_in(settings: CodecSettings, seconds: float, sample_rate: int) -> int:
    """Frames that a clip of `seconds` at `sample_rate` Hz encodes to under `settings` (the config's data.codec).

    Needs no weights. Raises UserError for an unknown codec, and for a model that nothing is known of.
    """
    hop: int = _module(settings["name"], "data.codec.name").hop(settings)
    return -(-round(seconds * sample_rate) // hop)


def latent_widths(settings: CodecSettings, levels: int) -> tuple[int, int]:
    """Channels of the latents of level 1, and of those of levels 2 to `levels`, under `settings`.

    Needs no weights. Raises UserError for an unknown codec.
    """
    widths: tuple[int, int] = _module(settings["name"], "data.codec.name").latent_widths(levels)
    return widths


def check_codec(settings: CodecSettings, sample_rate: int) -> None:
    """Refuse settings that the pretrained codec they name doesn't fit, as far as that is known without its weights.

    `sample_rate` is that of the clips. Raises UserError.
    """
    _published.check_settings(settings, sample_rate)


def load_codec(path: Path | str, vocoder: str = GRIFFIN_LIM) -> Codec:
    """The codec in file `path`; raises UserError if it is missing, truncated or no codec.

    `vocoder` is `griffin_lim`, `shipped` or a file (`Codec.use_vocoder`).
    """
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
        codec: Codec = module.load(json.loads(metadata.get("settings", "")), tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: a damaged codec file: {error}; fit it again") from error
    codec.use_vocoder(vocoder)
    return codec


def save_codec(path: Path | str, name: str, sizes: Sizes, tensors: Tensors) -> None:
    """Write a codec's sizes and tensors to one safetensors file, atomically; equal codecs give equal bytes."""
    save_tensors(path, tensors, {"format": FORMAT, "codec": name, "settings": canonical_json(sizes)})


def codec_identity(name: str, sizes: Sizes, tensors: Tensors) -> str:
    """`name:hash`, the hash being 12 hex digits over sizes and tensors."""
    content = hashlib.sha256(canonical_json(sizes).encode())
    for key in sorted(tensors):
        content.update(f"{key}{tensors[key].shape}".encode())
        content.update(np.ascontiguousarray(tensors[key], "<f4").data)
    return f"{name}:{content.hexdigest()[:12]}"


def padded_wave(wave: np.ndarray, multiple: int) -> np.ndarray:
    """Samples [n] as float32, padded with silence to a multiple; ValueError unless finite, mono and not empty.

    Not copied where nothing has to be changed: an hour is 600 MB.
    """
    if wave.ndim == 1 and not len(wave):
        raise ValueError("audio of zero length has no codes")
    if wave.ndim != 1 or not np.isfinite([wave.min(), wave.max()]).all():
        raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
    samples = np.require(wave, np.float32, ["C", "W"])
    missing = -len(wave) % multiple
    return np.pad(samples, (0, missing)) if missing else samples


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


def checked_rest(codec: Codec, first: np.ndarray, rest: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """What `join` and `snap` take: codes of level 1 as int64 [1, T], latents as float32 [T, width]; else ValueError."""
    codes, latents = checked_codes(codec, np.asarray(first)[None], 1), checked_latents(rest, width)
    if len(latents) != codes.shape[1]:
        raise ValueError(f"expected as many latents as codes of level 1, got {len(latents)} for {codes.shape[1]}")
    return codes, latents


def checked_latents(z: np.ndarray, width: int) -> np.ndarray:
    """Features [T, width] as float32; ValueError for other shapes and values that are not finite."""
    z = np.asarray(z, np.float32)
    if z.ndim != 2 or z.shape[1] != width or not np.isfinite(z).all():
        raise ValueError(f"expected finite latents [T, {width}], got {z.shape}")
    return z
