"""A released data set of a learnable pattern, and the spec of a tiny run on it, shared by tests of training."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from language_models import TINY, VARIANTS

from ssmttm.files import sha256_file
from ssmttm.tables import write_table
from ssmttm.training.data import DataSet, load_splits
from ssmttm.training.tasks.language_model import LanguageModelTask

FRAMES, TOKENS, LEVELS = 12, 5, 4  # the codec has one level more than the tiny model
CODEC, ENCODER = "spectral:0123456789ab", "minilm:0123456789ab"
COUNTS = {"train": 9, "validation": 5, "test": 3}
SETTINGS: dict[str, Any] = {
    "batch_size": 4,
    "micro_batch": 2,
    "processes": 1,
    "compile": False,
    "activation_checkpointing": False,
    "ema_decay": 0.0,
    "checkpoints": [0.25, 0.5],
    "learning_rate": 1e-2,
    "minimum_learning_rate": 1e-4,
    "warmup_steps": 3,
    "schedule": "cosine",
    "decay": 0.3,
    "betas": [0.9, 0.95],
    "epsilon": 1e-8,
    "weight_decay": 0.02,
    "gradient_clip": 1.0,
    "label_smoothing": 0.1,
    "caption_dropout": 0.3,
    "word_dropout": 0.1,
    "validations": 3,
    "validation_clips": 4,
    "state_every": 2,
    "precision": "fp32",
    "threads": 1,
}


def tiny_spec(variant: str = "prefix-simba", budget: dict[str, Any] | None = None, **training: Any) -> dict[str, Any]:
    """The spec of a run of a tiny model; `training` changes its settings."""
    design = {"attention_layers": [], **VARIANTS[variant]}
    design["attention_layers"] = list(design["attention_layers"])
    model = {k: v for k, v in TINY.items() if k not in ("codebook_size", "text_width") and k not in design}
    model |= {"positions": "sinusoidal", "qk_norm": False}
    model |= {k: design.pop(k) for k in list(design) if k in model}
    return {
        "variant": {"name": variant, **design},
        "model": model,
        "budget": budget or {"iterations": 7},
        "training": {**SETTINGS, **training},
        "data": {
            "version": "tiny-1",
            "seconds": 1.0,
            "sample_rate": 24000,
            "codec": {"name": "spectral", "codebooks": LEVELS, "codebook_size": TINY["codebook_size"]},
            "text": {"encoder": "minilm", "max_tokens": TOKENS},
        },
        "seed": 3,
    }


def write_dataset(
    folder: Path, shards: int = 2, codec: str = CODEC, frames: int = FRAMES, encoder: str = ENCODER
) -> Path:
    """Write tokens, text, splits and dataset.json of a released data set."""
    rng = np.random.default_rng(0)
    rows: dict[str, list[dict[str, Any]]] = {"tokens": [], "text": [], "splits": []}
    for split, count in COUNTS.items():
        for i in range(count):
            clip, length = f"{split}{i:02d}", int(rng.integers(1, 9))
            codes = np.tile((np.arange(frames) + i) % TINY["codebook_size"], LEVELS).astype(np.uint16)
            embedding = rng.normal(size=length * TINY["text_width"]).astype(np.float16)
            rows["splits"].append({"clip_id": clip, "track_id": clip, "artist": clip, "split": split})
            rows["tokens"].append(
                {"clip_id": clip, "codebooks": LEVELS, "frames": frames, "codes": codes, "codec": codec}
            )
            rows["text"].append(
                {"clip_id": clip, "length": length, "width": 6, "embedding": embedding, "encoder": encoder}
            )
    write_table(folder / "splits.parquet", "splits", rows["splits"])
    for name in ("tokens", "text"):
        mixed = [rows[name][i] for i in rng.permutation(len(rows[name]))]
        for shard in range(shards):
            write_table(folder / name / f"{shard}.parquet", name, mixed[shard::shards])
    names = ["splits.parquet", *(f"{name}/{shard}.parquet" for name in ("tokens", "text") for shard in range(shards))]
    released = {"codec": CODEC, "text_encoder": ENCODER, "sha256": {name: sha256_file(folder / name) for name in names}}
    (folder / "dataset.json").write_text(json.dumps(released), encoding="utf-8")
    return folder


def load(folder: Path, scratch: Path, spec: dict[str, Any] | None = None) -> DataSet:
    """The data set in `folder` as the tiny run sees it."""
    spec = spec or tiny_spec()
    release = json.loads((folder / "dataset.json").read_text())
    return load_splits(folder, release, spec["data"], spec["model"]["codebooks"], scratch)


def task_of(model: Any, sets: Any, settings: dict[str, Any], origin: Any = None) -> LanguageModelTask:
    """A language model under training that is `model`; `sets` has train, validation and test."""
    task = LanguageModelTask(model.config, settings, sets, origin or {"spec": {}})
    task.model = model
    return task


def clip_cost(model: Any, frames: int = FRAMES, tokens: int = TOKENS) -> tuple[float, int]:
    """FLOPs and codes of one clip."""
    return model.flops(frames, tokens).total, model.config.codebooks * frames
