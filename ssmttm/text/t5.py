"""The encoder of a T5 (Raffel et al. 2020, arXiv 1910.10683), such as flan-t5-base, as a frozen caption encoder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ssmttm.errors import UserError
from ssmttm.settings import TextSettings
from ssmttm.spec import canonical_json
from ssmttm.tensors import content_hash
from ssmttm.text.base import Reading, TextEncoder, reading

_KEY = "data.text.model"
_WIDTHS = {"small": 512, "base": 768, "large": 1024, "xl": 2048, "xxl": 4096}


class T5Encoder(TextEncoder):
    """See `TextEncoder`."""

    batch = 32
    takes_gpu = True

    def to(self, device: torch.device) -> None:
        """See `TextEncoder`."""
        self._model.to(device)

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """From a transformers `T5EncoderModel` in evaluation mode and its fast tokenizer."""
        self.width = model.config.d_model
        self._model, self._tokenizer = model, tokenizer
        self.identity = f"t5:{_content_hash(model, tokenizer)}"

    def encode(self, texts: list[str], max_tokens: int) -> list[np.ndarray]:
        """Token embeddings, float32 [length, width] per text, the end-of-text token included.

        Longer texts are cut to `max_tokens`, and still end in that token. Raises ValueError for
        an empty text, and unless `max_tokens` is 2 or more.
        """
        if max_tokens < 2:
            raise ValueError(f"max_tokens must be 2 or more, got {max_tokens}")
        for number, text in enumerate(texts):
            if not text.strip():
                raise ValueError(f"text {number} of {len(texts)} is empty; an empty text has no embedding")
        ids = [self._tokenizer.encode(text, add_special_tokens=False)[: max_tokens - 1] for text in texts]
        ids = [[*tokens, self._tokenizer.eos_token_id] for tokens in ids]
        return self._in_batches(ids, self._run)

    def read(self, text: str, max_tokens: int) -> Reading:
        """How much of `text` is in its embedding."""
        tokens = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        unknown = [token == self._tokenizer.unk_token_id for token in tokens["input_ids"]]
        return reading(text, tokens["offset_mapping"], unknown, kept=max_tokens - 1, marks=1)

    @torch.inference_mode()
    def _run(self, ids: list[list[int]]) -> list[np.ndarray]:
        lengths = torch.tensor([len(tokens) for tokens in ids])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        padded = torch.zeros(mask.shape, dtype=torch.int64)
        padded[mask] = torch.tensor([token for tokens in ids for token in tokens])
        place = self._model.device
        hidden = self._model(input_ids=padded.to(place), attention_mask=mask.long().to(place)).last_hidden_state.cpu()
        return [h[:length].numpy().copy() for h, length in zip(hidden, lengths)]


def _content_hash(model: Any, tokenizer: Any) -> str:
    """12 hex digits over the weights and what the tokenizer does."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    parts = {key: backend.get(key) for key in ("normalizer", "pre_tokenizer", "model", "added_tokens")}
    return content_hash(model.state_dict(), canonical_json([parts, tokenizer.eos_token_id]))[:12]


def _name(settings: TextSettings) -> str:
    name = settings.get("model")
    if not name:
        raise UserError(f"{_KEY}: the encoder t5 needs a model, such as google/flan-t5-base, or a folder")
    return name


def load(settings: TextSettings) -> T5Encoder:
    """The encoder of `model` (hub id or folder).

    Raises UserError when it is missing or damaged, or its tokenizer lacks the vocabulary.
    """
    from transformers import T5EncoderModel

    from ssmttm.pretrained.hub import load_pretrained, load_tokenizer

    name = _name(settings)
    model = load_pretrained(T5EncoderModel, name, _KEY)
    tokenizer = load_tokenizer(name, _KEY, model.config.vocab_size)
    if not tokenizer.is_fast or tokenizer.eos_token_id is None:
        raise UserError(f"{_KEY}: the tokenizer of {name} is not a T5's: it has no end-of-text token, or is a slow one")
    return T5Encoder(model, tokenizer)


def width(settings: TextSettings) -> int:
    """Width of the embeddings: by name for T5 and flan-T5, else from the model's own config."""
    name = _name(settings)
    if not Path(name).is_dir() and name.startswith(("google/flan-t5-", "google/t5-v1_1-", "google-t5/t5-")):
        size = name.rpartition("-")[2]
        if size in _WIDTHS:
            return _WIDTHS[size]
    from transformers import T5Config

    from ssmttm.pretrained.hub import local

    config = local(lambda: T5Config.from_pretrained(name, local_files_only=True), name, _KEY)
    return int(config.d_model)
