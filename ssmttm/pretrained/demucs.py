"""Removal of voices with HTDemucs (Rouard et al., 2023), with weights from the user's machine.

The voices that the network hears are subtracted from the recording, instead of adding up the other
stems: music without voices then stays as it is, whatever the network makes of its drums; nothing is
lost above the network's band; and of a bag of models only those that hear voices have to run.
"""

import inspect
import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from huggingface_hub import snapshot_download
from safetensors import SafetensorError, safe_open

from ssmttm.audio.coded import resample
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.pretrained.hub import local
from ssmttm.pretrained.wheels import weights_hash

_STEM = "vocals"
_CLASS = "demucs.htdemucs.HTDemucs"
_OVERLAP = 0.25  # of neighboring segments, as in demucs itself
_SUFFIXES = (".safetensors", ".th")
_CHECKSUM = re.compile(r"[0-9a-f]{8}-([0-9a-f]{8})\.th")
_SIGNATURE = re.compile(r"[\w-]{1,64}")
REMEDY = "get htdemucs once, where there is a network: hf download adefossez/HTDemucs; then name adefossez/HTDemucs"


_NUMPY = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")


class _Named:
    """Stands for the network's class in a pickle, which so can neither import nor call anything."""


class _Ignored:
    """Stands for the NumPy scalars among the training records of published checkpoints."""

    def __init__(self, *parts: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


@dataclass(frozen=True)
class Separator:
    """Takes the voices out of recordings. `models` are pairs of network and weight in the mean."""

    models: tuple[tuple[Any, float], ...]
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
            raise UserError(f"data.vocals.model: {self.name} gives samples that aren't finite; is it damaged?")
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
        UserError: there is no such model, demucs is not installed, or the files aren't HTDemucs with a
            stem of voices. A `.th` file is a pickle: it is read as data, and refused when it holds more.
    """
    try:
        import demucs.htdemucs  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"data.vocals.mode: separate needs the Python package {error.name}; "
            "install it: pip install --no-deps demucs einops julius tqdm"
        ) from error
    files, weights, segment = _find(name)
    loaded = [_load(path) for path in files]
    voices = []
    for path, model, row in zip(files, loaded, weights):
        if _STEM not in model.sources:
            raise UserError(f"{path}: has no stem {_STEM!r}, only {', '.join(map(str, model.sources))}; {REMEDY}")
        if row and len(row) != len(model.sources):
            raise UserError(
                f"data.vocals.model: {name}: {len(row)} weights for {len(model.sources)} stems of {path.name}"
            )
        weight = row[model.sources.index(_STEM)] if row else 1.0
        if segment is not None:
            model.segment = min(segment, model.segment)
        if weight > 0:
            voices.append((model.to(device), weight))
    if not voices:
        raise UserError(f"data.vocals.model: {name}: no model of the bag has a weight for {_STEM!r}")
    if len({(model.samplerate, model.audio_channels) for model, _ in voices}) > 1:
        raise UserError(f"data.vocals.model: {name}: the models of the bag differ in sample rate or channels")
    identity = "+".join(weights_hash(path) for path in files)
    return Separator(tuple(voices), f"demucs:{identity}", name, torch.device(device))


def _find(name: str) -> tuple[list[Path], list[list[float] | None], float | None]:
    """The checkpoints of `name`, the weight of each per stem (None: all 1), and the segment in seconds."""
    path = Path(name).expanduser()
    if path.suffix in _SUFFIXES:
        if not path.is_file():
            raise UserError(f"data.vocals.model: {name}: no such file; {REMEDY}")
        return [path], [None], None
    if not path.is_dir():
        if name.startswith((".", "/", "~")):
            raise UserError(f"data.vocals.model: {name}: no such folder; {REMEDY}")
        path = Path(local(lambda: snapshot_download(name, local_files_only=True), name, "data.vocals.model"))
    bags = sorted(path.glob("*.yaml"))
    if len(bags) == 1:
        return _read_bag(bags[0])
    files = sorted(p for p in path.iterdir() if p.suffix in _SUFFIXES)
    if bags or len(files) != 1:
        found = f"{len(bags)} bags (.yaml) and {len(files)} checkpoints ({', '.join(_SUFFIXES)})"
        raise UserError(f"data.vocals.model: {name}: {found}; name one file, or {REMEDY}")
    return files, [None], None


def _read_bag(path: Path) -> tuple[list[Path], list[list[float] | None], float | None]:
    try:
        bag = yaml.safe_load(path.read_text(encoding="utf-8"))
        signatures = [str(s) for s in bag["models"]]
        rows = [[float(w) for w in row] for row in bag.get("weights") or []]
        segment = None if bag.get("segment") is None else float(bag["segment"])
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: not a bag of demucs models ({type(error).__name__}); {REMEDY}") from error
    if not signatures or (rows and len(rows) != len(signatures)) or any(w < 0 for row in rows for w in row):
        raise UserError(f"{path}: needs `models` and, if any, a row of `weights` for each; {REMEDY}")
    files = []
    for signature in signatures:
        if not _SIGNATURE.fullmatch(signature):
            raise UserError(f"{path}: {signature!r} is no signature of a model")
        found = [p for p in sorted(path.parent.glob(f"{signature}*")) if p.suffix in _SUFFIXES]
        if not found:
            raise UserError(f"{path}: names the model {signature}, which is not beside it; {REMEDY}")
        files.append(found[0])
    return files, list(rows) or [None] * len(files), segment


def _load(path: Path) -> Any:
    """The network of one checkpoint."""
    from demucs.htdemucs import HTDemucs

    package = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    try:
        if package["klass"] not in (_Named, _CLASS):
            raise UserError(f"{path}: a checkpoint of {package['klass']}; only HTDemucs is supported: {REMEDY}")
        known = inspect.signature(HTDemucs).parameters
        settings = {k: v for k, v in package["kwargs"].items() if k in known}
        model = HTDemucs(*package["args"], **settings)
        if "__quantized" in package["state"]:
            raise UserError(f"{path}: quantized weights are not supported; {REMEDY}")
        model.load_state_dict(package["state"])
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{path}: not a whole HTDemucs checkpoint ({reason}); {REMEDY}") from error
    return model.eval().requires_grad_(False)


def _read_safetensors(path: Path) -> dict[str, Any]:
    """The layout of demucs 4.1: class and arguments are JSON in the metadata."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: unreadable weights ({error}); {REMEDY}") from error
    try:
        args, kwargs = (_fractions(json.loads(metadata[key])) for key in ("args", "kwargs"))
        package = {"klass": metadata["klass"], "args": args, "kwargs": kwargs}
    except (KeyError, ValueError, ArithmeticError) as error:
        raise UserError(f"{path}: no demucs model: its metadata lack class and arguments; {REMEDY}") from error
    # A state of another structure than names and tensors is a quantized one.
    return package | {"state": {"__quantized": True} if "structure" in metadata else state}


def _fractions(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("_type") == "fraction":
            return Fraction(int(value["numerator"]), int(value["denominator"]))
        return {key: _fractions(item) for key, item in value.items()}
    return [_fractions(item) for item in value] if isinstance(value, list) else value


def _read_pickle(path: Path) -> dict[str, Any]:
    """An older checkpoint: a pickle, of which only data and the names above are accepted."""
    expected = _CHECKSUM.fullmatch(path.name)
    if expected and not sha256_file(path).startswith(expected[1]):
        raise UserError(f"{path}: damaged: its SHA-256 does not start with {expected[1]}; fetch it again")
    try:
        with torch.serialization.safe_globals([Fraction, (_Named, _CLASS), *((_Ignored, name) for name in _NUMPY)]):
            package = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = re.search(r"GLOBAL (\S+)", str(error))
        what = f"it holds {reason[1]}, which is no data" if reason else "no checkpoint of weights"
        raise UserError(f"{path}: refused: {what}; use a .safetensors file instead, or {REMEDY}") from error
    except (RuntimeError, EOFError, OSError, ValueError, ArithmeticError, AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{path}: unreadable weights ({type(error).__name__}); {REMEDY}") from error
    if not isinstance(package, dict):
        raise UserError(f"{path}: no demucs checkpoint, but a {type(package).__name__}; {REMEDY}")
    return package
