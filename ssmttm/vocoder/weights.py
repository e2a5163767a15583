"""A vocoder as a small safetensors file that says what it is for and what it was trained on.

One comes with the package. Weights are stored in half precision, and computed with in single precision.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.pretrained.checkpoints import fill, read_safetensors
from ssmttm.tensors import content_hash, save_tensors
from ssmttm.vocoder import SHIPPED
from ssmttm.vocoder.network import Vocoder, VocoderConfig

FORMAT = "ssmttm-vocoder-1"
SHIPPED_FILE = Path(__file__).with_suffix(".safetensors")

_REMEDY = "name a file that `ssmttm vocoder train` wrote, or set generation.vocoder to griffin_lim"
_PICKLES = (b"PK\x03\x04", b"\x80")


@dataclass(frozen=True)
class TrainedVocoder:
    """A vocoder from a file."""

    network: Vocoder
    identity: str
    """`vocoder:hash`, the hash being 12 hex digits over sizes and weights."""
    origin: Mapping[str, Any]
    """What its file says of its training."""

    @property
    def heard(self) -> frozenset[str]:
        """Artists on whose music it was trained, as data sets name them."""
        artists: Mapping[str, Mapping[str, int]] = self.origin.get("artists", {})
        return frozenset(artists.get("train", {}))


def save_vocoder(path: Path | str, vocoder: Vocoder, origin: Mapping[str, object]) -> None:
    """Write weights in half precision, with `origin` as metadata, atomically; equal content gives equal bytes.

    Raises UserError if a weight is not finite, or beyond half precision.
    """
    tensors = {name: tensor.detach().cpu().half() for name, tensor in vocoder.state_dict().items()}
    if broken := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise UserError(
            f"{path}, not written: {broken[0]} has weights that are not finite in half precision; "
            "train again, with a lower training.learning_rate"
        )
    config = asdict(vocoder.config)
    about = {"format": FORMAT, "config": config, "hash": _hash(tensors, config), "origin": origin}
    save_tensors(path, tensors, {"vocoder": json.dumps(about, sort_keys=True, allow_nan=False)})


def load_vocoder(setting: Path | str) -> TrainedVocoder:
    """The vocoder that `generation.vocoder` names, `shipped` or a file, in evaluation mode and single precision.

    Raises UserError for a file that is missing, a pickle, damaged, no vocoder or one of another version.
    """
    path = SHIPPED_FILE if setting == SHIPPED else Path(setting)
    _check_file(path, shipped=setting == SHIPPED)
    tensors, metadata = read_safetensors(path, str(path), _REMEDY)
    try:
        about = json.loads(metadata.get("vocoder", "null"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: damaged: its metadata are no JSON ({error}); {_REMEDY}") from error
    if not isinstance(about, dict):
        raise UserError(f"{path}: safetensors, but no vocoder; {_REMEDY}")
    if about.get("format") != FORMAT:
        raise UserError(f"{path}: a vocoder of format {about.get('format')}, but {FORMAT} is needed; {_REMEDY}")
    try:
        config, digest, origin = VocoderConfig(**about["config"]), str(about["hash"]), dict(about["origin"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: damaged: what it says of itself is not complete ({error}); {_REMEDY}") from error
    if digest != _hash(tensors, asdict(config)):
        raise UserError(f"{path}: damaged: its weights are not those that were written; {_REMEDY}")
    with torch.random.fork_rng(devices=[]):  # the random weights that are replaced take none of the caller's numbers
        network = Vocoder(config)
    fill(network, {name: tensor.float() for name, tensor in tensors.items()}, str(path), _REMEDY)
    return TrainedVocoder(network, f"vocoder:{digest[:12]}", origin)


def _check_file(path: Path, shipped: bool) -> None:
    if shipped and not path.is_file():
        raise UserError(
            f"generation.vocoder is {SHIPPED}, but this copy of the package comes without {path.name} in "
            f"{path.parent}; {_REMEDY}"
        )
    if not path.is_file():
        raise UserError(f"{path}: no such file (expected a vocoder); {_REMEDY}")
    with open(path, "rb") as file:
        start = file.read(9)
    if start.startswith(_PICKLES) and start[8:] != b"{":  # safetensors has a length of 8 bytes, then JSON
        raise UserError(f"{path}: not safetensors; pickles are not loaded, for they can run any code; {_REMEDY}")


def _hash(tensors: Mapping[str, Tensor], config: Mapping[str, int]) -> str:
    return content_hash(tensors, json.dumps(config, sort_keys=True))


def check_mel(vocoder: TrainedVocoder, frames: Mapping[str, int], setting: str, codec: str) -> None:
    """UserError if a vocoder takes other mel frames than `frames`, those of `codec`, in its settings' terms."""
    config = asdict(vocoder.network.config)
    if other := [name for name, value in frames.items() if config[name] != value]:
        there, here = (", ".join(f"{name} {of[name]}" for name in other) for of in (config, frames))
        raise UserError(
            f"generation.vocoder {setting}: made for other mel frames ({there}) than those of {codec} ({here}); "
            f"{_REMEDY}"
        )
