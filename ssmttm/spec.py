"""From config and run table to complete plain specs and their canonical JSON. Imports no torch.

A *spec* is a plain dictionary that holds everything one stage depends on. Its canonical JSON
stands in the `params` of the stage's rule, so that a changed setting reruns exactly the jobs
that depend on it.
"""

import copy
import csv
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ssmttm import choices
from ssmttm.errors import UserError
from ssmttm.files import read_json

Config = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "workflow" / "schemas"
PRESETS = ROOT / "workflow" / "presets"

PARAGRAPH_TOKENS = 80
"""What the longest paragraph of `ssmttm.captions.paragraph` takes, with some room."""

_KEYS = "the keys and their meaning are in workflow/schemas/"

_STAGE_SECTIONS: dict[str, tuple[str, ...]] = {
    "index": ("data.sources", "data.clips", "data.fetch"),
    "license": ("data.license", "data.vocals"),
    "audio": ("data.sources", "data.fetch", "data.clips", "data.license"),
    "clips": ("data.clips", "data.vocals"),
    "duplicates": ("data.duplicates",),
    "splits": ("data.split",),
    "captions": ("data.captions", "data.seed"),
    "codec": ("data.codec", "data.clips", "data.seed"),
    "tokens": ("data.codec",),
    "text": ("data.text",),
    "reference_clips": (
        "generation.prompts",
        "generation.seed",
        "set=evaluation.prompts",
        "data.clips",
        "data.duplicates",
        "data.fetch",
        "data.sources",
    ),
    "prompts": ("generation.prompts", "generation.seed", "set=evaluation.prompts", "data.text"),
    "baseline": ("generation.seed",),
    "external": ("evaluation.systems", "data.clips"),
    "musicgen": ("evaluation.musicgen", "generation.seed", "data.clips"),
    "embed": ("evaluation.models", "evaluation.training_clips", "generation.seed"),
    "score": (
        "evaluation.metrics",
        "evaluation.bootstrap",
        "evaluation.confidence",
        "evaluation.seed",
        "evaluation.training_clips",
    ),
    "claims": (),
    "compare": ("title", "evaluation"),
    "report": ("title", "report", "data", "generation", "evaluation"),
}


def canonical_json(value: Any) -> str:
    """The one JSON text of a plain value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def merge(base: Config, overlay: Mapping[str, Any]) -> Config:
    """A deep copy of `base` with `overlay`'s leaves put over it; lists are replaced whole."""
    merged = copy.deepcopy(base)
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def load_config(path: Path | str = "config.yaml", *overlays: Path | str) -> Config:
    """Read, overlay and validate a config; raises UserError with file, key and remedy."""
    config: Config = {}
    for name in (path, *overlays):
        try:
            with open(name, encoding="utf-8") as f:
                loaded = yaml.safe_load(f)
        except FileNotFoundError:
            raise UserError(f"{name}: no such config file; run from the project's root or name one") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{name}: not readable as YAML: {error}") from error
        if not isinstance(loaded, dict):
            raise UserError(f"{name}: expected a table of settings, found {type(loaded).__name__}")
        config = merge(config, loaded)
    return validate_config(config, " + ".join(str(n) for n in (path, *overlays)))


def generation_settings() -> Config:
    """How to sample, where --spec doesn't say it: as ./config.yaml does or, outside of a project, the default study's.

    What a run was trained with, and on what, stands in its own files.
    """
    here = Path("config.yaml")
    settings: Config = load_config(here if here.is_file() else ROOT / "config.yaml")["generation"]
    return settings


@cache
def _validator(schema: str) -> Draft202012Validator:
    with open(SCHEMAS / schema, encoding="utf-8") as f:
        return Draft202012Validator(yaml.safe_load(f))


def complain(validator: Draft202012Validator, value: Any, where: str, remedy: str = _KEYS) -> None:
    """Raise UserError with every fault that `validator` finds in `value`, which came from `where`."""
    errors = sorted(validator.iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))
    if not errors:
        return
    lines = []
    for error in errors:
        while error.context:
            error = error.context[0]
        key = ".".join(str(p) for p in error.absolute_path) or "top level"
        lines.append(f"{where}: {key}: {error.message}{_number_hint(error.instance)}")
    lines.append(remedy)
    raise UserError("\n".join(lines))


def _number_hint(value: Any) -> str:
    """YAML 1.1 reads 6.0e12 as text: say how to write it."""
    try:
        number = float(value) if isinstance(value, str) and "e" in value.lower() else math.nan
    except ValueError:
        return ""
    return f" (YAML needs a sign in the exponent: {number:.6e})" if math.isfinite(number) else ""


def validate_config(config: Mapping[str, Any], where: str = "config") -> Config:
    """Check a merged config against its schema and return it as a plain dictionary."""
    plain: Config = json.loads(json.dumps(config))
    complain(_validator("config.schema.yaml"), plain, where)
    data = plain["data"]
    data["sources"] = {name: settings for name, settings in data["sources"].items() if settings is not None}
    if not data["sources"]:
        raise UserError(f"{where}: data.sources names no source; there are debian, jamendo, ytdlp and local")
    style, tokens = data["captions"]["style"], data["text"]["max_tokens"]
    if style in ("paragraph", "mixed") and tokens < PARAGRAPH_TOKENS:
        raise UserError(
            f"{where}: data.text.max_tokens {tokens} would cut captions off: "
            f"data.captions.style {style} needs {PARAGRAPH_TOKENS} or more"
        )
    systems = plain["evaluation"]["systems"]
    plain["evaluation"]["systems"] = {name: system for name, system in systems.items() if system is not None}
    split = data["split"]
    if split["validation"] + split["test"] >= 1:
        raise UserError(f"{where}: data.split: validation + test must leave a share for train")
    choices.check(plain, where)
    return plain


def data_dir(config: Config) -> str:
    """The folder of the data set, relative to the working folder."""
    return f"results/data/{config['data']['version']}"


def lookup(config: Config, dotted: str) -> Any:
    """The value at a dotted path; raises KeyError naming the first missing part."""
    value: Any = config
    for part in dotted.split("."):
        if not isinstance(value, dict) or part not in value:
            raise KeyError(part)
        value = value[part]
    return value


def sections_of(stage: str) -> dict[str, str]:
    """Where in the config each key of a stage's spec comes from; KeyError for an unknown stage."""
    pairs = (section.rpartition("=") for section in _STAGE_SECTIONS[stage])
    return {name or path.rsplit(".", 1)[-1]: path for name, _, path in pairs}


def stages() -> list[str]:
    """The names of the stages that take a spec from the config."""
    return list(_STAGE_SECTIONS)


def stage_spec(config: Config, stage: str) -> dict[str, Any]:
    """Everything that stage `stage` takes from the config, by last part of its key or by the name before "="."""
    return {name: copy.deepcopy(lookup(config, path)) for name, path in sections_of(stage).items()}


def subschema(path: str) -> dict[str, Any]:
    """The schema of what stands at a dotted path of the config."""
    whole = found = _validator("config.schema.yaml").schema
    for part in path.split("."):
        found = found["properties"][part]
    return {**found, "$defs": whole["$defs"]}


def presets() -> list[str]:
    """The names of the presets: folders of workflow/presets."""
    return sorted(path.parent.name for path in PRESETS.glob("*/config.yaml"))


def load_preset(files: Sequence[Path | str], preset: str | None) -> Config:
    """The config of `files`, overlaid by the preset's if one is named; UserError if there is none of that name."""
    if preset is not None and preset not in presets():
        raise UserError(f"--preset {preset}: no such preset; there are {', '.join(presets())}")
    return load_config(*files, *([PRESETS / preset / "config.yaml"] if preset else []))


def external_spec(config: Config, name: str) -> dict[str, Any]:
    """What stage `external` takes from the config for system `name` alone; UserError for an unknown one."""
    settings = stage_spec(config, "external")
    known = settings.pop("systems")
    if name not in known:
        raise UserError(f"evaluation.systems has no {name!r}; it has {', '.join(known) or 'none'}")
    return {"system": known[name], **settings}


def apply_overrides(config: Config, overrides: str, where: str) -> Config:
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


def run_spec(config: Config, row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The complete spec of one training run.

    Keys: `variant` (name, mixer, feedforward, conditioning, attention_layers as a list of layer
    numbers), `model` (with `layers`), `budget`, `training`, `data` (version, codec, text, clip
    length and rate) and `seed`. Settings of the model are the config's, overridden by the size's,
    the variant's and the row's.
    """
    for table, key in (("variants", "variant"), ("sizes", "size"), ("budgets", "budget")):
        if row[key] not in config[table]:
            known = ", ".join(sorted(config[table]))
            raise UserError(f"{where}: {key} {row[key]!r} is not among the config's {table}: {known}")
    size = dict(config["sizes"][row["size"]])
    layers = size.pop("layers")
    if row["variant"] not in layers:
        raise UserError(f"{where}: sizes.{row['size']}.layers has no entry for {row['variant']!r}")
    variant = copy.deepcopy(config["variants"][row["variant"]])
    sized = merge(merge(config, {"model": size}), {"model": variant.pop("model", {})})
    final = apply_overrides(sized, row.get("overrides") or "", where)
    model = {**final["model"], "layers": layers[row["variant"]]}
    data = final["data"]
    _check_shape(model, variant, where)
    _check_codebooks(model, data["codec"], where)
    _check_batches(final["training"], where)
    at = f"{where}: variants.{row['variant']}.attention_layers"
    variant["attention_layers"] = _layer_numbers(variant.get("attention_layers", []), model["layers"], at)
    return {
        "variant": {"name": row["variant"], **variant},
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


def _check_shape(model: Config, variant: Config, where: str) -> None:
    inner = model["expand"] * model["d_model"]
    if inner % model["head_dim"]:
        raise UserError(f"{where}: model.head_dim {model['head_dim']} does not divide expand * d_model = {inner}")
    if model["d_model"] % model["attention_heads"] or model["d_model"] % 2:
        raise UserError(f"{where}: model.d_model {model['d_model']} must be even and a multiple of attention_heads")
    if not (ROOT / "ssmttm" / "models" / "mixers" / f"{variant['mixer']}.py").is_file():
        raise UserError(f"{where}: variant's mixer {variant['mixer']!r} is no file of ssmttm/models/mixers")


def _check_codebooks(model: Config, codec: Config, where: str) -> None:
    if model["codebooks"] > codec["codebooks"]:
        raise UserError(
            f"{where}: model.codebooks {model['codebooks']} is more codebooks than the codec has: "
            f"data.codec.codebooks is {codec['codebooks']}; lower it, or encode more in a new data.version"
        )


def _check_batches(training: Config, where: str) -> None:
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


def mixers_of(variant: Mapping[str, Any]) -> list[str]:
    """The mixers, sorted, that a variant of a run's spec is built of: files of `ssmttm.models.mixers`."""
    return sorted({variant["mixer"], *(["attention"] if variant["attention_layers"] else [])})


def read_runs(config: Config, root: Path | str = ".") -> dict[str, dict[str, Any]]:
    """The run table, row by row validated: {run: {study, variant, size, budget, seed, overrides, spec}}."""
    path = Path(root) / config["runs"]
    if not path.is_file():
        path = ROOT / config["runs"]
    try:
        with open(path, newline="", encoding="utf-8") as f:
            _check_tabs(f.readlines(), config["runs"])
            f.seek(0)
            reader = csv.DictReader(f, delimiter="\t", restkey="too many cells", restval="")
            rows = list(reader)
    except FileNotFoundError:
        raise UserError(f"{config['runs']}: no such run table; `runs` in the config names it") from None
    runs: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{config['runs']}, line {number}"
        try:
            row["seed"] = int(row.get("seed") or "")
        except ValueError:
            raise UserError(f"{where}: seed {row.get('seed')!r} is not a whole number") from None
        complain(_validator("runs.schema.yaml"), row, where)
        name = row.pop("run")
        if name in runs:
            raise UserError(f"{where}: run {name!r} stands in the table twice; names must differ")
        if name in RESERVED:
            raise UserError(f"{where}: {name!r} is the name of a rule of the workflow; choose another")
        if name in choices.systems_of(config):
            raise UserError(f"{where}: {name!r} is the name of another system that is scored; choose another")
        runs[name] = {**row, "spec": run_spec(config, row, where)}
    if not runs:
        raise UserError(f"{config['runs']}: the run table has no rows")
    for study in {r["study"] for r in runs.values()}:
        if study in runs or study in RESERVED:
            raise UserError(f"{config['runs']}: study {study!r} has the name of a run or of a rule; choose another")
    return runs


def _check_tabs(lines: Sequence[str], name: str) -> None:
    """Refuse lines whose cells are kept apart by spaces: they would be one cell, and its message beside the point."""
    for number, line in enumerate(lines, 1):
        if "\t" not in line and len(line.split()) > 1:
            raise UserError(f"{name}, line {number}: its cells are separated by spaces; separate them by tabs")


def runs_of(runs: Mapping[str, Mapping[str, Any]], study: str) -> list[str]:
    """The names of one study's runs, in the order of the run table."""
    return [name for name, row in runs.items() if row["study"] == study]


def shown_study(config: Config, runs: Mapping[str, Mapping[str, Any]]) -> str:
    """The study that results/report.html is of: the config's `study`, or else the first of the run table."""
    studies = list(dict.fromkeys(row["study"] for row in runs.values()))
    if config.get("study") not in (None, *studies):
        raise UserError(f"study: {config['study']!r} is not in {config['runs']}, which has {', '.join(studies)}")
    return str(config.get("study") or studies[0])


def one_of(names: Iterable[Any]) -> str:
    """The regular expression that matches exactly these names: a wildcard's constraint."""
    return "|".join(re.escape(str(name)) for name in names) or NOTHING


NOTHING = "(?!)"
"""The regular expression that matches nothing."""


RESERVED = frozenset(
    [
        *_STAGE_SECTIONS,
        "embed_training",
        "statistics",
        "all",
        "train",
        "generate",
        "release",
        "data",
        "common",
        "evaluate",
        "page",
    ]
)
"""Rule names, which runs and studies can't take."""


def check_release(config: Config, folder: Path | str) -> bool:
    """Whether `folder` holds a released data set, which has a dataset.json.

    It is then used as it is, never silently rebuilt. Raises UserError if its settings are not those of
    `config`, with the keys that differ, or if one of its files is missing.
    """
    path = Path(folder) / "dataset.json"
    if not path.is_file():
        return False
    released = read_json(path)
    differing = sorted(_differences(released.get("settings"), config["data"]))
    if differing:
        raise UserError(
            f"{path}: was built with other settings: {', '.join(differing)}\n"
            f"set a new data.version in the config, or delete {folder}"
        )
    missing = [name for name in released.get("sha256", {}) if not (Path(folder) / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more of its files" if len(missing) > 1 else ""
        raise UserError(
            f"{Path(folder) / missing[0]}{more}: missing from the released data set\n"
            f"copy it there again, or delete {path} to have what is missing made anew"
        )
    return True


def _differences(a: Any, b: Any, prefix: str = "data") -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        found = []
        for key in {*a, *b}:
            found += _differences(a.get(key), b.get(key), f"{prefix}.{key}")
        return found
    if isinstance(a, float) and isinstance(b, float) and math.isclose(a, b):
        return []
    return [] if a == b else [prefix]


def parse_spec(text: str) -> dict[str, Any]:
    """A spec given on the command line: JSON, or the path of a file that holds it."""
    source = text
    if not text.lstrip().startswith("{"):
        try:
            source = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"--spec {text}: neither JSON nor a readable file: {why}") from error
    try:
        value = json.loads(source, parse_constant=_no_number)
    except ValueError as error:
        raise UserError(f"--spec: not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError("--spec: expected a JSON object")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number there")
