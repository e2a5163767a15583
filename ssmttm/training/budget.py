"""A budget becomes a number of optimizer steps once, before the loop."""

import math
from dataclasses import dataclass

from ssmttm.errors import UserError
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.settings import Budget, TrainingSettings


@dataclass(frozen=True)
class Plan:
    """What a run will spend."""

    steps: int
    flops_per_step: float
    tokens_per_step: int  # numbers that are predicted: for a language model clips * codebooks * frames
    flops_planned: float  # the budget in FLOPs, which the steps stay below by less than one step

    @property
    def flops_spent(self) -> float:
        """FLOPs of all steps."""
        return self.steps * self.flops_per_step


def plan_budget(
    budget: Budget,
    clip_flops: float,
    clip_tokens: int,
    clips_per_step: int,
    device_seconds_per_step: float | None = None,
) -> Plan:
    """Resolve `{"iterations": n}`, `{"flops": x}` or `{"gpu_hours": h}` to optimizer steps.

    Every clip costs the same, `clip_flops` in the forward pass. For hours, which are summed over devices,
    `device_seconds_per_step` must have been measured. Raises UserError when the budget is smaller than one step.
    """
    per_step = TRAINING_FACTOR * clips_per_step * clip_flops
    tokens = clips_per_step * clip_tokens
    if "iterations" in budget:
        steps = int(budget["iterations"])
        return Plan(steps, per_step, tokens, steps * per_step)
    if "gpu_hours" in budget:
        if device_seconds_per_step is None:
            raise ValueError("a budget in hours needs the measured time of a step")
        steps = int(float(budget["gpu_hours"]) * 3600 / device_seconds_per_step)
        if steps < 1:
            raise UserError(
                f"the budget of {budget['gpu_hours']:g} device hours is smaller than one optimizer step, "
                f"which took {device_seconds_per_step:.3g} device seconds here"
            )
        return Plan(steps, per_step, tokens, steps * per_step)
    planned = float(budget["flops"])
    steps = int(planned // per_step)
    if steps < 1:
        raise UserError(f"the budget of {planned:.3g} FLOPs is smaller than one optimizer step ({per_step:.3g} FLOPs)")
    return Plan(steps, per_step, tokens, planned)


def steps_at(fractions: list[float], steps: int) -> dict[float, int]:
    """The step, at least the first, after which each fraction of `steps` is done."""
    return {fraction: max(1, round(fraction * steps)) for fraction in fractions}


def learning_rate(step: int, steps: int, settings: TrainingSettings) -> float:
    """Learning rate of optimizer step `step` (from 0) of `steps`: linear warm-up, then the schedule of `settings`.

    `cosine` falls from the first step after the warm-up to the last; `wsd` (warm-up, stable, decay; Hu et al. 2024,
    arXiv 2404.06395) stays at its peak and falls in a straight line over the last share `decay` of the steps. Per
    optimizer step, unlike the paper's released code, which steps it per epoch.
    """
    peak, floor = settings["learning_rate"], settings["minimum_learning_rate"]
    warmup = min(settings["warmup_steps"], max(steps - 1, 0))
    if step < warmup:
        return peak * (step + 1) / warmup
    if settings["schedule"] == "wsd":
        falling = min(round(settings["decay"] * steps), steps - 1 - warmup)  # of a step or two, none falls
        return floor + (peak - floor) * min(1.0, (steps - 1 - step) / falling) if falling > 0 else peak
    progress = (step - warmup) / max(steps - 1 - warmup, 1)
    return floor + 0.5 * (peak - floor) * (1 + math.cos(math.pi * progress))


def branch_start(end: int, steps: int, settings: TrainingSettings) -> int:
    """The first optimizer step of a run of `end` steps whose learning rate isn't that of a run of `steps` steps.

    Before it, the two runs are one.
    """
    rates = ((learning_rate(i, end, settings), learning_rate(i, steps, settings)) for i in range(end))
    return next((i for i, (own, trunk) in enumerate(rates) if own != trunk), end)
