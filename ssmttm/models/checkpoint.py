"""A trained model as one safetensors file that says how to build itself."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ssmttm.errors import UserError
from ssmttm.files import atomic_path
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM


def save_model(path: Path, model: MusicLM, facts: dict[str, Any]) -> None:
    """Write weights, with `facts` (spec, codec, text encoder) as metadata."""
    facts = {**facts, "text_width": model.config.text_width}
    with atomic_path(path) as temporary:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, temporary, {"ssmttm": json.dumps(facts)})


def load_model(path: Path) -> tuple[MusicLM, dict[str, Any]]:
    """The model in evaluation mode, and its facts; raises UserError if the file is not one of ours."""
    try:
        with safe_open(path, "pt") as f:
            facts = json.loads((f.metadata() or {}).get("ssmttm", "null"))
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: not a readable model file: {error}") from error
    if not isinstance(facts, dict):
        raise UserError(f"{path}: safetensors, but not a model that `ssmttm train` wrote")
    model = MusicLM(ModelConfig.from_spec(facts["spec"], facts["text_width"]))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise UserError(f"{path}: weights do not fit the model that the file describes: {error}") from error
    return model.eval(), facts
