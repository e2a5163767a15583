"""What a refiner is made of and what it costs, counted on its model without building or training it."""

from typing import TypedDict

from ssmttm.codecs.base import latent_widths
from ssmttm.errors import UserError
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.outline import Outline
from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.refiner import Refiner, build_refiner
from ssmttm.settings import Config, RefinerSpec
from ssmttm.spec import refiner_spec
from ssmttm.text.base import width_of
from ssmttm.training.budget import plan_budget


class RefinerDescription(TypedDict):
    """Counts and costs of a refiner, for crops as long as its window and captions padded to `max_tokens`."""

    refiner: str
    backbone: str
    objective: str
    levels: int
    layers: int
    d_model: int
    parameters: int
    parameters_by_group: dict[str, int]
    window: int
    text_tokens: int
    flops_by_kind: dict[str, float]
    """Of the forward pass over one window: weights, attention, scan (recurrence and convolution), head."""
    training_flops: float
    """Of one optimizer step."""
    clips_per_step: int
    steps: int | None
    """Optimizer steps under its budget; None for hours."""
    flops_spent: float | None


def build(spec: RefinerSpec) -> Refiner:
    """The refiner of a spec, without contents; UserError for sizes that don't fit each other."""
    data = spec["data"]
    widths = latent_widths(data["codec"], spec["refiner"]["levels"])
    try:
        config = RefinerConfig.from_spec(spec, width_of(data["text"]), *widths)
    except ValueError as error:
        raise UserError(f"the refiner's settings: {error}") from error
    with Outline():
        return build_refiner(config)


def describe_refiner(config: Config, name: str) -> RefinerDescription:
    """Counts and costs of the refiner `name` of `config`; UserError for an unknown one and as `build`."""
    spec = refiner_spec(config, name, "describe")
    model, settings = build(spec), spec["refiner"]
    tokens, batch = spec["data"]["text"]["max_tokens"], spec["training"]["batch_size"]
    cost = model.flops(settings["window"], tokens)
    plan = None
    if "gpu_hours" not in spec["budget"]:
        plan = plan_budget(spec["budget"], cost.total, settings["window"] * (settings["levels"] - 1), batch)
    scan = cost.scan_matmul + cost.scan_elementwise
    return {
        "refiner": name,
        "backbone": settings["backbone"],
        "objective": settings["objective"],
        "levels": settings["levels"],
        "layers": settings["layers"],
        "d_model": settings["d_model"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "parameters_by_group": model.parameters_by_group(),
        "window": settings["window"],
        "text_tokens": tokens,
        "flops_by_kind": {"weights": cost.weights, "attention": cost.attention, "scan": scan, "head": cost.head},
        "training_flops": TRAINING_FACTOR * batch * cost.total,
        "clips_per_step": batch,
        "steps": None if plan is None else plan.steps,
        "flops_spent": None if plan is None else plan.flops_spent,
    }
