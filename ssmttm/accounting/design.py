"""What a design is made of and what it costs at a size, counted on its model without building or training it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import torch

from ssmttm.codecs.base import frames_in
from ssmttm.config import PRESETS, load_config, load_preset, presets
from ssmttm.errors import UserError
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import TRAINING_FACTOR, Cost
from ssmttm.models.lm import MusicLM
from ssmttm.models.outline import Outline
from ssmttm.models.patterns import steps_for
from ssmttm.settings import Budget, Config, RunSpec, TrainingSettings
from ssmttm.spec import run_spec
from ssmttm.text.base import width_of
from ssmttm.training.budget import plan_budget
from ssmttm.training.memory import training_memory
from ssmttm.training.task import Fit

OURS = ("null_condition", "final_norm")
"""Parameters that the designs of arXiv 2601.14786 don't have."""


class ParameterCounts(TypedDict):
    """Parameters of a model."""

    parameters: int
    """Without those that are ours."""
    parameters_added: int
    """Those that are ours."""
    parameters_added_by_name: dict[str, int]
    parameters_by_group: dict[str, int]
    """All of them."""


class StateCosts(TypedDict):
    """What the mixers carry for one sequence after a clip, in single precision: SSM states and attention's cache."""

    state_bytes: int
    state_kind: str
    """Whether it grows with the sequence: constant or growing."""
    state_length: int


class MemoryParts(TypedDict):
    """The parts of a memory estimate in bytes, and what it is for."""

    clips: int
    precision: str
    activation_checkpointing: bool
    device: str
    weights: int
    gradients: int
    optimizer: int
    average: int
    activations: int


class MemoryCosts(TypedDict):
    """Estimate for training on one device, at the peak."""

    memory_bytes: int
    memory: MemoryParts


class Description(ParameterCounts, StateCosts, MemoryCosts):
    """Counts and costs of a design, for clips as long as the config's and captions padded to its `max_tokens`."""

    variant: str
    size: str
    mixer: str
    feedforward: str
    conditioning: str
    attention_layers: list[int]
    layers: int
    d_model: int
    codebooks: int
    frames: int
    """Of a clip."""
    text_tokens: int
    """Of a caption."""
    flops_by_kind: dict[str, float]
    """Of the forward pass over one clip: weights, attention, scan (recurrence and convolution), head."""
    flops_per_token: float
    """Their sum over the clip's codec tokens (frames times codebooks)."""
    training_flops: float
    """Of one optimizer step, forward and backward over all its clips."""
    clips_per_step: int
    tokens_per_step: int
    budgets: Mapping[str, Budget]
    steps: dict[str, int | None]
    """Optimizer steps under each budget; 0 where it is smaller than one, None where it is in hours, which are turned
    to steps by measuring when a training starts."""


def choose_size(size: str, preset: str | None, files: list[Path]) -> tuple[Config, str]:
    """The config that `size` belongs to and its key there; raises UserError if there is none."""
    config = load_preset(files, preset)
    if size in config["sizes"]:
        return config, size
    for name in presets() if preset is None else []:
        rest = "base" if size == name else size.removeprefix(f"{name}-")
        if rest != size:
            overlaid = load_config(*files, PRESETS / name / "config.yaml")
            if rest in overlaid["sizes"]:
                return overlaid, rest
    known = ", ".join(config["sizes"])
    others = "" if preset else f", nor a preset ({', '.join(presets())}), nor PRESET-SIZE such as paper-quarter"
    raise UserError(f"--size {size}: neither among the config's sizes ({known}){others}")


def build(config: Config, variant: str, size: str, codebooks: int | None = None) -> tuple[RunSpec, MusicLM]:
    """The spec of a run of one variant at one size of `config`, and its model, without contents.

    Raises UserError for an unknown variant or size and for a model that can't be.
    """
    row = {"variant": variant, "size": size, "budget": next(iter(config["budgets"])), "seed": 0}
    if codebooks is not None:
        row["overrides"] = f"model.codebooks={codebooks}"
    spec = run_spec(config, row, "describe")
    with Outline():
        return spec, MusicLM(ModelConfig.from_spec(spec, width_of(spec["data"]["text"])))


def describe(config: Config, variant: str, size: str, codebooks: int | None = None) -> Description:
    """Counts and costs of one variant at one size of `config`; raises UserError as `build` does."""
    spec, model = build(config, variant, size, codebooks)
    shape, clips = model.config, spec["data"]
    frames = frames_in(clips["codec"], clips["seconds"], clips["sample_rate"])
    tokens = clips["text"]["max_tokens"]
    cost = model.flops(frames, tokens)
    batch = spec["training"]["batch_size"]
    return {
        "variant": variant,
        "size": size,
        "mixer": spec["variant"]["mixer"],
        "feedforward": spec["variant"]["feedforward"],
        "conditioning": spec["variant"]["conditioning"],
        "attention_layers": spec["variant"]["attention_layers"],
        "layers": shape.layers,
        "d_model": shape.d_model,
        "codebooks": shape.codebooks,
        "frames": frames,
        "text_tokens": tokens,
        **parameters(model),
        "flops_by_kind": _by_kind(cost),
        "flops_per_token": cost.total / (frames * shape.codebooks),
        "training_flops": TRAINING_FACTOR * batch * cost.total,
        "clips_per_step": batch,
        "tokens_per_step": batch * frames * shape.codebooks,
        "budgets": config["budgets"],
        "steps": _steps(config["budgets"], model, batch, frames, tokens),
        **_state(model, frames, tokens),
        **_memory(shape, spec["training"], frames, tokens),
    }


def parameters(model: MusicLM) -> ParameterCounts:
    """How many parameters `model` has."""
    added: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        for ours in set(OURS).intersection(name.split(".")):
            added[ours] = added.get(ours, 0) + parameter.numel()
    return {
        "parameters": sum(p.numel() for p in model.parameters()) - sum(added.values()),
        "parameters_added": sum(added.values()),
        "parameters_added_by_name": added,
        "parameters_by_group": model.parameters_by_group(),
    }


def _by_kind(cost: Cost) -> dict[str, float]:
    scan = cost.scan_matmul + cost.scan_elementwise
    return {"weights": cost.weights, "attention": cost.attention, "scan": scan, "head": cost.head}


def _steps(
    budgets: Mapping[str, Budget], model: MusicLM, batch: int, frames: int, tokens: int
) -> dict[str, int | None]:
    steps: dict[str, int | None] = {}
    clip = model.flops(frames, tokens).total, model.config.codebooks * frames
    for name, budget in budgets.items():
        try:
            steps[name] = None if "gpu_hours" in budget else plan_budget(budget, *clip, batch).steps
        except UserError:
            steps[name] = 0
    return steps


def _state(model: MusicLM, frames: int, tokens: int) -> StateCosts:
    length = steps_for(frames, model.config.codebooks)
    length += tokens if model.config.conditioning == "prefix" else 0
    now, later = (sum(block.mixer.state_bytes(n) for block in model.blocks) for n in (length, length + 1))
    return {"state_bytes": now, "state_kind": "constant" if now == later else "growing", "state_length": length}


def _memory(shape: ModelConfig, training: TrainingSettings, frames: int, tokens: int) -> MemoryCosts:
    """For the configured micro-batch, or one clip where it is chosen to fit."""
    clips = 1 if training["micro_batch"] == "auto" else training["micro_batch"]
    fit = Fit(clips, training["activation_checkpointing"] is True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    memory = training_memory(shape, training, fit, frames, tokens, device)
    return {
        "memory_bytes": memory.total,
        "memory": {
            "clips": clips,
            "precision": training["precision"],
            "activation_checkpointing": fit.checkpointing,
            "device": device,
            "weights": memory.weights,
            "gradients": memory.gradients,
            "optimizer": memory.optimizer,
            "average": memory.average,
            "activations": memory.activations,
        },
    }
