"""Models of the Hugging Face hub, from a local folder or the hub's local cache: a stage never downloads."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers.utils import logging

from ssmttm.errors import UserError

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def load_pretrained(model_class: Any, name: str, key: str) -> Any:
    """A transformers model in evaluation mode, float32, from safetensors only.

    Args:
        model_class: the transformers class.
        name: hub id or folder.
        key: the config key that `name` is from, for messages.

    Raises:
        UserError: the model is missing, damaged, a pickle, or of another architecture.
    """

    def load() -> tuple[Any, dict[str, Any]]:
        return model_class.from_pretrained(
            name, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )

    model, info = local(load, name, key)
    absent = sorted(info["missing_keys"]) + sorted(map(str, info["mismatched_keys"]))
    if absent:
        raise UserError(f"{key}: {name} is no {model_class.__name__}: {len(absent)} weights lack, such as {absent[0]}")
    return model.eval().requires_grad_(False)


def local(load: Callable[[], Any], name: str, key: str) -> Any:
    """What `load` returns; its failure becomes a UserError that says how to get the model `name`."""
    try:
        with _quiet():
            return load()
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        if Path(name).is_dir():
            reason = str(error).strip().split("\n")[0]
            raise UserError(
                f"{key}: cannot load the folder {name}: {reason} "
                "(expected what transformers' save_pretrained writes, with weights as safetensors)"
            ) from error
        if not _HUB_ID.fullmatch(name):
            raise UserError(f"{key}: {name}: no such folder, and no id of the Hugging Face hub") from error
        raise UserError(
            f"{key}: {name} is neither a folder nor in the local cache of the Hugging Face hub; "
            f"get it once, where there is a network: hf download {name}"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No report of unused weights and no progress bar, which would fill the logs of the stages."""
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()
