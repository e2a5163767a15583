"""The run tables of a workflow's studies: their rows, validated, with the specs of the models that they name.

A config has one table; the further studies that it lists as `studies` are overlays with tables of their own.
Imports no torch.
"""

import copy
import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from ssmttm import choices, questions
from ssmttm.config import ROOT, complain, lookup, merge, read_yaml, validate_config, validator
from ssmttm.errors import UserError
from ssmttm.questions import Design
from ssmttm.rates import Rates
from ssmttm.settings import Config, GenerationSettings, Logging, RefinerSpec, Run, RunSpec
from ssmttm.spec import RESERVED, differences, generation_of, logger_of, overridden, refiner_spec, run_spec

CELLS = ("variant", "size", "budget", "seed")
"""What a row says of its language model, beside overrides."""

SHARED = ("data", "evaluation", "report", "generation.prompts", "generation.seed")
"""What further studies have in common with the config that lists them."""


ADDED = ("flops", "gpu_hours")
"""Kinds of budget of which a run of two stages has the sum. Steps of two models are not alike, so they aren't added."""


@dataclass(frozen=True)
class Studies:
    """All that is trained and compared: the config's own studies, then the further ones."""

    runs: dict[str, Run]
    refiners: dict[str, RefinerSpec]
    """Those that a run names."""
    configs: dict[str, Config]
    """The config of each study, by its name."""
    own: list[str]
    """The studies of the config's own table."""


def read_studies(config: Config, root: Path | str = ".", tuned: bool = True) -> Studies:
    """The run table of `config` and those of its further studies; UserError for names that are there twice.

    Without `tuned`, runs don't take their learning rates from the table that a config names as `rates`.
    """
    runs: dict[str, Run] = {}
    refiners: dict[str, RefinerSpec] = {}
    configs: dict[str, Config] = {}
    for one in (config, *further(config, root)):
        table = read_runs(one, root, tuned)
        studies = list(dict.fromkeys(row["study"] for row in table.values()))
        if twice := [name for name in (*table, *studies) if name in runs or name in configs]:
            raise UserError(
                f"{one['runs']}: {twice[0]!r} is the name of a run or study of another table; choose another"
            )
        for name in refiners_of(table):
            spec = refiner_spec(one, name, one["runs"])
            if differing := differences(refiners.get(name, spec), spec):
                raise UserError(
                    f"{one['runs']}: refiner {name!r} has another {differing[0]} in another study; rename it"
                )
            refiners[name] = spec
        runs |= table
        configs |= dict.fromkeys(studies, one)
    _check_names(runs, refiners, configs)
    return Studies(runs, refiners, configs, [name for name, one in configs.items() if one is config])


def further(config: Config, root: Path | str = ".") -> list[Config]:
    """The configs of the further studies of `config`'s data set, less one that has the same run table.

    UserError for one that doesn't name its data set, or changes what all studies of a data set share.
    """
    found = []
    for name in config["studies"]:
        overlay = read_yaml(_find(name, root))
        version = (overlay.get("data") or {}).get("version")
        if version is None:
            raise UserError(f"{name}: lacks data.version; a further study names the data set that it is on")
        if version != config["data"]["version"] or overlay.get("runs") == config["runs"]:
            continue
        merged = validate_config(merge(config, overlay), name)
        if changed := [path for path in SHARED if lookup(merged, path) != lookup(config, path)]:
            raise UserError(
                f"{name}: changes {changed[0]}, which all studies of one data set share; leave that out, or run it as "
                f"a preset: --configfile {name}"
            )
        found.append(merged)
    return found


def read_runs(config: Config, root: Path | str = ".", tuned: bool = True) -> dict[str, Run]:
    """The config's own run table, row by row validated, by the runs' names; `tuned` as `read_studies`."""
    try:
        with open(_find(config["runs"], root), newline="", encoding="utf-8") as f:
            _check_tabs(f.readlines(), config["runs"])
            f.seek(0)
            rows = list(csv.DictReader(f, delimiter="\t", restkey="too many cells", restval=""))
    except FileNotFoundError:
        raise UserError(f"{config['runs']}: no such run table; `runs` in the config names it") from None
    places: dict[str, str] = {}
    table: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{config['runs']}, line {number}"
        name, cells = _cells(row, where)
        if name in table:
            raise UserError(f"{where}: run {name!r} is in the table twice; names must differ")
        if name in RESERVED:
            raise UserError(f"{where}: {name!r} is the name of a rule of the workflow; choose another")
        if name in choices.systems_of(config):
            raise UserError(f"{where}: {name!r} is the name of another system that is scored; choose another")
        table[name], places[name] = cells, where
    if not table:
        raise UserError(f"{config['runs']}: the run table has no rows")
    for row in table.values():
        if row["study"] in table or row["study"] in RESERVED:
            study = row["study"]
            raise UserError(f"{config['runs']}: study {study!r} has the name of a run or of a rule; choose another")
    generations = {name: generation_of(config, row["overrides"], places[name]) for name, row in table.items()}
    specs = {name: run_spec(config, row, places[name]) for name, row in table.items() if not row["language_model"]}
    if tuned and config["rates"] is not None:
        rates = Rates(config["rates"], root)
        for name, spec in specs.items():
            size, budget, overrides = (table[name][cell] for cell in ("size", "budget", "overrides"))
            specs[name] = rates.apply(spec, size, budget, overrides, places[name])
    for name, row in table.items():
        if row["language_model"]:
            specs[name] = _borrowed(row, table, specs, places[name])
        if row["refiner"]:
            refiner = refiner_spec(config, row["refiner"], places[name])
            _check_stages(specs[name], refiner, generations[name], places[name])
    runs = {
        name: cast(Run, {**row, "spec": specs[name], "generation": generations[name]}) for name, row in table.items()
    }
    check_seeds(runs, config["runs"])
    return runs


def logging_of_run(studies: Studies, run: str) -> Logging:
    """Where the curve of a run is watched."""
    study = studies.runs[run]["study"]
    return Logging(logger_of(studies.configs[study]), study)


def logging_of_refiner(studies: Studies, refiner: str) -> Logging:
    """The same of a refiner, by the first study that has it."""
    study = next(row["study"] for row in studies.runs.values() if row["refiner"] == refiner)
    config = studies.configs[study]
    return Logging(logger_of(config, config["refiner"], config["refiners"][refiner]), study)


def logging_of_vocoder(config: Config) -> Logging:
    """The same of the vocoder, which is of no study."""
    return Logging(logger_of(config, config["vocoder"]), "vocoder")


def runs_of(runs: Mapping[str, Run], study: str) -> list[str]:
    """The names of one study's runs, in the order of the run table."""
    return [name for name, row in runs.items() if row["study"] == study]


def refiners_of(runs: Mapping[str, Run]) -> list[str]:
    """The names of the refiners that runs have, in the order of the run table."""
    return list(dict.fromkeys(row["refiner"] for row in runs.values() if row["refiner"]))


def shared_refiner(studies: Studies) -> list[str]:
    """The refiner that most runs of the config's own studies have, the first of equal ones; none if none has one."""
    own = [row["refiner"] for row in studies.runs.values() if row["refiner"] and row["study"] in studies.own]
    return [max(dict.fromkeys(own), key=own.count)] if own else []


def check_seeds(runs: Mapping[str, Run], where: str) -> None:
    """Refuse designs that the headline compares, but that were given other seeds: UserError, before training."""
    for study in dict.fromkeys(row["study"] for row in runs.values()):
        seeds: dict[Design, set[int]] = {}
        for row in (row for row in runs.values() if row["study"] == study and not row["overrides"]):
            seeds.setdefault(_design(row), set()).add(row["seed"])
        questions.check_seeds(questions.pairs(seeds), seeds, where)


def _design(row: Run) -> Design:
    """What a row trains, less its seed, as far as a question asks; refiners of one budget are alike."""
    variant, model, budget = row["spec"]["variant"], row["spec"]["model"], row["spec"]["budget"]
    ((kind, amount),) = cast(Mapping[str, float], budget).items()
    hybrid = bool(variant["attention_layers"]) and variant["mixer"] != questions.ATTENTION
    return Design(
        name=row["variant"],
        mixer=variant["mixer"],
        feedforward=variant["feedforward"],
        conditioning=variant["conditioning"],
        hybrid=hybrid,
        size=row["size"],
        scale=float(model["d_model"] ** 2 * model["layers"]),
        budget=(kind, float(amount)),
        stages=2 if row["refiner"] else 1,
    )


def _find(path: str, root: Path | str) -> Path:
    """A file that a config names: in `root` or, else, in this project."""
    here = Path(root) / path
    return here if here.is_file() else ROOT / path


def _cells(row: dict[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    """A row's name and its other cells; optional ones that are not there are empty."""
    try:
        row["seed"] = int(row.get("seed") or "")
    except ValueError:
        raise UserError(f"{where}: seed {row.get('seed')!r} is not a whole number") from None
    complain(validator("runs.schema.yaml"), row, where)
    cells = {"refiner": "", "language_model": "", "overrides": "", **row}
    return cells.pop("run"), cells


def _check_tabs(lines: Sequence[str], name: str) -> None:
    """Refuse lines whose cells are separated by spaces: such a line is one cell, and its message would mislead."""
    for number, line in enumerate(lines, 1):
        if "\t" not in line and len(line.split()) > 1:
            raise UserError(f"{name}, line {number}: its cells are separated by spaces; separate them by tabs")


def _borrowed(
    row: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]], specs: Mapping[str, RunSpec], where: str
) -> RunSpec:
    """The spec of another row's language model, of which the row may keep fewer checkpoints."""
    lender = row["language_model"]
    if lender not in table:
        raise UserError(f"{where}: language_model {lender!r} is no run of this table: {', '.join(table)}")
    if table[lender]["language_model"]:
        raise UserError(
            f"{where}: language_model {lender!r} has itself the one of another run; name the run that trains it"
        )
    if other := [cell for cell in CELLS if row[cell] != table[lender][cell]]:
        raise UserError(
            f"{where}: language_model {lender!r} has {other[0]} {table[lender][other[0]]!r}, and this row says "
            f"{row[other[0]]!r}; write the same"
        )
    spec = copy.deepcopy(specs[lender])
    for path, text in overridden(row["overrides"], where):
        if path == "training.checkpoints":
            spec["training"]["checkpoints"] = _fewer(
                yaml.safe_load(text), spec["training"]["checkpoints"], lender, where
            )
        elif not path.startswith("generation."):
            raise UserError(
                f"{where}: override {path!r}: {lender} trains this language model, so only generation.* and "
                "training.checkpoints can be overridden here"
            )
    return spec


def _fewer(asked: object, kept: Sequence[float], lender: str, where: str) -> list[float]:
    if not isinstance(asked, list) or not {*asked} <= {*kept}:
        raise UserError(f"{where}: training.checkpoints {asked}: {lender} keeps {kept}; name some of them, or none: []")
    return asked


def _check_stages(spec: RunSpec, refiner: RefinerSpec, generation: GenerationSettings, where: str) -> None:
    """Two stages go together if the first makes level 1 alone, their budgets can be added, and the sampler fits it."""
    codebooks = spec["model"]["codebooks"]
    if codebooks != 1:
        raise UserError(
            f"{where}: a refiner completes codes of level 1, but this run's model.codebooks is {codebooks}; "
            "set it to 1 by overrides, or leave the refiner out"
        )
    kind, other = (next(iter(budget)) for budget in (spec["budget"], refiner["budget"]))
    if kind in ADDED and other != kind:
        raise UserError(
            f"{where}: the language model's budget is in {kind} and the refiner's in {other}, which can't be added; "
            f"give the refiner a budget in {kind}"
        )
    objective = refiner["refiner"]["objective"]
    fitting = choices.SAMPLERS.get(objective, ())
    if fitting and generation["sampler"] not in fitting:
        raise UserError(
            f"{where}: generation.sampler is {generation['sampler']}, which doesn't fit a refiner that is trained by "
            f"{objective}; override it: generation.sampler={fitting[0]}"
        )


def _check_names(runs: Mapping[str, Run], refiners: Iterable[str], studies: Iterable[str]) -> None:
    """Names are targets of the workflow, so each is one thing."""
    taken = {**dict.fromkeys(RESERVED, "a rule"), **dict.fromkeys(studies, "a study"), **dict.fromkeys(runs, "a run")}
    for name in refiners:
        if name in taken:
            raise UserError(f"refiners.{name}: it is also the name of {taken[name]} of the workflow; choose another")
