"""What a user gives on the command line: checked before any work, with a message that says what would be right."""

import difflib
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from ssmttm.config import checker, complain, load_config, load_preset, nearest_config, presets, subschema
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.released import RELEASE, Release
from ssmttm.run_table import logging_of_refiner, logging_of_run, logging_of_vocoder, read_studies
from ssmttm.settings import (
    BaselinesSpec,
    CodeModelsSpec,
    EvaluateSpec,
    Granted,
    Logging,
    RefinerSpec,
    RunSpec,
    StageSpec,
    VocoderSpec,
)
from ssmttm.spec import (
    LOGGER,
    STAGES,
    baselines_spec,
    code_models_spec,
    evaluate_spec,
    sections_of,
    stage_spec,
    vocoder_spec,
)
from ssmttm.tuning import RatesSpec

_DATA = Path("results/data")

_REMEDY = "`ssmttm spec NAME` prints a complete one of a stage or a run"


def alike(name: str, known: Iterable[str], more: Iterable[str] = ()) -> str:
    """A sentence on what there is, those that look like `name` first; "there is none" where nothing is.

    `more` is what is named only if it looks like `name`.
    """
    names = list(known)
    if not names:
        return "there is none"
    near = difflib.get_close_matches(name, [*names, *more], n=3)
    listed = f"there are {', '.join(names)}" if len(names) > 1 else f"there is {names[0]}"
    return f"did you mean {' or '.join(near)}? ({listed})" if near else listed


def _released_sets(name: str) -> str:
    """A sentence on the data sets that are released here, those that look like `name` first."""
    return f"in {_DATA} {alike(Path(name).name, sorted(path.parent.name for path in _DATA.glob(f'*/{RELEASE}')))}"


def read_release(data: Path, *needed: str) -> Release:
    """What dataset.json of the data set in folder `data` says; UserError that names those that are released.

    Also where it lacks one of the keys `needed`.
    """
    if not (data / RELEASE).is_file():
        raise UserError(f"--data {data}: no released data set: it has no {RELEASE}; {_released_sets(str(data))}")
    release = read_json(data / RELEASE)
    if lacking := sorted(set(needed) - release.keys()):
        raise UserError(f"{data / RELEASE}: not the one of a released data set: it lacks {', '.join(lacking)}")
    return cast(Release, release)


def trained_runs(folder: Path) -> str:
    """What to do where `folder` is no trained run: train it, if the run table has it, or what there is beside it."""
    try:
        planned = list(read_studies(load_config()).runs)
    except UserError:
        planned = []
    if folder.name in planned:
        return f"train it first: snakemake --cores all {folder.name}"
    trained = sorted(path.parent.name for path in folder.parent.glob("*/model.safetensors"))
    if trained or not planned:
        return f"in {folder.parent} {alike(folder.name, trained)}"
    return f"nor a run of the run table: {alike(folder.name, planned)}"


def check_writable(path: Path, option: str, folder: bool | None = None) -> None:
    """Raise UserError unless `path` can be made: it, or the first folder above it that exists, is written to.

    Args:
        path: what will be written.
        option: the option that names it, for the message.
        folder: whether it is to be a folder (True) or a file (False); None for either.
    """
    if folder is False and path.is_dir():
        raise UserError(f"{option} {path}: is a folder; give the name of a file")
    if folder is True and path.exists() and not path.is_dir():
        raise UserError(f"{option} {path}: is a file; give the name of a folder")
    above = path if path.is_dir() else path.parent
    while not above.exists() and above != above.parent:
        above = above.parent
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise UserError(f"{option} {path}: can't be written: {above}: {error.strerror}") from error


def parse_spec(text: str, option: str = "--spec") -> Any:
    """A spec given on the command line as `option`: JSON, or the path of a file that holds it."""
    source = text
    if not text.lstrip().startswith("{"):
        try:
            source = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"{option} {text}: neither JSON nor a readable file: {why}") from error
    try:
        value = json.loads(source, parse_constant=_no_number)
    except ValueError as error:
        raise UserError(f"{option}: not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"{option}: expected a JSON object")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number there")


def stage_settings(stage: str, text: str | None, anywhere: bool = False) -> StageSpec:
    """The spec of stage `stage`: what --spec says (`text`) or, without it, ./config.yaml.

    `anywhere`: outside of a project, where there is no ./config.yaml, it is the default study's.
    """
    if text:
        parts = {name: subschema(path) for name, path in sections_of(stage).items()}
        return cast(StageSpec, _check(parts, parse_spec(text)))
    return stage_spec(load_config(*[nearest_config()] if anywhere else []), stage)


def run_settings(name: str, text: str | None) -> RunSpec:
    """The spec of run `name`: what --spec says (`text`) or, without it, ./config.yaml and its run table."""
    if text:
        return check_run_spec(parse_spec(text))
    config = load_config()
    runs = read_studies(config).runs
    if name not in runs:
        raise UserError(f"{config['runs']}: no run {name!r}; {alike(name, runs)}")
    return runs[name]["spec"]


def evaluate_settings(run: str, text: str | None) -> EvaluateSpec:
    """What stage `evaluate` takes for the run `run`: what --spec says (`text`) or, without it, ./config.yaml.

    Of a run that its run table doesn't have, captions are answered as the config says.
    """
    if text:
        parts = {"generation": subschema("generation"), **_stage_schemas("likelihood"), **_judging_parts()}
        return cast(EvaluateSpec, _check(parts, parse_spec(text)))
    config = load_config()
    row = read_studies(config).runs.get(run)
    return evaluate_spec(config, row["generation"] if row else config["generation"])


def baselines_settings(text: str | None) -> BaselinesSpec:
    """What stage `baselines` takes: what --spec says (`text`) or, without it, ./config.yaml."""
    if text:
        parts = {**_stage_schemas("baseline"), **_judging_parts()}
        return cast(BaselinesSpec, _check(parts, parse_spec(text)))
    return baselines_spec(load_config())


def code_models_settings(text: str | None) -> CodeModelsSpec:
    """What stage `code_models` takes: what --spec says (`text`) or, without it, ./config.yaml."""
    if text:
        parts = {**_stage_schemas("trivial", "likelihood"), **_judging_parts()}
        return cast(CodeModelsSpec, _check(parts, parse_spec(text)))
    return code_models_spec(load_config())


def _judging_parts() -> dict[str, Any]:
    return {"embedders": subschema("evaluation.embedders"), **_stage_schemas("embed", "score")}


def _stage_schemas(*stages: str) -> dict[str, Any]:
    """The schemas of what each of `stages` takes from the config."""
    return {s: _object({name: subschema(path) for name, path in sections_of(s).items()}) for s in stages}


def granted(gpus: int, nodes: int) -> Granted:
    """What a cluster grants a training."""
    return Granted(gpus, nodes)


def run_logger(name: str, text: str | None, logger: str | None, project: str | None) -> Logging:
    """Where the curve of run `name` is watched: what --logger and --project say.

    Else what ./config.yaml does, unless --spec (`text`) stands for it, which doesn't say.
    """
    return _logging(logger, project, text, lambda: logging_of_run(read_studies(load_config()), name))


def refiner_logger(name: str, text: str | None, logger: str | None, project: str | None) -> Logging:
    """The same of the refiner `name`."""
    return _logging(logger, project, text, lambda: logging_of_refiner(read_studies(load_config()), name))


def vocoder_logger(text: str | None, logger: str | None, project: str | None) -> Logging:
    """The same of the vocoder."""
    return _logging(logger, project, text, lambda: logging_of_vocoder(load_config()))


def _logging(logger: str | None, project: str | None, text: str | None, planned: Callable[[], Logging]) -> Logging:
    known = subschema("training")["properties"][LOGGER]["enum"]
    if logger is not None and logger not in known:
        raise UserError(f"--logger {logger}: there are {', '.join(known)}")
    found = Logging() if logger or text else planned()
    return Logging(logger or found.logger, project or found.project)


def refiner_settings(name: str, text: str | None) -> RefinerSpec:
    """The spec of refiner `name`: what --spec says (`text`) or, without it, ./config.yaml and its run table."""
    if text:
        return check_refiner_spec(parse_spec(text))
    config = load_config()
    refiners = read_studies(config).refiners
    if name not in refiners:
        raise UserError(f"{config['runs']}: no run has a refiner {name!r}; {alike(name, refiners)}")
    return refiners[name]


def vocoder_settings(text: str | None) -> VocoderSpec:
    """The spec of a vocoder: what --spec says (`text`) or, without it, ./config.yaml."""
    return check_vocoder_spec(parse_spec(text)) if text else vocoder_spec(load_config())


def named_settings(name: str, files: list[Path], preset: str | None) -> Mapping[str, Any]:
    """The spec of the run, refiner, stage or `vocoder` called `name`, by the config `files` and a preset over them."""
    config = load_preset(files, preset)
    studies = read_studies(config)
    if name in studies.runs:
        return studies.runs[name]["spec"]
    if name in studies.refiners:
        return studies.refiners[name]
    if name in STAGES:
        return stage_spec(config, name)
    if name == "vocoder":
        return vocoder_spec(config)
    if name == "evaluate":
        return evaluate_spec(config, config["generation"])
    if name == "baselines":
        return baselines_spec(config)
    if name == "code_models":
        return code_models_spec(config)
    if others := [p for p in presets() if p != preset and name in read_studies(load_preset(files, p)).runs]:
        raise UserError(f"{name!r} is a run of preset {others[0]}: ssmttm spec {name} --preset {others[0]}")
    own = [run for run, row in studies.runs.items() if row["study"] in studies.own]
    known = alike(name, [*own, *STAGES], [*studies.runs, *studies.refiners])
    raise UserError(f"{name!r} is neither a run, a refiner nor a stage; {known}")


def check_external_spec(value: Any) -> StageSpec:
    """`value` if it is a complete spec of one of `evaluation.systems`; UserError with the keys that don't fit."""
    system = subschema("evaluation.systems")
    parts = {"system": {**system, **system["additionalProperties"]}, "clips": subschema("data.clips")}
    return cast(StageSpec, _check(parts, value))


def check_section(section: str, value: Any, where: str = "--spec") -> Any:
    """`value`, from `where`, if it is a complete section of the config, such as `generation`; UserError as above."""
    complain(checker(subschema(section)), value, where, _REMEDY)
    return value


def check_run_spec(value: Any) -> RunSpec:
    """`value` if it is the complete spec of a run, as `ssmttm.spec.run_spec` makes it; UserError as above."""
    model, variant = subschema("model"), ("name", "mixer", "feedforward", "conditioning")
    parts = {
        "variant": _object({**{key: {"type": "string"} for key in variant}, "attention_layers": {"type": "array"}}),
        "model": {
            **model,
            "properties": {**model["properties"], "layers": {"type": "integer", "minimum": 1}},
            "required": [*model["required"], "layers"],
        },
        **_training_parts(),
    }
    return cast(RunSpec, _check(parts, value))


def check_rates_spec(value: Any) -> RatesSpec:
    """`value` if it says what a table of learning rates is made by (`ssmttm.tuning`); UserError as above."""
    texts = {key: {"type": "string"} for key in ("variant", "size", "budget", "overrides", "data", "settings")}
    trial = _object({"learning_rate": {"type": "number"}, "seed": {"type": "integer"}, "file": {"type": "string"}})
    design = _object({**texts, "trials": {"type": "array", "minItems": 1, "items": trial}})
    parts = {"designs": {"type": "array", "minItems": 1, "items": design}, "command": {"type": "string"}}
    return cast(RatesSpec, _check(parts, value))


def check_refiner_spec(value: Any) -> RefinerSpec:
    """`value` if it is the complete spec of a refiner, as `ssmttm.spec.refiner_spec` makes it; UserError as above."""
    refiner, entry = subschema("refiner"), subschema("refiners")["additionalProperties"]
    properties = {key: part for key, part in refiner["properties"].items() if key != "training"}
    properties["backbone"] = entry["properties"]["backbone"]
    return cast(RefinerSpec, _check({"refiner": _object(properties), **_training_parts()}, value))


def check_vocoder_spec(value: Any) -> VocoderSpec:
    """`value` if it is the complete spec of a vocoder, as `ssmttm.spec.vocoder_spec` makes it; UserError as above."""
    section = subschema("vocoder")
    own = {
        key: part for key, part in section["properties"].items() if key not in ("split", "budget", "seed", "training")
    }
    parts = _training_parts()
    data = {key: parts["data"]["properties"][key] for key in ("version", "sample_rate", "codec")}
    vocoder = {"vocoder": _object(own), "split": subschema("vocoder.split"), "data": _object(data)}
    return cast(VocoderSpec, _check({**parts, **vocoder}, value))


def _training_parts() -> dict[str, Any]:
    """The schemas of what the specs of all trained models have in common."""
    budgets, data = subschema("budgets"), {"version": "version", "codec": "codec", "text": "text"}
    data |= {"seconds": "clips.seconds", "sample_rate": "clips.sample_rate"}
    training = subschema("training")
    known = {key: part for key, part in training["properties"].items() if key != LOGGER}
    return {
        "budget": {**budgets, **budgets["additionalProperties"]},
        "training": {**training, "properties": known},
        "data": _object({key: subschema(f"data.{path}") for key, path in data.items()}),
        "seed": {"type": "integer", "minimum": 0},
    }


def _object(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of an object that has exactly these keys."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
        "$defs": next((p["$defs"] for p in properties.values() if p.get("$defs")), {}),
    }


def _check(properties: Mapping[str, Any], value: Any) -> Any:
    complain(checker(_object(properties)), value, "--spec", _REMEDY)
    return value
