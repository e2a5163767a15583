"""Removal of voices with HTDemucs (Rouard et al., 2023), with weights from the user's machine.

The voices that the network hears are subtracted from the recording, instead of adding up the other
stems: music without voices then stays as it is, whatever the network makes of its drums; nothing is
lost above the network's band; and of a bag of models only those that hear voices have to run.
"""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import yaml
from huggingface_hub import snapshot_download

from ssmttm.audio.coded import resample
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.pretrained.checkpoints import State, read_pickle, read_safetensors
from ssmttm.pretrained.hub import local
from ssmttm.pretrained.identity import weights_hash

if TYPE_CHECKING:
    from demucs.htdemucs import HTDemucs

_KEY = "data.vocals.model"
_STEM = "vocals"
_CLASS = "demucs.htdemucs.HTDemucs"
_OVERLAP = 0.25  # of neighboring segments, as in demucs itself
_SUFFIXES = (".safetensors", ".th")
_CHECKSUM = re.compile(r"[0-9a-f]{8}-([0-9a-f]{8})\.th")
_SIGNATURE = re.compile(r"[\w-]{1,64}")
REMEDY = "get htdemucs once, where there is a network: hf download adefossez/HTDemucs; then name adefossez/HTDemucs"


class _Named:
    """Stands for the network's class in a pickle, which so can neither import nor call anything."""


@dataclass(frozen=True)
class _Bag:
    """Networks that hear together."""

    files: list[Path]
    weights: list[list[float]] | None = None
    """Of each network, per stem, in the mean; None: all 1."""
    segment: float | None = None
    """Seconds that a network hears at once, at most."""


_Checkpoint = tuple[object, Sequence[object], Mapping[str, object], State]
"""Of a network: the name of its class, its arguments by place and by name, and its weights."""


@dataclass(frozen=True)
class Separator:
    """Takes the voices out of recordings. `models` are pairs of network and weight in the mean."""

    models: "tuple[tuple[HTDemucs, float], ...]"
    identity: str
    name: str
    device: torch.device

    def without_vocals(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        """Mono samples [n] at `sample_rate` Hz without their voices, float32 [n]; deterministic.

        Raises ValueError for input that is empty, not finite or not mono, and UserError when the
        weights give samples that aren't finite.
        """
        if wave.ndim != 1 or not len(wave) or not np.isfinite(wave).all():
            raise ValueError(f"expected finite mono samples [n], got shape {wave.shape}")
        wave = wave.astype(np.float32, copy=False)
        voices = self._voices(wave, sample_rate)
        if not np.isfinite(voices).all():
            raise UserError(f"{_KEY}: {self.name} gives samples that aren't finite; is it damaged?")
        return wave - voices

    @torch.inference_mode()
    def _voices(self, wave: np.ndarray, sample_rate: int) -> np.ndarray:
        """What the networks hear of voices in `wave` [n], at its own rate, float32 [n]."""
        from demucs.apply import apply_model

        first = self.models[0][0]
        mix = torch.from_numpy(resample(wave, sample_rate, first.samplerate))
        mean, scale = mix.mean(), mix.std(correction=0) + 1e-8
        channels = ((mix - mean) / scale).expand(first.audio_channels, -1)[None].contiguous()
        total = torch.zeros_like(mix)
        for model, weight in self.models:
            stems = apply_model(model, channels, shifts=0, split=True, overlap=_OVERLAP, device=self.device)
            total += weight * stems[0, model.sources.index(_STEM)].mean(0).cpu()
        voices = total * scale / sum(weight for _, weight in self.models)
        back = resample(voices.numpy(), first.samplerate, sample_rate)[: len(wave)]
        return np.pad(back, (0, len(wave) - len(back)))


def load_separator(name: str, device: torch.device | str = "cpu") -> Separator:
    """The separator with the weights `name`, in evaluation mode, float32.

    Args:
        name: a checkpoint (`.safetensors` as demucs 4.1 publishes them, or an older `.th`), a folder
            that holds one or a bag of them with its `.yaml`, or the id of such a folder on the
            Hugging Face hub, which is then looked up in the local cache.
        device: where to compute.

    Raises:
        UserError: there is no such model, or the files aren't HTDemucs with a stem of voices. A `.th` file
            is a pickle: it is read as data, and refused when it holds more.
    """
    bag = _find(name)
    voices = []
    for number, path in enumerate(bag.files):
        model = _load(path)
        if _STEM not in model.sources:
            raise UserError(f"{path}: has no stem {_STEM!r}, only {', '.join(map(str, model.sources))}; {REMEDY}")
        weights = bag.weights[number] if bag.weights else [1.0] * len(model.sources)
        if len(weights) != len(model.sources):
            raise UserError(f"{_KEY}: {name}: {len(weights)} weights for {len(model.sources)} stems of {path.name}")
        if bag.segment is not None:
            model.segment = min(bag.segment, model.segment)
        if (weight := weights[model.sources.index(_STEM)]) > 0:
            voices.append((model.to(device), weight))
    if not voices:
        raise UserError(f"{_KEY}: {name}: no model of the bag has a weight for {_STEM!r}")
    if len({(model.samplerate, model.audio_channels) for model, _ in voices}) > 1:
        raise UserError(f"{_KEY}: {name}: the models of the bag differ in sample rate or channels")
    identity = "+".join(weights_hash(path) for path in bag.files)
    return Separator(tuple(voices), f"demucs:{identity}", name, torch.device(device))


def _find(name: str) -> _Bag:
    """The checkpoints that `name` stands for."""
    path = Path(name).expanduser()
    if path.suffix in _SUFFIXES:
        if not path.is_file():
            raise UserError(f"{_KEY}: {name}: no such file; {REMEDY}")
        return _Bag([path])
    if not path.is_dir():
        if name.startswith((".", "/", "~")):
            raise UserError(f"{_KEY}: {name}: no such folder; {REMEDY}")
        path = Path(local(lambda: snapshot_download(name, local_files_only=True), name, _KEY))
    bags = sorted(path.glob("*.yaml"))
    if len(bags) == 1:
        return _read_bag(bags[0])
    files = sorted(p for p in path.iterdir() if p.suffix in _SUFFIXES)
    if bags or len(files) != 1:
        counts = f"{len(bags)} bags (.yaml) and {len(files)} checkpoints ({', '.join(_SUFFIXES)})"
        raise UserError(f"{_KEY}: {name}: {counts}; name one file, or {REMEDY}")
    return _Bag(files)


def _read_bag(path: Path) -> _Bag:
    try:
        bag = yaml.safe_load(path.read_text(encoding="utf-8"))
        signatures = [str(s) for s in bag["models"]]
        weights = [[float(w) for w in row] for row in bag.get("weights") or []]
        segment = None if bag.get("segment") is None else float(bag["segment"])
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: not a bag of demucs models ({type(error).__name__}); {REMEDY}") from error
    if not signatures or len(weights) not in (0, len(signatures)) or any(w < 0 for row in weights for w in row):
        raise UserError(f"{path}: needs `models` and, if any, a row of `weights` for each; {REMEDY}")
    files = []
    for signature in signatures:
        if not _SIGNATURE.fullmatch(signature):
            raise UserError(f"{path}: {signature!r} is no signature of a model")
        matches = [p for p in sorted(path.parent.glob(f"{signature}*")) if p.suffix in _SUFFIXES]
        if not matches:
            raise UserError(f"{path}: names the model {signature}, which is not beside it; {REMEDY}")
        files.append(matches[0])
    return _Bag(files, weights or None, segment)


def _load(path: Path) -> "HTDemucs":
    """The network of one checkpoint."""
    from demucs.htdemucs import HTDemucs

    try:
        klass, args, kwargs, state = _read_published(path) if path.suffix == ".safetensors" else _read_older(path)
        if klass not in (_Named, _CLASS):
            raise UserError(f"{path}: a checkpoint of {klass}; only HTDemucs is supported: {REMEDY}")
        if "__quantized" in state:
            raise UserError(f"{path}: quantized weights are not supported; {REMEDY}")
        known = inspect.signature(HTDemucs).parameters
        model = HTDemucs(*args, **{k: v for k, v in kwargs.items() if k in known})
        model.load_state_dict(state)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{path}: not a whole HTDemucs checkpoint ({reason}); {REMEDY}") from error
    return model.eval().requires_grad_(False)


def _read_published(path: Path) -> _Checkpoint:
    """The layout of demucs 4.1: class and arguments are JSON in the metadata."""
    state, metadata = read_safetensors(path, str(path), REMEDY)
    try:
        args, kwargs = (json.loads(metadata[key], object_hook=_fraction) for key in ("args", "kwargs"))
        klass = metadata["klass"]
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise UserError(f"{path}: no demucs model: its metadata lack class and arguments; {REMEDY}") from error
    # A state of another structure than names and tensors is a quantized one.
    quantized = {"__quantized": torch.ones(1)} if "structure" in metadata else {}
    return klass, args, kwargs, state | quantized


def _fraction(value: dict[str, int | str]) -> Fraction | dict[str, int | str]:
    """A JSON object, or the fraction that it stands for."""
    if value.get("_type") == "fraction":
        return Fraction(int(value["numerator"]), int(value["denominator"]))
    return value


def _read_older(path: Path) -> _Checkpoint:
    """The layout before: a pickle, of which only data and the class above are accepted. KeyError if it lacks a part."""
    expected = _CHECKSUM.fullmatch(path.name)
    if expected and not sha256_file(path).startswith(expected[1]):
        raise UserError(f"{path}: damaged: its SHA-256 does not start with {expected[1]}; fetch it again")
    remedy = f"use a .safetensors file instead, or {REMEDY}"
    package = read_pickle(path, str(path), remedy, Fraction, (_Named, _CLASS))
    if not isinstance(package, dict):
        raise UserError(f"{path}: no demucs checkpoint, but a {type(package).__name__}; {REMEDY}")
    return package["klass"], package["args"], package["kwargs"], package["state"]
