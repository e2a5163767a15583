"""Finished runs with random weights, their codec and a text encoder of few words, shared by tests of generation."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from language_models import tiny_model
from refiners import TINY, moments, tiny_refiner

from ssmttm.codecs.base import Codec, fit_codec
from ssmttm.models.checkpoint import save_model
from ssmttm.models.refiner.checkpoint import save_refiner
from ssmttm.text.base import reading

RATE = 24000
SETTINGS: dict[str, Any] = {
    "temperature": 1.0,
    "top_k": 5,
    "guidance": 2.0,
    "seed": 1,
    "sampler": "ddim",
    "sampler_steps": 3,
    "refiner_guidance": 1.0,
    "snap": False,
    "vocoder": "griffin_lim",
}
CODEC = {"name": "spectral", "codebooks": 3, "codebook_size": 7}
_MODEL = "d_model d_state d_conv expand head_dim chunk attention_heads feedforward_factor dropout final_norm codebooks"


class Words:
    """A text encoder that counts letters and words."""

    identity, width = "words:1", 6

    def encode(self, texts, max_tokens):
        rows = [np.random.default_rng(len(t)).normal(size=(min(max_tokens, len(t.split())), 6)) for t in texts]
        return [r.astype(np.float32) for r in rows]

    def read(self, text, max_tokens):
        words = list(re.finditer(r"\S+", text))
        return reading(text, [w.span() for w in words], [not w[0].isascii() for w in words], max_tokens, 0)


def tiny_codec(seed: int = 0) -> Codec:
    """A codec fitted on noise."""
    wave = (0.1 * np.random.default_rng(seed).normal(size=2 * RATE)).astype(np.float32)
    return fit_codec(CODEC, iter([wave]), 1, RATE, 1)


def write_run(results: Path, codebooks: int) -> Path:
    """A run's folder in `results`, with codec.safetensors beside it in its data set."""
    codec = tiny_codec()
    codec.save(results / "data" / "v1" / "codec.safetensors")
    model = tiny_model("prefix-simba", codebooks=codebooks)
    config = model.config
    spec = {
        "variant": {
            "name": "prefix-simba",
            "mixer": "mamba2",
            "feedforward": "gelu",
            "conditioning": "prefix",
            "attention_layers": [],
        },
        "model": {"layers": config.layers} | {k: getattr(config, k) for k in _MODEL.split()},
        "data": {
            "version": "v1",
            "seconds": 1.0,
            "codec": CODEC,
            "text": {"encoder": "minilm", "max_tokens": 8},
        },
    }
    facts = json.loads(json.dumps({"spec": spec, "codec": codec.identity, "text_encoder": Words.identity}))
    save_model(results / "runs" / "r" / "model.safetensors", model, facts)
    return results / "runs" / "r"


def write_refiner(path: Path, codec: Codec, encoder: str = Words.identity, **changes: Any) -> Path:
    """A refiner's file; `changes` are of its settings."""
    tables = codec.tables()
    widths = {"given": tables.first.shape[1], "refined": tables.rest.shape[2]}
    refiner = tiny_refiner(**{**changes, **widths, "codebook_size": codec.codebook_size})
    refiner.set_statistics(*(moments(torch.from_numpy(t).flatten(0, -2)) for t in tables))
    settings = {key: getattr(refiner.config, key) for key in ("backbone", "objective", *TINY)}
    spec = {"refiner": settings, "data": {"codec": {"codebook_size": codec.codebook_size}}}
    save_refiner(path, refiner, {"spec": spec, "codec": codec.identity, "text_encoder": encoder})
    return path
