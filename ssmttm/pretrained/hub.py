"""Models of the Hugging Face hub, from a local folder or the hub's local cache: a stage never downloads."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from safetensors import SafetensorError
from transformers.utils import logging

from ssmttm.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Model = TypeVar("Model", bound="PreTrainedModel")
Loaded = TypeVar("Loaded")

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def load_pretrained(model_class: type[Model], name: str, key: str) -> Model:
    """A transformers model in evaluation mode, float32, from safetensors only.

    Args:
        model_class: the transformers class.
        name: hub id or folder.
        key: the config key that `name` is from, for messages.

    Raises:
        UserError: the model is missing, damaged, a pickle, or of another architecture.
    """
    options = {"local_files_only": True, "use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    loader: Any = model_class  # the type of its method knows nothing of the last option
    model, info = local(lambda: loader.from_pretrained(name, **options), name, key)
    if absent := sorted(info["missing_keys"]) + sorted(map(str, info["mismatched_keys"])):
        raise UserError(f"{key}: {name} is no {model_class.__name__}: {len(absent)} weights lack, such as {absent[0]}")
    return model.eval().requires_grad_(False)


def load_tokenizer(
    name: str, key: str, vocabulary: int, least: float = 0.9, remedy: str = "get both again"
) -> "PreTrainedTokenizerBase":
    """The tokenizer beside a model, which has at least the share `least` of the `vocabulary` of its weights.

    T5's has 0.999. transformers returns a tokenizer of a few tokens, without an error, where its files are missing.

    Raises:
        UserError: it is missing or of another vocabulary; `remedy` says what to do.
    """
    from transformers import AutoTokenizer

    tokenizer = local(lambda: AutoTokenizer.from_pretrained(name, local_files_only=True), name, key)
    if not least * vocabulary <= len(tokenizer) <= vocabulary:
        raise UserError(
            f"{key}: the tokenizer of {name} has {len(tokenizer)} tokens where the weights have {vocabulary}: "
            f"its files are missing or of another model; {remedy}"
        )
    return tokenizer


def local(load: Callable[[], Loaded], name: str, key: str) -> Loaded:
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
