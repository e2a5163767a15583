"""Weights files of the package descript-audio-codec: its names of layers become those of transformers' DacModel.

The package writes what `torch.save` makes of {"state_dict": …, "metadata": {"kwargs": …}}, as `weights.pth` in a
folder or, downloaded, as `weights_44khz_8kbps_0.0.1.pth`. It is read as data, never unpickled. Convolutions are
there as direction and length (weight_v and weight_g of weight normalization) and become plain weights.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ssmttm.codecs._published import DAC_RATE, DAC_STRIDES, KEY
from ssmttm.codecs.base import Sizes
from ssmttm.errors import UserError
from ssmttm.pretrained.checkpoints import read_pickle

_REMEDY = "get the 44.1 kHz weights of descript-audio-codec again (python -m dac download)"
_FILE = "weights.pth"

_SIZES = {
    "encoder_dim": "encoder_hidden_size",
    "decoder_dim": "decoder_hidden_size",
    "n_codebooks": "n_codebooks",
    "codebook_size": "codebook_size",
    "codebook_dim": "codebook_dim",
    "sample_rate": "sampling_rate",
}
_UNIT = {"0": "snake1", "1": "conv1", "2": "snake2", "3": "conv2"}
_ENCODER = {"0": "res_unit1", "1": "res_unit2", "2": "res_unit3", "3": "snake1", "4": "conv1"}
_DECODER = {"0": "snake1", "1": "conv_t1", "2": "res_unit1", "3": "res_unit2", "4": "res_unit3"}
_ENDS = {"0": "conv1", str(len(DAC_STRIDES) + 1): "snake1", str(len(DAC_STRIDES) + 2): "conv2"}


def weights_file(name: str) -> Path | None:
    """The weights file of a model that is named by file or folder; None if it isn't in this format."""
    path = Path(name)
    if path.is_dir():
        path = path / _FILE
    return path if path.is_file() and path.suffix == ".pth" else None


def read(path: Path) -> tuple[Sizes, dict[str, Tensor]]:
    """Sizes as `DacConfig` has them, and weights by the names of `DacModel`, float32.

    Raises UserError for a file that is damaged, holds more than data, or is of another network.
    """
    where = f"{KEY}: {path}"
    content = read_pickle(path, where, _REMEDY)
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    arguments = metadata.get("kwargs") if isinstance(metadata, Mapping) else None
    if not isinstance(state, Mapping) or not isinstance(arguments, Mapping):
        raise UserError(f"{where}: has no state_dict with its metadata, as the package writes them; {_REMEDY}")
    return _sizes(arguments, where), _weights(state, where)


def _sizes(arguments: Mapping[str, Any], where: str) -> Sizes:
    if absent := sorted({*_SIZES, "encoder_rates", "decoder_rates"} - set(arguments)):
        raise UserError(f"{where}: its metadata lack {absent[0]}; {_REMEDY}")
    strides = list(arguments["encoder_rates"])
    if strides != DAC_STRIDES or list(arguments["decoder_rates"]) != DAC_STRIDES[::-1]:
        raise UserError(
            f"{where}: has strides {strides}; only those of the {DAC_RATE / 1000:g} kHz codec are supported"
        )
    sizes = {ours: arguments[theirs] for theirs, ours in _SIZES.items()}
    if not all(isinstance(size, int) and size > 0 for size in sizes.values()):
        raise UserError(f"{where}: its metadata have sizes that are no numbers: {sizes}; {_REMEDY}")
    return sizes


def _weights(state: Mapping[str, Any], where: str) -> dict[str, Tensor]:
    tensors = {str(name): tensor.float() for name, tensor in state.items() if isinstance(tensor, Tensor)}
    weights = {}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        if kind == "weight_g":
            continue
        if kind == "weight_v":
            length = tensors.get(f"{layer}.weight_g")
            if length is None:
                raise UserError(f"{where}: lacks {layer}.weight_g; {_REMEDY}")
            kind, tensor = "weight", torch._weight_norm(tensor, length, 0)
        weights[f"{_layer(layer, where)}.{kind}"] = tensor
    return weights


def _layer(name: str, where: str) -> str:
    """The name in `DacModel` of a layer of the package's network."""
    if name.startswith("quantizer.quantizers."):
        return name
    found = re.fullmatch(r"(encoder\.block|decoder\.model)\.(\d+)(?:\.block\.(\d)(?:\.block\.(\d))?)?", name)
    network, block, part, unit = found.groups() if found else ("", "", None, None)
    side = network.partition(".")[0]
    parts = _ENCODER if side == "encoder" else _DECODER
    if found and part is None and block in _ENDS:
        return f"{side}.{_ENDS[block]}"
    if part in parts and 1 <= int(block) <= len(DAC_STRIDES):
        if unit is None and not parts[part].startswith("res"):
            return f"{side}.block.{int(block) - 1}.{parts[part]}"
        if unit in _UNIT and parts[part].startswith("res"):
            return f"{side}.block.{int(block) - 1}.{parts[part]}.{_UNIT[unit]}"
    raise UserError(f"{where}: has the layer {name}, which a DAC of 44.1 kHz doesn't; {_REMEDY}")
