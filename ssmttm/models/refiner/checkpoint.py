"""A trained refiner as one safetensors file that says how to build itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from ssmttm.errors import UserError
from ssmttm.models.checkpoint import check_finite, check_shapes, read_metadata, read_tensors
from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.refiner import Refiner, build_refiner
from ssmttm.settings import RefinerSpec
from ssmttm.tensors import save_tensors

_KEY = "ssmttm-refiner"


class RefinerOrigin(TypedDict):
    """What a refiner was trained by and on; its file says so."""

    spec: RefinerSpec
    codec: str
    text_encoder: str


def save_refiner(path: Path, refiner: Refiner, origin: Mapping[str, object]) -> None:
    """Write weights, with their `RefinerOrigin`, and perhaps more, as metadata; UserError if some are not finite."""
    check_finite(f"{path}, not written", refiner.state_dict())
    config = refiner.config
    widths = {"text_width": config.text_width, "given": config.given, "refined": config.refined}
    save_tensors(path, refiner.state_dict(), {_KEY: json.dumps({**origin, **widths})})


def read_refiner_origin(path: Path) -> RefinerOrigin:
    """What the refiner in file `path` was trained by and on; UserError as by `load_refiner`."""
    return cast(RefinerOrigin, _ours(path, read_metadata(path, _KEY)))


def load_refiner(path: Path) -> tuple[Refiner, RefinerOrigin]:
    """The refiner in evaluation mode, and its origin; raises UserError if the file is not one of ours, or broken."""
    value, tensors = read_tensors(path, _KEY)
    origin = _ours(path, value)
    widths = origin["text_width"], origin["given"], origin["refined"]
    refiner = build_refiner(RefinerConfig.from_spec(origin["spec"], *widths))
    check_shapes(path, tensors, refiner.state_dict())
    check_finite(f"{path}", tensors)
    refiner.load_state_dict(tensors)
    return refiner.eval(), cast(RefinerOrigin, origin)


def _ours(path: Path, value: dict[str, Any] | None) -> dict[str, Any]:
    if value is None:
        raise UserError(f"{path}: safetensors, but not a refiner that `ssmttm refiner train` wrote")
    return value
