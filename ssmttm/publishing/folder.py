"""Write a trained run as a folder that stands by itself: weights, codec, card, credits, and what it says of itself."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ssmttm.files import copy_file, new_folder, sha256_file, write_json, write_text
from ssmttm.generation.folder import CONFIG, FORMAT
from ssmttm.generation.pipeline import CODEC
from ssmttm.generation.second_stage import REFINER
from ssmttm.models.checkpoint import check_finite, read_origin
from ssmttm.models.config import ModelConfig
from ssmttm.tensors import save_tensors

MODEL, CARD, CREDITS = "model.safetensors", "README.md", "ATTRIBUTION.md"
PRECISIONS = ("fp32", "fp16")
"""Of the weights on disk; they are computed with in fp32, or in what `ssmttm generate --precision` says."""


def write_folder(
    out: Path,
    name: str,
    run: Path,
    codec: Path,
    precision: str,
    generation: Mapping[str, Any],
    card: str,
    credits: str,
) -> None:
    """Write the run in folder `run`, with its codec, to the new folder `out`; all of it, or nothing.

    `generation` is the config's section that goes with it; `card` and `credits` are pages in Markdown. config.json also
    has what the language model is made of, as `ssmttm.publishing.hub.MusicLM.from_pretrained` reads it. Raises
    UserError for a place that is taken, and for weights beyond half precision.
    """
    with new_folder(out) as unfinished:
        for file in (MODEL, REFINER):
            if (run / file).is_file():
                _write_weights(run / file, unfinished / file, precision)
        copy_file(codec, unfinished / CODEC)
        sha256 = {path.name: sha256_file(path) for path in sorted(unfinished.iterdir())}
        write_text(unfinished / CARD, card)
        write_text(unfinished / CREDITS, credits)
        origin = read_origin(run / MODEL)
        said = {
            **asdict(ModelConfig.from_spec(origin["spec"], origin["text_width"])),
            "format": FORMAT,
            "name": name,
            "weights": precision,
            "generation": dict(generation),
            "sha256": sha256,
        }
        write_json(unfinished / CONFIG, said)


def _write_weights(source: Path, target: Path, precision: str) -> None:
    if precision == "fp32":
        copy_file(source, target)
        return
    with safe_open(source, "pt") as file:
        metadata = file.metadata() or {}
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 not a dictionary
    halves = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    check_finite(f"{source}, in half precision", halves)
    save_tensors(target, halves, metadata)
