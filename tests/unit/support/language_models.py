"""Tiny language models of every design, shared by the tests of models, training and generation."""

from typing import Any

import torch

from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM

PLUS = {"positions": "rotary", "qk_norm": True}

VARIANTS = {
    "prefix-mamba": {"mixer": "mamba2", "feedforward": "none", "conditioning": "prefix"},
    "prefix-simba": {"mixer": "mamba2", "feedforward": "gelu", "conditioning": "prefix"},
    "cross-simba": {"mixer": "mamba2", "feedforward": "gelu", "conditioning": "cross"},
    "cross-transformer": {"mixer": "attention", "feedforward": "gelu", "conditioning": "cross"},
    "prefix-transformer": {"mixer": "attention", "feedforward": "gelu", "conditioning": "prefix"},
    "prefix-hybrid": {"mixer": "mamba2", "feedforward": "gelu", "conditioning": "prefix", "attention_layers": (2,)},
    "prefix-mamba1": {"mixer": "mamba1", "feedforward": "gelu", "conditioning": "prefix"},
    "cross-transformer-plus": {"mixer": "attention", "feedforward": "swiglu", "conditioning": "cross", **PLUS},
    "prefix-transformer-plus": {"mixer": "attention", "feedforward": "swiglu", "conditioning": "prefix", **PLUS},
}

TINY = {
    "layers": 2,
    "d_model": 16,
    "d_state": 4,
    "d_conv": 4,
    "expand": 2,
    "head_dim": 8,
    "chunk": 5,
    "attention_heads": 2,
    "feedforward_factor": 2,
    "dropout": 0.1,
    "final_norm": True,
    "codebooks": 3,
    "codebook_size": 7,
    "text_width": 6,
}


def tiny_config(variant: str, **changes: Any) -> ModelConfig:
    return ModelConfig(**{**VARIANTS[variant], **TINY, **changes})


def tiny_model(variant: str, **changes: Any) -> MusicLM:
    torch.manual_seed(0)
    return MusicLM(tiny_config(variant, **changes)).eval()
