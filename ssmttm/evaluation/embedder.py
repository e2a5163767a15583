"""What an audio embedder is, and how one is chosen by name: its module's name is its key."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
import torch
from torch import nn

from ssmttm import plugins
from ssmttm.audio.coded import resample
from ssmttm.errors import UserError
from ssmttm.pretrained.checkpoints import State, fill, need, read_weights
from ssmttm.pretrained.identity import weights_hash

Clip = tuple[np.ndarray, int]
"""Samples, `[n]` or `[n, channels]`, and their rate in Hz."""
Activation = Literal["none", "sigmoid", "softmax"]
Inputs = torch.Tensor | Sequence[torch.Tensor]
_TEXTS = 64
"""Texts embedded together."""


class Settings(TypedDict, total=False):
    """An embedder's entry of the config's `evaluation.models`; each module's SETTINGS says which of these it takes."""

    weights: str
    tokenizer: str
    channels: int


@dataclass(frozen=True)
class Embedding:
    """What an embedder says of one clip."""

    windows: np.ndarray
    """Embeddings of successive windows, float32 [n, dim]."""
    posterior: np.ndarray
    """Class probabilities of the whole clip, float32 [classes]; empty for an embedder that knows no classes."""


class Embedder(ABC):
    """A frozen model from audio to embeddings and, for some, class probabilities.

    The `load` of its module takes the embedder's entry of `evaluation.models` and returns it.
    """

    name: str
    identity: str
    """`name:hash of the weights`, and settings that change numbers; reported beside every score."""
    sample_rate: int
    """Rate in Hz to which audio is resampled."""
    channels: int = 1
    """1: channels are averaged. 2: each is embedded; a mono clip is taken for both."""
    window_s: float | None = None
    """Seconds that one embedding sees; None when that is the whole clip."""
    hop_s: float | None = None
    """Seconds from one window to the next."""
    dim: int
    classes: tuple[str, ...] = ()
    """Names of the posterior's classes."""
    activation: Activation = "none"
    """What the posterior is: independent tags (sigmoid), one of many (softmax), or absent (none)."""
    takes_gpu: bool = False
    """Whether `to` moves anything."""

    def to(self, device: torch.device) -> None:  # noqa: B027 some compute on the CPU alone
        """Compute on `device` from now on, if this embedder can."""

    @abstractmethod
    def analyze_many(self, clips: Sequence[Clip]) -> list[Embedding]:
        """Embeddings of `clips`, computed in batches; a clip's does not depend on the others.

        Raises ValueError for clips that are empty, not finite or shorter than the model can take.
        """

    def analyze(self, wave: np.ndarray, sample_rate: int) -> Embedding:
        """The embedding of one clip."""
        return self.analyze_many([(wave, sample_rate)])[0]


class WindowEmbedder(Embedder):
    """The flow of embedders: cut clips into inputs, batch those of equal shape, hand back per clip.

    A subclass says how one clip becomes inputs and how a batch of inputs becomes embeddings.
    """

    batch = 16
    """Inputs computed together: bounds memory."""
    takes_gpu = True
    _device = torch.device("cpu")

    def to(self, device: torch.device) -> None:
        """See `Embedder`: moves every network that the embedder has."""
        for part in vars(self).values():
            if isinstance(part, nn.Module):
                part.to(device)
        self._device = device

    def analyze_many(self, clips: Sequence[Clip]) -> list[Embedding]:
        """See `Embedder`."""
        inputs = [self._inputs(wave, rate) for wave, rate in clips]
        places: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for clip, rows in enumerate(inputs):
            for row, item in enumerate(rows):
                places.setdefault(tuple(item.shape), []).append((clip, row))
        outputs: list[list[tuple[np.ndarray, ...]]] = [[()] * len(rows) for rows in inputs]
        for same in places.values():
            for start in range(0, len(same), self.batch):
                part = same[start : start + self.batch]
                with torch.inference_mode():
                    batch = self._run(torch.stack([inputs[clip][row] for clip, row in part]).to(self._device))
                for (clip, row), *values in zip(part, *(o.float().cpu().numpy() for o in batch)):
                    outputs[clip][row] = tuple(values)
        return [self._join(*(np.stack(parts) for parts in zip(*rows))) for rows in outputs]

    @abstractmethod
    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        """What the model reads of one clip, at least one tensor."""

    @abstractmethod
    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Embeddings [batch, …] and, where there are classes, logits or probabilities [batch, classes].

        `batch`, and what is returned, are on the embedder's device.
        """

    def _join(self, embeddings: np.ndarray, *rest: np.ndarray) -> Embedding:
        """The clip's embedding from what `_run` gave for each of its inputs."""
        return Embedding(embeddings, np.zeros(0, np.float32))


class TextEmbedder(WindowEmbedder):
    """An embedder that puts texts into the space of its audio."""

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of unit length, float32 [texts, dim]; ValueError for an empty text."""
        for number, text in enumerate(texts):
            if not text.strip():
                raise ValueError(f"text {number} of {len(texts)} is empty; an empty text has no embedding")
        parts = [self._embed_texts(list(texts[i : i + _TEXTS])) for i in range(0, len(texts), _TEXTS)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)

    @abstractmethod
    def _embed_texts(self, texts: list[str]) -> np.ndarray:
        """The same of a few texts, at least one."""


def prepare(wave: np.ndarray, sample_rate: int, to_rate: int, channels: int = 1) -> np.ndarray:
    """Samples `[n]` or `[n, k]` as float32 [channels, m] at `to_rate` Hz.

    Raises ValueError for samples that are empty or not finite, and for more than two channels
    where stereo is wanted.
    """
    wave = np.asarray(wave, dtype=np.float32)
    if wave.ndim not in (1, 2) or not wave.size or not np.isfinite(wave).all():
        raise ValueError(f"expected finite samples [n] or [n, channels], got shape {wave.shape}")
    tracks = wave[:, None] if wave.ndim == 1 else wave
    if channels == 1:
        tracks = tracks.mean(axis=1, keepdims=True)
    elif tracks.shape[1] == 1:
        tracks = tracks.repeat(channels, axis=1)
    elif tracks.shape[1] != channels:
        raise ValueError(f"expected mono or {channels} channels, got {tracks.shape[1]}")
    return np.stack([resample(np.ascontiguousarray(track), sample_rate, to_rate) for track in tracks.T])


def peak_normalize(samples: np.ndarray, dbfs: float = -1.0) -> np.ndarray:
    """Samples of any shape with their largest magnitude at `dbfs`; silence stays silence."""
    peak = float(np.abs(samples).max())
    return samples * np.float32(10 ** (dbfs / 20) / peak) if peak > 0 else samples


def need_seconds(samples: np.ndarray, least: int, sample_rate: int, name: str) -> None:
    """ValueError when `samples` [channels, n] are fewer than `least`."""
    if samples.shape[1] < least:
        have, want = samples.shape[1] / sample_rate, least / sample_rate
        raise ValueError(f"{name} needs at least {want:.3f} s of audio, got {have:.3f} s")


def load_embedder(name: str, models: Mapping[str, str | Path | Settings] | None = None) -> Embedder:
    """The embedder of module `ssmttm.evaluation.embedders.<name>`.

    Args:
        name: the module's name.
        models: `evaluation.models`: per embedder the path of its weights, or a mapping with `weights`
            and further settings of that embedder.

    Raises:
        UserError: there is no such embedder, an entry for it has unknown settings, or its weights
            are missing or unreadable.
    """
    module = plugins.load("ssmttm.evaluation.embedders", name, "embedder", "evaluation.embedders")
    entry = (models or {}).get(name) or {}
    settings = {"weights": str(entry)} if isinstance(entry, (str, Path)) else dict(entry)
    unknown = sorted(set(settings) - set(module.SETTINGS))
    if unknown:
        known = ", ".join(module.SETTINGS) or "none"
        raise UserError(f"evaluation.models.{name}: unknown setting {unknown[0]!r}; it takes {known}")
    embedder: Embedder = module.load(settings)
    return embedder


@dataclass(frozen=True)
class Weights:
    """Where an embedder's weights are; its methods raise UserError that says what to do where they are no good."""

    name: str
    path: Path
    remedy: str

    @classmethod
    def of(cls, settings: Settings, name: str, remedy: str) -> "Weights":
        """The file or folder that the settings of embedder `name` give; UserError with `remedy` when there is none."""
        if not settings.get("weights"):
            raise UserError(f"evaluation.models.{name}: names no weights; {remedy}")
        weights = cls(name, Path(settings["weights"]).expanduser(), remedy)
        if not weights.path.exists():
            raise UserError(f"{weights.key}: {weights.path}: no such file or folder; {remedy}")
        return weights

    @property
    def key(self) -> str:
        """The config key that they are from."""
        return f"evaluation.models.{self.name}"

    @property
    def identity(self) -> str:
        """The embedder's name with a hash of the weights."""
        return f"{self.name}:{weights_hash(self.path)}"

    def read(self, layers: Iterable[str], without: str | None = None) -> State:
        """The tensors of the file by name, `layers` among them, less those whose name starts with `without`."""
        state = read_weights(self.path, self.key, self.remedy)
        state = {name: tensor for name, tensor in state.items() if not (without and name.startswith(without))}
        need(state, tuple(layers), str(self.path), self.remedy)
        return state

    def fill(self, network: nn.Module, state: State) -> None:
        """Load `state`, all of it, into `network`."""
        fill(network, state, str(self.path), self.remedy)
