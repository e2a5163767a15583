"""A trained model as one safetensors file that says how to build itself."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict, cast

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.settings import RunSpec
from ssmttm.tensors import save_tensors

KEY = "ssmttm"
"""Of our metadata in a model's file."""
_PICKLES = (b"PK\x03\x04", b"\x80")


class Origin(TypedDict):
    """What a model was trained by and on; its file says so."""

    spec: RunSpec
    codec: str
    text_encoder: str
    text_width: int


def save_model(path: Path, model: MusicLM, origin: Mapping[str, object]) -> None:
    """Write weights, with their `Origin`, and perhaps more, as metadata; UserError if some are not finite."""
    check_finite(f"{path}, not written", model.state_dict())
    save_tensors(path, model.state_dict(), {KEY: json.dumps({**origin, "text_width": model.config.text_width})})


def read_origin(path: Path) -> Origin:
    """What the model in file `path` was trained by and on; UserError as by `load_model`."""
    return cast(Origin, _ours(path, read_metadata(path, KEY)))


def load_model(path: Path) -> tuple[MusicLM, Origin]:
    """The model in evaluation mode, and its origin; raises UserError if the file is not one of ours, or broken."""
    value, tensors = read_tensors(path, KEY)
    origin = _ours(path, value)
    model = MusicLM(ModelConfig.from_spec(origin["spec"], origin["text_width"]))
    fill_model(path, model, tensors)
    return model, cast(Origin, origin)


def fill_model(path: Path, model: MusicLM, tensors: Mapping[str, Tensor]) -> None:
    """Give `model` the weights of file `path`, for evaluation; UserError for those of another size or not finite."""
    check_shapes(path, tensors, model.state_dict())
    check_finite(f"{path}", tensors)
    model.load_state_dict(dict(tensors))
    model.eval()


def _ours(path: Path, value: dict[str, Any] | None) -> dict[str, Any]:
    if value is None:
        raise UserError(f"{path}: safetensors, but not a model that `ssmttm train` wrote")
    return value


def read_metadata(path: Path, key: str) -> dict[str, Any] | None:
    """The JSON object under `key` of a safetensors file's metadata, if it has one; UserError as by `read_tensors`."""
    with _opened(path) as file:
        return _object(file, key)


def read_tensors(path: Path, key: str) -> tuple[dict[str, Any] | None, dict[str, Tensor]]:
    """The JSON object under `key` of a safetensors file's metadata, None if it has none, and its tensors.

    Raises UserError for a file that is missing, a pickle, truncated or otherwise damaged.
    """
    with _opened(path) as file:
        return _object(file, key), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with open(path, "rb") as f:
            start = f.read(9)
        if start.startswith(_PICKLES) and start[8:] != b"{":  # safetensors has a length of 8 bytes, then JSON
            raise UserError(f"{path}: not safetensors; pickled checkpoints are not loaded, for they can run any code")
        with safe_open(path, "pt") as file:
            yield file
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: truncated or damaged ({error}); put back a whole copy or delete it") from error


def _object(file: Any, key: str) -> dict[str, Any] | None:
    value = json.loads((file.metadata() or {}).get(key, "null"))
    return value if isinstance(value, dict) else None


def check_finite(where: str, tensors: Mapping[str, Tensor]) -> None:
    """Raise UserError that names the first tensor with a number that is not finite."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise UserError(
                f"{where}: {name} has weights that are not finite, which make noise; "
                "train again, with a lower training.learning_rate if that broke them"
            )


def check_shapes(path: Path, present: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raise UserError that names the first tensor of `present` that is not as in `wanted`."""
    for name in sorted({*present, *wanted}):
        shapes = [str(list(t[name].shape)) if name in t else "absent" for t in (present, wanted)]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"{path}: of a model of another size: {name} is {shapes[0]} in the file, but {shapes[1]} in the model"
            )
