"""The shares of MusicGen-small's FLOPs and data that designs of a config take, and what their steps cost."""

from dataclasses import asdict, replace

from ssmttm.accounting import design
from ssmttm.accounting.claims import (
    CLAIMS,
    NOT_COUNTED,
    ClaimCounts,
    ClaimSettings,
    CountedDesign,
    CountedRefiner,
    Side,
    musicgen_small,
    shares,
)
from ssmttm.accounting.design import Description
from ssmttm.accounting.refiners import describe_refiner
from ssmttm.codecs.base import frames_in
from ssmttm.config import ROOT
from ssmttm.errors import UserError
from ssmttm.models.config import ModelConfig
from ssmttm.models.kernels.attention import pairs
from ssmttm.models.patterns import steps_for
from ssmttm.settings import Config
from ssmttm.training.budget import plan_budget

DEFAULTS: ClaimSettings = {
    "preset": "paper",
    "size": "base",
    "budget": "iters",
    "variants": ["prefix-simba", "prefix-mamba", "cross-simba", "cross-transformer"],
    "hours": 457.0,
    "refiner": "paper-refiner",
}
"""`hours` of training music are the paper's; whoever trains on other data says how much."""


def count_claims(settings: ClaimSettings) -> ClaimCounts:
    """The shares of the designs that `settings` name; raises UserError for an unknown design, size or budget."""
    config, size = design.choose_size(settings["size"], settings["preset"], [ROOT / "config.yaml"])
    if settings["budget"] not in config["budgets"]:
        raise UserError(f"claims: no budget {settings['budget']!r}; there are {', '.join(config['budgets'])}")
    if "gpu_hours" in config["budgets"][settings["budget"]]:
        raise UserError(f"claims: budget {settings['budget']} is in hours: its steps are not known before a training")
    refiner = _refiner(config, settings["refiner"]) if settings["refiner"] else None
    theirs = musicgen_small(config["data"]["text"]["max_tokens"])
    designs, rows = [], []
    for variant in settings["variants"]:
        counted, ours = _design(config, variant, size, settings["budget"], settings["hours"])
        ours = replace(ours, refiner=refiner)
        designs.append(counted)
        rows += shares(ours, theirs)
    stated = {key: value for key, value in asdict(theirs).items() if key != "refiner"}
    reference = {**stated, "flops": theirs.flops}
    return {
        "spec": settings,
        "claims": CLAIMS,
        "reference": reference,
        "designs": designs,
        "refiner": refiner,
        "rows": rows,
        "not_counted": NOT_COUNTED,
    }


def _refiner(config: Config, name: str) -> CountedRefiner:
    described = describe_refiner(config, name)
    steps, flops = described["steps"], described["flops_spent"]
    if steps is None or flops is None:
        raise UserError(f"claims: refiner {name}: its budget is in hours: its steps are not known before a training")
    return {
        "refiner": name,
        "parameters": described["parameters"],
        "optimizer_steps": steps,
        "batch": described["clips_per_step"],
        "flops": flops,
    }


def paper_costs(preset: str = "paper", size: str = "base") -> dict[str, Description]:
    """What each of `DEFAULTS`' designs costs, for `ssmttm.study.published.paper_progress`."""
    config, size = design.choose_size(size, preset, [ROOT / "config.yaml"])
    return {variant: design.describe(config, variant, size) for variant in DEFAULTS["variants"]}


def _design(config: Config, variant: str, size: str, budget: str, hours: float) -> tuple[CountedDesign, Side]:
    spec, model = design.build(config, variant, size)
    data, batch = spec["data"], spec["training"]["batch_size"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    tokens = data["text"]["max_tokens"]
    cost = model.flops(frames, tokens)
    plan = plan_budget(config["budgets"][budget], cost.total, model.config.codebooks * frames, batch)
    parameters, clips = design.parameters(model)["parameters"], plan.steps * batch
    steps = steps_for(frames, model.config.codebooks)
    scan, later = cost.scan_matmul + cost.scan_elementwise, _later_scores(model.config, steps, tokens)
    ours = Side(variant, parameters, clips, hours, steps, cost.total, scan, later)
    counted: CountedDesign = {
        "design": variant,
        "size": size,
        "layers": model.config.layers,
        "parameters": parameters,
        "optimizer_steps": plan.steps,
        "batch": batch,
        "clips": clips,
        "seconds": data["seconds"],
        "frames": frames,
        "text_tokens": tokens,
        "flops": plan.flops_spent,
    }
    return counted, ours


def _later_scores(config: ModelConfig, steps: int, tokens: int) -> float:
    """FLOPs of self-attention's scores for later frames, in a forward pass over one clip; no kernel computes them."""
    length = steps + tokens if config.conditioning == "prefix" else steps
    layers = [config.mixer_of(layer) for layer in range(1, config.layers + 1)].count("attention")
    return 4.0 * layers * (length**2 - pairs(length)) * config.d_model
