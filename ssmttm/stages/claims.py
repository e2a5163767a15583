"""The paper's shares of MusicGen-small's FLOPs and data, counted from the models themselves."""

from pathlib import Path
from typing import Any

import torch
from jsonschema import Draft202012Validator

from ssmttm.accounting.claims import CLAIMS, Counted, ranges, rows
from ssmttm.accounting.claims_text import claims_text
from ssmttm.accounting.musicgen import SMALL_TRAINING
from ssmttm.codecs.base import frames_in
from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import steps_for
from ssmttm.spec import ROOT, canonical_json, complain
from ssmttm.stages import describe
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

# audiocraft's configuration of MusicGen-small and its training (arXiv 2306.05284, sections 3.2 and 3.3).
MUSICGEN = ModelConfig(
    mixer="attention",
    feedforward="gelu",
    conditioning="cross",
    layers=24,
    d_model=1024,
    d_state=1,
    d_conv=1,
    expand=1,
    head_dim=64,
    chunk=1,
    attention_heads=16,
    feedforward_factor=4,
    dropout=0.0,
    final_norm=True,
    codebooks=4,
    codebook_size=2048,
    text_width=768,
)
MUSICGEN_NAME = "MusicGen-small"
MUSICGEN_PARAMETERS = 420_371_456
MUSICGEN_CLIPS = SMALL_TRAINING.steps * SMALL_TRAINING.batch
SECONDS = 30.0


def run(spec: dict[str, Any] | None, out: Path | None) -> str:
    """Count, and write claims.json to `out`; returns the table that `ssmttm claims` prints."""
    found = claims(spec)
    if out is not None:
        write_json(out, found)
    return claims_text(found)


def claims(spec: dict[str, Any] | None = None) -> dict[str, Any]:
    """The content of claims.json.

    `spec` may replace any of `DEFAULTS`. Keys: spec, claims, reference (MusicGen-small, with
    `built`: how its parameters as a configuration of this project's model differ from the
    published count), designs, rows (`ssmttm.accounting.claims.rows`) and ranges. Raises UserError
    for an unknown key, design, size or budget.
    """
    settings = {**DEFAULTS, **(spec or {})}
    if unknown := sorted(set(settings) - set(DEFAULTS)):
        raise UserError(f"claims: no setting {', '.join(unknown)}; there are {', '.join(DEFAULTS)}")
    complain(_SPEC, settings, "claims: --spec", f"without --spec it is {canonical_json(DEFAULTS)}")
    config, size = describe.choose_size(settings["size"], settings["preset"], [ROOT / "config.yaml"])
    if settings["budget"] not in config["budgets"]:
        raise UserError(f"claims: no budget {settings['budget']!r}; there are {', '.join(config['budgets'])}")
    if "gpu_hours" in config["budgets"][settings["budget"]]:
        raise UserError(f"claims: budget {settings['budget']} is in hours: its steps are not known before a training")
    reference, theirs = _musicgen(config["data"]["text"]["max_tokens"])
    designs, table = [], []
    for variant in settings["variants"]:
        facts, ours = _design(config, variant, size, settings["budget"], settings["hours"])
        designs.append(facts)
        table += rows(ours, theirs)
    return {
        "spec": settings,
        "claims": CLAIMS,
        "reference": reference,
        "designs": designs,
        "rows": table,
        "ranges": ranges(table),
    }


def paper_costs(preset: str = "paper", size: str = "base") -> dict[str, dict[str, Any]]:
    """parameters, flops_per_step and tokens_per_step of each of `DEFAULTS`' designs, for `paper_progress`."""
    config, size = describe.choose_size(size, preset, [ROOT / "config.yaml"])
    found = {}
    for variant in DEFAULTS["variants"]:
        facts = describe.facts(config, variant, size)
        kept = {"parameters": facts["parameters"], "flops_per_step": facts["training_flops"]}
        found[variant] = {**kept, "tokens_per_step": facts["tokens_per_step"]}
    return found


def _design(config: dict[str, Any], variant: str, size: str, budget: str, hours: float) -> tuple[dict, Counted]:
    spec, model = describe.build(config, variant, size)
    data, batch = spec["data"], spec["training"]["batch_size"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    tokens = data["text"]["max_tokens"]
    plan = plan_budget(config["budgets"][budget], model, batch, frames, tokens)
    parameters = describe.parameters(model)["parameters"]
    ours = count(variant, model, parameters, plan.steps * batch, hours, data["seconds"], frames, tokens)
    facts = {"design": variant, "size": size, "layers": model.config.layers, "parameters": parameters}
    facts |= {"optimizer_steps": plan.steps, "batch": batch, "clips": plan.steps * batch, "seconds": data["seconds"]}
    return facts | {"frames": frames, "text_tokens": tokens, "flops": plan.flops_spent}, ours


def _musicgen(tokens: int) -> tuple[dict[str, Any], Counted]:
    with torch.device("meta"):
        model = MusicLM(MUSICGEN)
    theirs = count(
        *(
            MUSICGEN_NAME,
            model,
            MUSICGEN_PARAMETERS,
            MUSICGEN_CLIPS,
            SMALL_TRAINING.hours,
            SECONDS,
            SMALL_TRAINING.frames,
        ),
        tokens,
    )
    facts = {"name": MUSICGEN_NAME, "parameters": MUSICGEN_PARAMETERS, "clips": MUSICGEN_CLIPS}
    facts |= {"hours": SMALL_TRAINING.hours, "frames": SMALL_TRAINING.frames, "text_tokens": tokens}
    facts["flops"] = TRAINING_FACTOR * MUSICGEN_CLIPS * model.flops(SMALL_TRAINING.frames, tokens).total
    return {**facts, "built": parameter_difference(model)}, theirs


def parameter_difference(model: MusicLM) -> dict[str, Any]:
    """How the parameters of `model`, built as MusicGen-small, differ from the published count, and by which parts."""
    groups = model.parameters_by_group()
    width, layers, codebooks = model.config.d_model, model.config.layers, model.config.codebooks
    biases = sum(
        p.numel() for name, p in model.named_parameters() if name.startswith("blocks.") and name.endswith(".bias")
    )
    layer_norms = (3 * layers + 1) * 2 * width
    by_part = {
        "biases of attention and feed-forward, which MusicGen leaves out": biases,
        "norms: ours have no bias": groups["norms"] - layer_norms,
        "norm of the caption": sum(p.numel() for p in model.text_norm.parameters()),
        "null condition": groups["null_condition"],
        "heads' row of the special code": codebooks * width,
    }
    parameters = sum(groups.values())
    difference = parameters - MUSICGEN_PARAMETERS
    published = {"parameters": parameters, "published": MUSICGEN_PARAMETERS, "difference": difference}
    return {**published, "by_part": by_part}


def count(
    name: str, model: MusicLM, parameters: int, clips: int, hours: float, seconds: float, frames: int, tokens: int
) -> Counted:
    """`Counted` of a model that is trained on `clips` clips of `frames` frames and `tokens` caption tokens."""
    steps = steps_for(frames, model.config.codebooks)
    cross = model.config.conditioning == "cross"
    positions = (steps, steps if cross else steps + tokens)
    costs = [model.flops(frames, n) for n in (0, tokens)]
    once = tuple(cost.weights + cost.head for cost in costs)
    own = [sum(block.mixer.flops(length).attention for block in model.blocks) for length in positions]
    return Counted(
        name=name,
        parameters=parameters,
        clips=clips,
        hours=hours,
        seconds=seconds,
        steps=steps,
        codes=frames * model.config.codebooks,
        positions=positions,
        once=once,
        each=_each(model, frames, steps, tokens) if cross else once,
        scores={
            "none": (0.0, 0.0),
            "causal": tuple(cost.attention - part / 2 for cost, part in zip(costs, own, strict=True)),
            "full": tuple(cost.attention for cost in costs),
        },
        scans={
            "none": (0.0, 0.0),
            "chunked": tuple(cost.scan_matmul + cost.scan_elementwise for cost in costs),
            "recurrent": tuple(recurrent_scan(model, length) for length in positions),
        },
    )


def _each(model: MusicLM, frames: int, steps: int, tokens: int) -> tuple[float, float]:
    """Products with weights if keys and values of the caption were made once for every audio step."""
    cost = model.flops(frames, steps)
    projection = 2 * model.text_projection.weight.numel()
    without = cost.weights + cost.head - steps * projection
    return without, without + tokens * projection


def recurrent_scan(model: MusicLM, length: int) -> float:
    """FLOPs of the scans over `length` steps if each step were taken alone: three multiply-adds per element of state.

    They are the decay, the input and the readout; convolution and skip are added.
    """
    mixers = [b.mixer for i, b in enumerate(model.blocks, 1) if model.config.mixer_of(i) != "attention"]
    return float(sum(length * (6 * m.inner * m.size + 2 * m.conv_weight.numel() + 2 * m.inner) for m in mixers))
