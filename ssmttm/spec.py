"""From config and rows of the run table to specs: plain values that hold everything one stage, or one run, depends on.

The canonical JSON of a spec stands in the `params` of the stage's rule, so that a changed setting reruns exactly the
jobs that depend on it. Imports no torch.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml

from ssmttm import plugins
from ssmttm.config import lookup, merge, validate_config
from ssmttm.errors import UserError
from ssmttm.settings import (
    BaselinesSpec,
    CodecSettings,
    CodeModelsSpec,
    Config,
    EvaluateSpec,
    GenerationSettings,
    JudgingSpec,
    ModelSettings,
    RefinerSettings,
    RefinerSpec,
    RunData,
    RunSpec,
    StageSpec,
    TrainingSettings,
    VariantSpec,
    VocoderSpec,
)

STAGES = {
    "index": "data.sources data.clips data.fetch",
    "license": "data.license data.vocals",
    "audio": "data.sources data.fetch data.clips data.license",
    "clips": "data.clips data.vocals",
    "duplicates": "data.duplicates",
    "splits": "data.split",
    "captions": "data.captions data.seed",
    "codec": "data.codec data.clips data.seed",
    "tokens": "data.codec",
    "text": "data.text",
    "reference_clips": "generation.prompts generation.seed set=evaluation.prompts data.clips data.duplicates"
    " data.fetch data.sources",
    "prompts": "generation.prompts generation.seed set=evaluation.prompts data.text",
    "baseline": "generation.seed generation.vocoder data.text",
    "trivial": "generation data.clips data.codec data.text model",
    "external": "evaluation.systems data.clips",
    "musicgen": "evaluation.musicgen generation.seed data.clips",
    "codec_quality": "evaluation.embedders evaluation.models evaluation.codec_clips generation.seed generation.vocoder",
    "embed": "evaluation.models evaluation.training_clips generation.seed",
    "likelihood": "evaluation.seed data.codec data.text",
    "score": "evaluation.metrics evaluation.bootstrap evaluation.confidence evaluation.seed evaluation.training_clips",
    "packages": "evaluation.embedders evaluation.models generation.seed",
    "claims": "",
    "compare": "title evaluation",
    "report": "title report data generation evaluation",
}
"""What each stage takes from the config: dotted paths, known by their last part or by the name before `=`."""

RESERVED = frozenset(
    f"{' '.join(STAGES)} vocoder vocoder_splits vocoder_codec embed_training statistics all train borrow refiner attach"
    " catalog release data common evaluate baselines code_models environment page tune tune_trial rates".split()
)
"""Names of rules, which runs, studies and refiners can't have."""

OVERRIDABLE = ("model", "training", "generation")
"""Sections that a row of the run table may override."""

_SILENT = frozenset(
    f"training.{name}"
    for name in (
        "micro_batch", "validations", "validation_clips", "state_every", "checkpoints", "activation_checkpointing",
        "compile", "processes", "threads",
    )
) | {"generation.sampler", "generation.sampler_steps"}  # fmt: skip
"""Overrides that change no model, and those that the name of a design of two stages says already."""

SHARED = ("generation.prompts",)
"""What is not a run's own: every system answers the same captions."""

LOGGER = "logger"
"""The key of `training` that no spec has: where a curve is watched changes nothing that is trained."""


def canonical_json(value: Any) -> str:
    """The one JSON text of a plain value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def sections_of(stage: str) -> dict[str, str]:
    """Where in the config each key of a stage's spec comes from; KeyError for an unknown stage."""
    pairs = (section.rpartition("=") for section in STAGES[stage].split())
    return {name or path.rsplit(".", 1)[-1]: path for name, _, path in pairs}


def stage_spec(config: Config, stage: str) -> StageSpec:
    """Everything that stage `stage` takes from the config."""
    return cast(StageSpec, {name: copy.deepcopy(lookup(config, path)) for name, path in sections_of(stage).items()})


def external_spec(config: Config, name: str) -> StageSpec:
    """What stage `external` takes from the config for system `name` alone; UserError for an unknown one."""
    systems = config["evaluation"]["systems"]
    if name not in systems:
        raise UserError(f"evaluation.systems has no {name!r}; it has {', '.join(systems) or 'none'}")
    return cast(StageSpec, copy.deepcopy({"system": systems[name], "clips": config["data"]["clips"]}))


def judging_spec(config: Config) -> JudgingSpec:
    """How the config has audio embedded and scored."""
    embedders = list(config["evaluation"]["embedders"])
    return {"embedders": embedders, "embed": stage_spec(config, "embed"), "score": stage_spec(config, "score")}


def evaluate_spec(config: Config, generation: GenerationSettings) -> EvaluateSpec:
    """What stage `evaluate` takes for a run that generates by `generation`."""
    likelihood = stage_spec(config, "likelihood")
    return {**judging_spec(config), "generation": copy.deepcopy(generation), "likelihood": likelihood}


def baselines_spec(config: Config) -> BaselinesSpec:
    """What stage `baselines` takes from the config."""
    return {**judging_spec(config), "baseline": stage_spec(config, "baseline")}


def code_models_spec(config: Config) -> CodeModelsSpec:
    """What stage `code_models` takes from the config."""
    own = {name: stage_spec(config, name) for name in ("trivial", "likelihood")}
    return cast(CodeModelsSpec, {**judging_spec(config), **own})


def overridden(overrides: str, where: str) -> Iterator[tuple[str, str]]:
    """Path and text of each override in `a.b=1; c.d=x`; UserError naming the row and the override."""
    for item in filter(None, (part.strip() for part in overrides.split(";"))):
        path, equals, text = (part.strip() for part in item.partition("="))
        if not equals or not text:
            raise UserError(f"{where}: override {item!r} is not of the form path.to.key=value")
        if path.split(".")[0] not in OVERRIDABLE:
            raise UserError(
                f"{where}: override {path!r}: only model.*, training.* and generation.* can be overridden per run"
            )
        if path in SHARED:
            raise UserError(f"{where}: override {path!r}: all runs answer the same captions; change it in the config")
        if path == f"training.{LOGGER}":
            raise UserError(f"{where}: override {path!r}: a study's runs are logged together; set it in the config")
        yield path, text


def design_changes(overrides: str, where: str) -> str:
    """Those of a row's overrides that make its design another one beside rows of the same cells, sorted."""
    return "; ".join(sorted(f"{path}={text}" for path, text in overridden(overrides, where) if path not in _SILENT))


def apply_overrides(config: Mapping[str, Any], overrides: str, where: str) -> Config:
    """Apply `a.b=1; c.d=x` to a copy of `config`; every path must exist.

    Values are YAML. Raises UserError naming the row and the path.
    """
    changed = copy.deepcopy(config)
    for path, text in overridden(overrides, where):
        try:
            lookup(changed, path)
        except KeyError as error:
            raise UserError(f"{where}: override {path!r}: the config has no {error.args[0]!r} there") from None
        parent, _, leaf = path.rpartition(".")
        lookup(changed, parent)[leaf] = yaml.safe_load(text)
    return validate_config(changed, where)


def generation_of(config: Config, overrides: str, where: str) -> GenerationSettings:
    """How a run generates: the config's `generation`, with the row's overrides."""
    own = "; ".join(f"{path}={text}" for path, text in overridden(overrides, where) if path.startswith("generation."))
    return apply_overrides(config, own, where)["generation"] if own else copy.deepcopy(config["generation"])


def run_spec(config: Config, row: Mapping[str, Any], where: str) -> RunSpec:
    """The complete spec of one training run.

    Settings of the model are the config's, overridden by the size's, the variant's and the row's.
    """
    for table, key in (("variants", "variant"), ("sizes", "size"), ("budgets", "budget")):
        if row[key] not in lookup(config, table):
            known = ", ".join(sorted(lookup(config, table)))
            raise UserError(f"{where}: {key} {row[key]!r} is not among the config's {table}: {known}")
    size = dict(config["sizes"][row["size"]])
    layers = size.pop("layers")
    if row["variant"] not in layers:
        raise UserError(f"{where}: sizes.{row['size']}.layers has no entry for {row['variant']!r}")
    variant: Any = copy.deepcopy(config["variants"][row["variant"]])
    sized = merge(merge(config, {"model": size}), {"model": variant.pop("model", {})})
    final = apply_overrides(sized, row.get("overrides") or "", where)
    model = final["model"]
    model["layers"] = layers[row["variant"]]
    if not plugins.exists("mixers", variant["mixer"]):
        known = ", ".join(plugins.known("mixers"))
        raise UserError(f"{where}: variants.{row['variant']}: no mixer {variant['mixer']!r}; there are {known}")
    _check_shape(model, config["data"]["codec"], where)
    _check_batches(final["training"], where)
    at = f"{where}: variants.{row['variant']}.attention_layers"
    variant["name"] = row["variant"]
    variant["attention_layers"] = _layer_numbers(variant.get("attention_layers", []), model["layers"], at)
    return {
        "variant": variant,
        "model": model,
        "budget": final["budgets"][row["budget"]],
        "training": _trained_by(final["training"]),
        "data": _run_data(config),
        "seed": row["seed"],
    }


def refiner_spec(config: Config, name: str, where: str = "config") -> RefinerSpec:
    """The complete spec of the refiner `name`: the config's `refiner`, overridden by its entry of `refiners`.

    Raises UserError, which starts with `where`, for an unknown one and for settings that don't go together.
    """
    if name not in config["refiners"]:
        known = ", ".join(config["refiners"]) or "none"
        raise UserError(f"{where}: refiner {name!r} is not among the config's refiners: {known}")
    entry = copy.deepcopy(dict(config["refiners"][name]))
    budget, seed, at = entry.pop("budget"), entry.pop("seed"), f"{where}: refiners.{name}"
    if budget not in config["budgets"]:
        raise UserError(f"{at}: budget {budget!r} is not among the config's budgets: {', '.join(config['budgets'])}")
    settings: Any = merge(config["refiner"], entry)
    training = _trained_by(merge(config["training"], settings.pop("training")))
    _check_refiner(settings, config["data"]["codec"], at)
    _check_batches(training, at)
    return {
        "refiner": settings,
        "budget": copy.deepcopy(config["budgets"][budget]),
        "training": training,
        "data": _run_data(config),
        "seed": seed,
    }


def vocoder_spec(config: Config) -> VocoderSpec:
    """The complete spec of the vocoder that the config's section `vocoder` describes.

    Its training is the config's, overridden by the section's. Raises UserError for settings that don't go together.
    """
    section: Any = copy.deepcopy(config["vocoder"])
    training = _trained_by(merge(config["training"], section.pop("training")))
    split, budget, seed = (section.pop(key) for key in ("split", "budget", "seed"))
    codec, levels = config["data"]["codec"], section["levels"]
    if codec["name"] != "spectral":
        raise UserError(
            f"vocoder: data.codec.name is {codec['name']}, which makes audio itself; "
            "a vocoder is for the spectral codec"
        )
    if len(levels) > 1 + codec["codebooks"] or abs(sum(levels) - 1) > 1e-6:
        raise UserError(
            f"vocoder.levels {levels}: at most {1 + codec['codebooks']} shares that add up to 1: "
            f"of clean examples, and of codes of 1 to {codec['codebooks']} levels"
        )
    if section["judged"] > section["crop"]:
        raise UserError(f"vocoder.judged {section['judged']} is more than vocoder.crop {section['crop']}; lower it")
    _check_batches(training, "vocoder")
    return {
        "vocoder": section,
        "split": split,
        "budget": budget,
        "training": training,
        "data": {
            "version": config["data"]["version"],
            "sample_rate": config["data"]["clips"]["sample_rate"],
            "codec": codec,
        },
        "seed": seed,
    }


def _trained_by(training: Mapping[str, Any]) -> TrainingSettings:
    """What a spec holds of `training`."""
    return cast(TrainingSettings, {key: value for key, value in training.items() if key != LOGGER})


def logger_of(config: Config, *sections: Mapping[str, Any]) -> str | None:
    """Where the config has curves watched, those of runs or, by `sections` over it, of another model; None: unsaid."""
    training: Mapping[str, Any] = config["training"]
    for section in sections:
        training = merge(training, section.get("training", {}))
    return training.get(LOGGER)


def _run_data(config: Config) -> RunData:
    data = copy.deepcopy(config["data"])
    return {
        "version": data["version"],
        "seconds": data["clips"]["seconds"],
        "sample_rate": data["clips"]["sample_rate"],
        "codec": data["codec"],
        "text": data["text"],
    }


def _check_refiner(refiner: RefinerSettings, codec: CodecSettings, where: str) -> None:
    if refiner["levels"] > codec["codebooks"]:
        raise UserError(
            f"{where}: levels {refiner['levels']} is more than the codec has: data.codec.codebooks is "
            f"{codec['codebooks']}; lower it, or encode more in a new data.version"
        )
    inner = refiner["expand"] * refiner["d_model"]
    if refiner["backbone"] == "mamba2" and inner % refiner["head_dim"]:
        raise UserError(f"{where}: head_dim {refiner['head_dim']} does not divide expand * d_model = {inner}")
    if refiner["d_model"] % refiner["attention_heads"] or refiner["d_model"] % 2:
        raise UserError(f"{where}: d_model {refiner['d_model']} must be even and a multiple of attention_heads")
    if refiner["overlap"] >= refiner["window"]:
        raise UserError(f"{where}: overlap {refiner['overlap']} must be less than window {refiner['window']}")


def vocoder_stage_spec(config: Config, stage: str) -> Mapping[str, Any]:
    """What `splits`, `codec` or `vocoder` takes from the config for a vocoder, whose split is its own."""
    if stage == "splits":
        return {"split": copy.deepcopy(config["vocoder"]["split"])}
    return vocoder_spec(config) if stage == "vocoder" else stage_spec(config, stage)


def _check_shape(model: ModelSettings, codec: CodecSettings, where: str) -> None:
    inner = model["expand"] * model["d_model"]
    if inner % model["head_dim"]:
        raise UserError(f"{where}: model.head_dim {model['head_dim']} does not divide expand * d_model = {inner}")
    if model["d_model"] % model["attention_heads"] or model["d_model"] % 2:
        raise UserError(f"{where}: model.d_model {model['d_model']} must be even and a multiple of attention_heads")
    if model["codebooks"] > codec["codebooks"]:
        raise UserError(
            f"{where}: model.codebooks {model['codebooks']} is more codebooks than the codec has: "
            f"data.codec.codebooks is {codec['codebooks']}; lower it, or encode more in a new data.version"
        )


def _check_batches(training: TrainingSettings, where: str) -> None:
    """Every process takes whole micro-batches, as many as the others."""
    size, micro, processes = training["batch_size"], training["micro_batch"], training["processes"]
    if micro != "auto" and size % micro:
        raise UserError(
            f"{where}: training.micro_batch {micro} must divide training.batch_size {size}; "
            "lower it to a divisor, or write auto"
        )
    together = processes * (1 if micro == "auto" else micro)
    if size % together:
        what = "processes" if micro == "auto" else "processes * training.micro_batch"
        raise UserError(
            f"{where}: training.{what} = {together} must divide training.batch_size {size}; change one of them"
        )


def _layer_numbers(setting: int | list[int], layers: int, where: str) -> list[int]:
    """Layer numbers from 1: every n-th of `layers` for an integer n, or those that a list names."""
    numbers = list(range(setting, layers + 1, setting)) if isinstance(setting, int) else sorted(setting)
    if isinstance(setting, int) and not numbers:
        raise UserError(f"{where}: {setting} is more than the {layers} layers of this size: none would be attention")
    if numbers and numbers[-1] > layers:
        raise UserError(f"{where}: there is no layer {numbers[-1]} in this size; name layers from 1 to {layers}")
    return numbers


def mixers_of(variant: VariantSpec) -> list[str]:
    """The mixers, sorted, that a variant of a run's spec is built of: files of `ssmttm.models.mixers`."""
    return sorted({variant["mixer"], *(["attention"] if variant["attention_layers"] else [])})


def differences(a: object, b: object, prefix: str = "") -> list[str]:
    """Dotted names, sorted, of the settings in which two specs differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = sorted({*a, *b})
        return [d for k in keys for d in differences(a.get(k), b.get(k), f"{prefix}.{k}" if prefix else k)]
    return [] if a == b else [prefix]
