"""From config and run table to specs: plain values that hold everything one stage, or one run, depends on.

The canonical JSON of a spec stands in the `params` of the stage's rule, so that a changed setting reruns exactly the
jobs that depend on it. Imports no torch.
"""

import copy
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from ssmttm import choices
from ssmttm.config import ROOT, complain, lookup, merge, validate_config, validator
from ssmttm.errors import UserError
from ssmttm.settings import CodecSettings, Config, ModelSettings, Run, RunSpec, StageSpec, TrainingSettings, VariantSpec

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
    "baseline": "generation.seed",
    "external": "evaluation.systems data.clips",
    "musicgen": "evaluation.musicgen generation.seed data.clips",
    "codec_quality": "evaluation.embedders evaluation.models evaluation.codec_clips generation.seed",
    "embed": "evaluation.models evaluation.training_clips generation.seed",
    "score": "evaluation.metrics evaluation.bootstrap evaluation.confidence evaluation.seed evaluation.training_clips",
    "claims": "",
    "compare": "title evaluation",
    "report": "title report data generation evaluation",
}
"""What each stage takes from the config: dotted paths, known by their last part or by the name before `=`."""

RESERVED = frozenset(
    f"{' '.join(STAGES)} embed_training statistics all train generate release data common evaluate page".split()
)
"""Names of rules, which runs and studies can't have."""


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


def apply_overrides(config: Mapping[str, Any], overrides: str, where: str) -> Config:
    """Apply `a.b=1; c.d=x` to a copy of `config`; every path must exist.

    Values are YAML. Raises UserError naming the row and the path.
    """
    changed = copy.deepcopy(config)
    for item in filter(None, (part.strip() for part in overrides.split(";"))):
        path, equals, text = (part.strip() for part in item.partition("="))
        if not equals or not text:
            raise UserError(f"{where}: override {item!r} is not of the form path.to.key=value")
        if path.split(".")[0] not in ("model", "training"):
            raise UserError(f"{where}: override {path!r}: only model.* and training.* can be overridden per run")
        try:
            lookup(changed, path)
        except KeyError as error:
            raise UserError(f"{where}: override {path!r}: the config has no {error.args[0]!r} there") from None
        parent, _, leaf = path.rpartition(".")
        lookup(changed, parent)[leaf] = yaml.safe_load(text)
    return validate_config(changed, where)


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
    model, data = final["model"], final["data"]
    model["layers"] = layers[row["variant"]]
    if not (ROOT / "ssmttm" / "models" / "mixers" / f"{variant['mixer']}.py").is_file():
        raise UserError(f"{where}: variant's mixer {variant['mixer']!r} is no file of ssmttm/models/mixers")
    _check_shape(model, data["codec"], where)
    _check_batches(final["training"], where)
    at = f"{where}: variants.{row['variant']}.attention_layers"
    variant["name"] = row["variant"]
    variant["attention_layers"] = _layer_numbers(variant.get("attention_layers", []), model["layers"], at)
    return {
        "variant": variant,
        "model": model,
        "budget": final["budgets"][row["budget"]],
        "training": final["training"],
        "data": {
            "version": data["version"],
            "seconds": data["clips"]["seconds"],
            "sample_rate": data["clips"]["sample_rate"],
            "codec": data["codec"],
            "text": data["text"],
        },
        "seed": row["seed"],
    }


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


def read_runs(config: Config, root: Path | str = ".") -> dict[str, Run]:
    """The run table, row by row validated, by the runs' names."""
    path = Path(root) / config["runs"]
    if not path.is_file():
        path = ROOT / config["runs"]
    try:
        with open(path, newline="", encoding="utf-8") as f:
            _check_tabs(f.readlines(), config["runs"])
            f.seek(0)
            reader = csv.DictReader(f, delimiter="\t", restkey="too many cells", restval="")
            rows: list[dict[str, Any]] = list(reader)
    except FileNotFoundError:
        raise UserError(f"{config['runs']}: no such run table; `runs` in the config names it") from None
    runs: dict[str, Run] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{config['runs']}, line {number}"
        try:
            row["seed"] = int(row.get("seed") or "")
        except ValueError:
            raise UserError(f"{where}: seed {row.get('seed')!r} is not a whole number") from None
        complain(validator("runs.schema.yaml"), row, where)
        name = row.pop("run")
        if name in runs:
            raise UserError(f"{where}: run {name!r} is in the table twice; names must differ")
        if name in RESERVED:
            raise UserError(f"{where}: {name!r} is the name of a rule of the workflow; choose another")
        if name in choices.systems_of(config):
            raise UserError(f"{where}: {name!r} is the name of another system that is scored; choose another")
        runs[name] = cast(Run, {**row, "spec": run_spec(config, row, where)})
    if not runs:
        raise UserError(f"{config['runs']}: the run table has no rows")
    for study in {r["study"] for r in runs.values()}:
        if study in runs or study in RESERVED:
            raise UserError(f"{config['runs']}: study {study!r} has the name of a run or of a rule; choose another")
    return runs


def _check_tabs(lines: Sequence[str], name: str) -> None:
    """Refuse lines whose cells are separated by spaces: such a line is one cell, and its message would mislead."""
    for number, line in enumerate(lines, 1):
        if "\t" not in line and len(line.split()) > 1:
            raise UserError(f"{name}, line {number}: its cells are separated by spaces; separate them by tabs")


def runs_of(runs: Mapping[str, Run], study: str) -> list[str]:
    """The names of one study's runs, in the order of the run table."""
    return [name for name, row in runs.items() if row["study"] == study]


def differences(a: object, b: object, prefix: str = "") -> list[str]:
    """Dotted names, sorted, of the settings in which two specs differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = sorted({*a, *b})
        return [d for k in keys for d in differences(a.get(k), b.get(k), f"{prefix}.{k}" if prefix else k)]
    return [] if a == b else [prefix]
