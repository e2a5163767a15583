"""A trained model as one safetensors file that says how to build itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.settings import RunSpec
from ssmttm.tensors import save_tensors

_PICKLES = (b"PK\x03\x04", b"\x80")


class Origin(TypedDict):
    """What a model was trained by and on; its file says so."""

    spec: RunSpec
    codec: str
    text_encoder: str


def save_model(path: Path, model: MusicLM, origin: Mapping[str, object]) -> None:
    """Write weights, with their `Origin`, and perhaps more, as metadata; UserError if some are not finite."""
    check_finite(f"{path}, not written", model.state_dict())
    save_tensors(path, model.state_dict(), {"ssmttm": json.dumps({**origin, "text_width": model.config.text_width})})


def load_model(path: Path) -> tuple[MusicLM, Origin]:
    """The model in evaluation mode, and its origin; raises UserError if the file is not one of ours, or broken."""
    origin, tensors = read_tensors(path, "ssmttm")
    if origin is None:
        raise UserError(f"{path}: safetensors, but not a model that `ssmttm train` wrote")
    model = MusicLM(ModelConfig.from_spec(origin["spec"], origin["text_width"]))
    check_shapes(path, tensors, model.state_dict())
    check_finite(f"{path}", tensors)
    model.load_state_dict(tensors)
    return model.eval(), cast(Origin, origin)


def read_tensors(path: Path, key: str) -> tuple[dict[str, Any] | None, dict[str, Tensor]]:
    """The JSON object under `key` of a safetensors file's metadata, None if it has none, and its tensors.

    Raises UserError for a file that is missing, a pickle, truncated or otherwise damaged.
    """
    try:
        with open(path, "rb") as f:
            start = f.read(9)
        if start.startswith(_PICKLES) and start[8:] != b"{":  # safetensors has a length of 8 bytes, then JSON
            raise UserError(f"{path}: not safetensors; pickled checkpoints are not loaded, for they can run any code")
        with safe_open(path, "pt") as f:
            value = json.loads((f.metadata() or {}).get(key, "null"))
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: truncated or damaged ({error}); put back a whole copy or delete it") from error
    return (value if isinstance(value, dict) else None), tensors


def check_finite(where: str, tensors: Mapping[str, Tensor]) -> None:
    """Raise UserError that names the first tensor with a number that is not finite."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise UserError(
                f"{where}: {name} has weights that are not finite, which make noise; "
                "train again, with a lower training.learning_rate if that broke them"
            )


def check_shapes(path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raise UserError that names the first tensor of `found` that is not as in `wanted`."""
    for name in sorted({*found, *wanted}):
        shapes = [str(list(t[name].shape)) if name in t else "absent" for t in (found, wanted)]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"{path}: of a model of another size: {name} is {shapes[0]} in the file, but {shapes[1]} in the model"
            )
