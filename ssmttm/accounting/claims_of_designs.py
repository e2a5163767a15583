"""The shares of MusicGen-small's FLOPs and data that designs of a config take, and what their steps cost."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ssmttm.accounting import design
from ssmttm.accounting.claims import CLAIMS, NOT_COUNTED, Side, musicgen_small, rows
from ssmttm.codecs.base import frames_in
from ssmttm.config import ROOT
from ssmttm.errors import UserError
from ssmttm.models.patterns import steps_for
from ssmttm.settings import Config
from ssmttm.training.budget import plan_budget

DEFAULTS: Mapping[str, Any] = {
    "preset": "paper",
    "size": "base",
    "budget": "iters",
    "variants": ["prefix-simba", "prefix-mamba", "cross-simba", "cross-transformer"],
    "hours": 457.0,
}
"""`hours` of training music are the paper's; whoever trains on other data says how much."""


def count_claims(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What claims.json says of the designs that `settings`, with the keys of `DEFAULTS`, name.

    Keys: spec, claims, reference (MusicGen-small), designs, rows (`ssmttm.accounting.claims.rows`) and not_counted
    (reasons by name). Raises UserError for an unknown design, size or budget.
    """
    config, size = design.choose_size(settings["size"], settings["preset"], [ROOT / "config.yaml"])
    if settings["budget"] not in config["budgets"]:
        raise UserError(f"claims: no budget {settings['budget']!r}; there are {', '.join(config['budgets'])}")
    if "gpu_hours" in config["budgets"][settings["budget"]]:
        raise UserError(f"claims: budget {settings['budget']} is in hours: its steps are not known before a training")
    theirs = musicgen_small(config["data"]["text"]["max_tokens"])
    designs, table = [], []
    for variant in settings["variants"]:
        described, ours = _design(config, variant, size, settings["budget"], settings["hours"])
        designs.append(described)
        table += rows(ours, theirs)
    reference = {**asdict(theirs), "flops": theirs.flops}
    counted = {"spec": settings, "claims": CLAIMS, "reference": reference, "designs": designs, "rows": table}
    return {**counted, "not_counted": NOT_COUNTED}


def paper_costs(preset: str = "paper", size: str = "base") -> Mapping[str, Mapping[str, Any]]:
    """parameters, flops_per_step and tokens_per_step of each of `DEFAULTS`' designs, for `paper_progress`."""
    config, size = design.choose_size(size, preset, [ROOT / "config.yaml"])
    costs = {}
    for variant in DEFAULTS["variants"]:
        features = design.facts(config, variant, size)
        kept = {"parameters": features["parameters"], "flops_per_step": features["training_flops"]}
        costs[variant] = {**kept, "tokens_per_step": features["tokens_per_step"]}
    return costs


def _design(config: Config, variant: str, size: str, budget: str, hours: float) -> tuple[dict[str, object], Side]:
    spec, model = design.build(config, variant, size)
    data, batch = spec["data"], spec["training"]["batch_size"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    tokens = data["text"]["max_tokens"]
    plan = plan_budget(config["budgets"][budget], model, batch, frames, tokens)
    parameters, clips = design.parameters(model)["parameters"], plan.steps * batch
    steps, cost = steps_for(frames, model.config.codebooks), model.flops(frames, tokens)
    ours = Side(variant, parameters, clips, hours, steps, cost.total, cost.scan_matmul + cost.scan_elementwise)
    described = {"design": variant, "size": size, "layers": model.config.layers, "parameters": parameters}
    described |= {"optimizer_steps": plan.steps, "batch": batch, "clips": clips, "seconds": data["seconds"]}
    return {**described, "frames": frames, "text_tokens": tokens, "flops": plan.flops_spent}, ours
