"""The paper's shares of MusicGen-small's FLOPs and data, counted from the models themselves."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ssmttm.accounting import design
from ssmttm.accounting.claims import CLAIMS, NOT_COUNTED, Side, musicgen_small, rows
from ssmttm.accounting.claims_text import claims_text
from ssmttm.codecs.base import frames_in
from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.models.patterns import steps_for
from ssmttm.spec import ROOT, canonical_json, complain
from ssmttm.study.published import DesignCosts
from ssmttm.training.budget import plan_budget

DEFAULTS: dict[str, Any] = {
    "preset": "paper",
    "size": "base",
    "budget": "iters",
    "variants": ["prefix-simba", "prefix-mamba", "cross-simba", "cross-transformer"],
    "hours": 457.0,
}
"""`hours` of training music are the paper's; whoever trains on other data says how much."""

_NAME = {"type": "string"}
_SPEC = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            **dict.fromkeys(("preset", "size", "budget"), _NAME),
            "variants": {"type": "array", "items": _NAME, "minItems": 1},
            "hours": {"type": "number", "exclusiveMinimum": 0},
        },
    }
)


def run(spec: dict[str, Any] | None, out: Path | None) -> str:
    """Count, and write claims.json to `out`; returns the table that `ssmttm claims` prints."""
    found = claims(spec)
    if out is not None:
        write_json(out, found)
    return claims_text(found)


def claims(spec: dict[str, Any] | None = None) -> dict[str, Any]:
    """The content of claims.json.

    `spec` may replace any of `DEFAULTS`. Keys: spec, claims, reference (MusicGen-small), designs,
    rows (`ssmttm.accounting.claims.rows`) and not_counted (reasons by name). Raises UserError for an
    unknown key, design, size or budget.
    """
    settings = {**DEFAULTS, **(spec or {})}
    if unknown := sorted(set(settings) - set(DEFAULTS)):
        raise UserError(f"claims: no setting {', '.join(unknown)}; there are {', '.join(DEFAULTS)}")
    complain(_SPEC, settings, "claims: --spec", f"without --spec it is {canonical_json(DEFAULTS)}")
    config, size = design.choose_size(settings["size"], settings["preset"], [ROOT / "config.yaml"])
    if settings["budget"] not in config["budgets"]:
        raise UserError(f"claims: no budget {settings['budget']!r}; there are {', '.join(config['budgets'])}")
    if "gpu_hours" in config["budgets"][settings["budget"]]:
        raise UserError(f"claims: budget {settings['budget']} is in hours: its steps are not known before a training")
    theirs = musicgen_small(config["data"]["text"]["max_tokens"])
    designs, table = [], []
    for variant in settings["variants"]:
        facts, ours = _design(config, variant, size, settings["budget"], settings["hours"])
        designs.append(facts)
        table += rows(ours, theirs)
    reference = {**asdict(theirs), "flops": theirs.flops}
    found = {"spec": settings, "claims": CLAIMS, "reference": reference, "designs": designs, "rows": table}
    return {**found, "not_counted": NOT_COUNTED}


def paper_costs(preset: str = "paper", size: str = "base") -> dict[str, DesignCosts]:
    """What each of `DEFAULTS`' designs costs, for `paper_progress`."""
    config, size = design.choose_size(size, preset, [ROOT / "config.yaml"])
    costs: dict[str, DesignCosts] = {}
    for variant in DEFAULTS["variants"]:
        facts = design.facts(config, variant, size)
        costs[variant] = {
            "parameters": facts["parameters"],
            "flops_per_step": facts["training_flops"],
            "tokens_per_step": facts["tokens_per_step"],
        }
    return costs


def _design(config: dict[str, Any], variant: str, size: str, budget: str, hours: float) -> tuple[dict, Side]:
    spec, model = design.build(config, variant, size)
    data, batch = spec["data"], spec["training"]["batch_size"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    tokens = data["text"]["max_tokens"]
    plan = plan_budget(config["budgets"][budget], model, batch, frames, tokens)
    parameters, clips = design.parameters(model)["parameters"], plan.steps * batch
    steps, cost = steps_for(frames, model.config.codebooks), model.flops(frames, tokens)
    ours = Side(variant, parameters, clips, hours, steps, cost.total, cost.scan_matmul + cost.scan_elementwise)
    facts = {"design": variant, "size": size, "layers": model.config.layers, "parameters": parameters}
    facts |= {"optimizer_steps": plan.steps, "batch": batch, "clips": clips, "seconds": data["seconds"]}
    return facts | {"frames": frames, "text_tokens": tokens, "flops": plan.flops_spent}, ours
