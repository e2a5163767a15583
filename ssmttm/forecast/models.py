"""What training and hearing the models of a run table costs, counted on their networks without building them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ssmttm.accounting import refiners
from ssmttm.codecs.base import frames_in
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.models.outline import Outline
from ssmttm.settings import Budget, RefinerSpec, RunData, RunSpec
from ssmttm.spec import canonical_json
from ssmttm.text.base import width_of
from ssmttm.training.budget import plan_budget
from ssmttm.training.memory import training_memory
from ssmttm.training.task import Fit


@dataclass(frozen=True)
class Model:
    """A language model or a refiner."""

    mixer: str
    """A refiner's backbone."""
    d_model: int
    parameters: int
    flops: float | None
    """Of its whole training; None where its budget is in hours."""
    hours: float | None
    """Of its training, where its budget says so."""
    second_flops: float
    """Of the forward pass over one second of audio."""
    training_bytes: int
    """Of memory; 0 for a refiner, which takes less than its language model."""
    stored: int
    """Models of it that are kept."""


class Counter:
    """Counts models, each kind once: seeds don't matter."""

    def __init__(self) -> None:
        self._counted: dict[str, Model] = {}

    def language_model(self, spec: RunSpec) -> Model:
        """The language model of a run."""
        key = _key(spec)
        if key not in self._counted:
            self._counted[key] = _language_model(spec)
        return self._counted[key]

    def refiner(self, spec: RefinerSpec) -> Model:
        """A refiner."""
        key = _key(spec)
        if key not in self._counted:
            self._counted[key] = _refiner(spec)
        return self._counted[key]


def _key(spec: Mapping[str, Any]) -> str:
    return canonical_json({key: value for key, value in spec.items() if key != "seed"})


def _frames(data: RunData) -> int:
    return frames_in(data["codec"], data["seconds"], data["sample_rate"])


def _flops(budget: Budget, clip_flops: float, clip_tokens: int, clips: int) -> float | None:
    return None if "gpu_hours" in budget else plan_budget(budget, clip_flops, clip_tokens, clips).flops_spent


def _language_model(spec: RunSpec) -> Model:
    data, training = spec["data"], spec["training"]
    with Outline():
        model = MusicLM(ModelConfig.from_spec(spec, width_of(data["text"])))
    frames, tokens = _frames(data), data["text"]["max_tokens"]
    clip = model.flops(frames, tokens).total
    micro = 1 if training["micro_batch"] == "auto" else training["micro_batch"]
    fit = Fit(micro, training["activation_checkpointing"] is True)
    return Model(
        mixer=spec["variant"]["mixer"],
        d_model=model.config.d_model,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops=_flops(spec["budget"], clip, model.config.codebooks * frames, training["batch_size"]),
        hours=spec["budget"].get("gpu_hours"),
        second_flops=clip / data["seconds"],
        training_bytes=training_memory(model.config, training, fit, frames, tokens, "cpu").total,
        stored=1 + len(training["checkpoints"]),
    )


def _refiner(spec: RefinerSpec) -> Model:
    model, settings, data = refiners.build(spec), spec["refiner"], spec["data"]
    window = settings["window"]
    cost = model.flops(window, data["text"]["max_tokens"]).total
    per_second = _frames(data) / data["seconds"] / (window - settings["overlap"])
    batch, levels = spec["training"]["batch_size"], settings["levels"] - 1
    return Model(
        mixer=settings["backbone"],
        d_model=settings["d_model"],
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops=_flops(spec["budget"], cost, window * levels, batch),
        hours=spec["budget"].get("gpu_hours"),
        second_flops=cost * per_second,
        training_bytes=0,
        stored=1 + len(spec["training"]["checkpoints"]),
    )
