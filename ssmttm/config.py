"""A config: read, overlaid by presets and others, and checked against its schema. Imports no torch."""

import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from ssmttm import choices, plugins
from ssmttm.errors import UserError
from ssmttm.settings import Config, GenerationSettings

PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = (PACKAGE.parent / "workflow" / "schemas" / "config.schema.yaml").is_file()
ROOT = PACKAGE.parent if _CHECKOUT else PACKAGE / "project"
"""The project's own files, such as rules and the default config: of a checkout, or as the package brings them."""
SCHEMAS = ROOT / "workflow" / "schemas"
PRESETS = ROOT / "workflow" / "presets"

PARAGRAPH_TOKENS = 80
"""What the longest paragraph of `ssmttm.captions.paragraph` takes, with some room."""

_KEYS = "the keys and their meaning are in workflow/schemas/"


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of `base` with `overlay`'s leaves put over it; lists are replaced whole."""
    merged = copy.deepcopy(dict(base))
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def load_config(path: Path | str = "config.yaml", *overlays: Path | str) -> Config:
    """Read, overlay and validate a config; raises UserError with file, key and remedy."""
    config: dict[str, Any] = {}
    for name in (path, *overlays):
        config = merge(config, read_yaml(name))
    return validate_config(config, " + ".join(str(n) for n in (path, *overlays)))


def read_yaml(path: Path | str) -> dict[str, Any]:
    """What a config, or an overlay, says by itself; UserError with file and remedy."""
    try:
        with open(path, encoding="utf-8") as f:
            loaded = yaml.safe_load(f)
    except FileNotFoundError:
        raise UserError(f"{path}: no such config file; run from the project's root or name one") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise UserError(f"{path}: expected a table of settings, found {type(loaded).__name__}")
    return loaded


def presets() -> list[str]:
    """The names of the presets: folders of workflow/presets."""
    return sorted(path.parent.name for path in PRESETS.glob("*/config.yaml"))


def load_preset(files: Sequence[Path | str], preset: str | None) -> Config:
    """The config of `files`, overlaid by the preset's if one is named; UserError if there is none of that name."""
    if preset is not None and preset not in presets():
        raise UserError(f"--preset {preset}: no such preset; there are {', '.join(presets())}")
    return load_config(*files, *([PRESETS / preset / "config.yaml"] if preset else []))


def nearest_config() -> Path:
    """./config.yaml or, outside of a project, the default study's."""
    here = Path("config.yaml")
    return here if here.is_file() else ROOT / here


def generation_settings() -> GenerationSettings:
    """How to sample, where --spec doesn't say it: as ./config.yaml does or, outside of a project, the default study's.

    What a run was trained with, and on what, stands in its own files.
    """
    return load_config(nearest_config())["generation"]


@cache
def validator(schema: str) -> Draft202012Validator:
    """The checker of a schema in workflow/schemas, by its file's name."""
    with open(SCHEMAS / schema, encoding="utf-8") as f:
        return checker(yaml.safe_load(f))


def _enum(checked: Any, allowed: Sequence[Any], instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """`enum`, to which `plugins: KIND` beside it adds the names that other packages bring."""
    kind, errors = (
        schema.get("plugins"),
        list(Draft202012Validator.VALIDATORS["enum"](checked, allowed, instance, schema)),
    )
    if not errors or kind is None:
        yield from errors
    elif not isinstance(instance, str) or plugins.find(kind, instance) is None:
        yield ValidationError(f"{instance!r} is not one of {', '.join(plugins.known(kind))}")


def _sources(checked: Any, kind: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """`pluginProperties: KIND`: keys beside `properties` are plug-ins, whose `SCHEMA` says what they may hold."""
    for name in instance if isinstance(instance, dict) else ():
        if name in schema["properties"]:
            continue
        plugin = plugins.find(kind, name)
        if plugin is None:
            yield ValidationError(f"no {plugins.KINDS[kind].word} {name!r}; there are {', '.join(plugins.known(kind))}")
        elif instance[name] is not None:
            own = {"type": "object"} | plugins.stated(plugin, "SCHEMA", {})
            yield from checked.descend(instance[name], own, path=name)


checker = validators.extend(Draft202012Validator, {"enum": _enum, "pluginProperties": _sources})
"""What checks values by a schema, in which plug-ins of other packages may stand."""


def complain(schema: Draft202012Validator, value: Any, where: str, remedy: str = _KEYS) -> None:
    """Raise UserError with every fault that `schema` finds in `value`, which came from `where`."""
    errors = sorted(schema.iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))
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
    complain(validator("config.schema.yaml"), plain, where)
    data, evaluation = plain["data"], plain["evaluation"]
    data["sources"] = {name: settings for name, settings in data["sources"].items() if settings is not None}
    evaluation["systems"] = {name: system for name, system in evaluation["systems"].items() if system is not None}
    plain["refiners"] = {name: refiner for name, refiner in plain["refiners"].items() if refiner is not None}
    if not data["sources"]:
        raise UserError(f"{where}: data.sources names no source; there are debian, jamendo, ytdlp and local")
    style, tokens = data["captions"]["style"], data["text"]["max_tokens"]
    if style in ("paragraph", "mixed") and tokens < PARAGRAPH_TOKENS:
        raise UserError(
            f"{where}: data.text.max_tokens {tokens} would cut captions off: "
            f"data.captions.style {style} needs {PARAGRAPH_TOKENS} or more"
        )
    split = data["split"]
    if split["validation"] + split["test"] >= 1:
        raise UserError(f"{where}: data.split: validation + test must leave a share for train")
    choices.check(plain, where)
    return plain


def lookup(config: Mapping[str, Any], dotted: str) -> Any:
    """The value at a dotted path; raises KeyError naming the first missing part."""
    value: Any = config
    for part in dotted.split("."):
        if not isinstance(value, dict) or part not in value:
            raise KeyError(part)
        value = value[part]
    return value


def subschema(path: str) -> Mapping[str, Any]:
    """The schema of what stands at a dotted path of the config."""
    whole = part = validator("config.schema.yaml").schema
    for key in path.split("."):
        part = part["properties"][key]
    if "$ref" in part:  # with its own keys, so that it can be read, and extended, as one
        shared = whole["$defs"][part["$ref"].rpartition("/")[2]]
        own = {key: value for key, value in part.items() if key != "$ref"}
        part = {**shared, **own, "properties": {**shared["properties"], **part.get("properties", {})}}
    return {**part, "$defs": whole["$defs"]}
