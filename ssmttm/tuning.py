"""The sweep behind a table of learning rates: the same rates and seeds for each design of a study. No torch."""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from ssmttm.errors import UserError
from ssmttm.files import write_text
from ssmttm.progress import notify
from ssmttm.rates import ANY, COLUMNS, Rate, design_overrides, has_own_rate, settings_hash, with_rate
from ssmttm.settings import Config, Run, RunSpec


class TrialResult(TypedDict):
    """What a trial leaves behind."""

    loss: float | None
    """Nats per code; None where training diverged."""
    split: str
    """Whose clips it is of."""
    clips: int
    steps: NotRequired[int]
    flops_spent: NotRequired[float]
    seconds: NotRequired[float]


class PlannedTrial(TypedDict):
    """One training: a design at one rate, from one seed."""

    learning_rate: float
    seed: int
    file: str
    """Its result's name, without a suffix."""


class PlannedDesign(TypedDict):
    """A design with its trials, and how its row of the table will read."""

    variant: str
    size: str
    budget: str
    overrides: str
    data: str
    settings: str
    trials: list[PlannedTrial]


class RatesSpec(TypedDict):
    """What a table of rates is made by."""

    designs: list[PlannedDesign]
    command: str
    """Which its rows state."""


@dataclass(frozen=True)
class Sweep:
    """All trials of a study."""

    designs: list[PlannedDesign]
    specs: dict[str, RunSpec]
    """By the names of the trials' results."""


def sweep(config: Config, runs: Mapping[str, Run]) -> Sweep:
    """The trials of the designs that `runs`, one study's, train: variant, size, budget, and overrides if there are any.

    Each takes every rate of `tuning.rates` with every seed of `tuning.seeds`. Where `tuning.budget` names a budget,
    all are tuned under that one, and their rates hold for all. A row that states its own rate isn't tuned. Raises
    UserError for a budget that there is none of.
    """
    tuning = config["tuning"]
    common = tuning["budget"]
    if common is not None and common not in config["budgets"]:
        raise UserError(f"tuning.budget {common!r} is not among the config's budgets: {', '.join(config['budgets'])}")
    designs: dict[tuple[str, ...], PlannedDesign] = {}
    specs: dict[str, RunSpec] = {}
    for name, run in runs.items():
        if run["language_model"] or has_own_rate(run["overrides"], name):
            continue
        budget, overrides = common or run["budget"], design_overrides(run["overrides"], name)
        key = run["variant"], run["size"], budget, overrides
        if key in designs:
            continue
        design: PlannedDesign = {
            "variant": run["variant"],
            "size": run["size"],
            "budget": ANY if common else budget,
            "overrides": overrides,
            "data": run["spec"]["data"]["version"],
            "settings": settings_hash(run["spec"], any_budget=common is not None),
            "trials": [],
        }
        designs[key] = design
        for rate in tuning["rates"]:
            for seed in tuning["seeds"]:
                place = f".{len(designs)}" if overrides else ""
                file = f"{run['variant']}.{run['size']}.{budget}{place}.{rate:g}.{seed}"
                design["trials"].append({"learning_rate": rate, "seed": seed, "file": file})
                spec = with_rate(run["spec"], rate)
                # what a trial doesn't need: its loss is taken once, at its end
                spec["training"] |= {"checkpoints": [], "validations": 1, "validation_clips": 1}
                specs[file] = {**spec, "budget": config["budgets"][budget], "seed": seed}
    return Sweep(list(designs.values()), specs)


def best(designs: list[PlannedDesign], folder: Path, command: str) -> list[Rate]:
    """The table: for each design the rate with the least mean loss over seeds, from the results in `folder`.

    A rate at which a seed diverged isn't chosen. Says where the best one stands at an end of those tried. Raises
    UserError where all of a design's rates diverged, where results are missing, and where their clips differ.
    """
    found = []
    for design in designs:
        called = f"{design['variant']} of size {design['size']}"
        results = {trial["file"]: _result(folder / f"{trial['file']}.json") for trial in design["trials"]}
        clips = sorted({f"{result['clips']} of {result['split']}" for result in results.values()})
        if len(clips) > 1:
            raise UserError(f"{folder}: trials of {called} were judged on different clips: {', '.join(clips)}")
        losses: dict[float, list[float]] = {}
        for trial in design["trials"]:
            loss = results[trial["file"]]["loss"]
            losses.setdefault(trial["learning_rate"], []).append(math.inf if loss is None else loss)
        means = {rate: sum(values) / len(values) for rate, values in sorted(losses.items())}
        rate = min(means, key=means.__getitem__)
        if not math.isfinite(means[rate]):
            raise UserError(f"{folder}: {called} diverged at every learning rate; put lower ones into tuning.rates")
        if len(means) > 1 and rate in (min(means), max(means)):
            end = "least" if rate == min(means) else "greatest"
            notify(f"{called}: its best learning rate, {rate:g}, is the {end} that was tried; widen tuning.rates")
        tried = " ".join(f"{r:g}={f'{m:.4f}' if math.isfinite(m) else 'diverged'}" for r, m in means.items())
        row = {key: value for key, value in design.items() if key != "trials"}
        loss = float(f"{means[rate]:.6g}")
        found.append(Rate(**row, learning_rate=rate, loss=loss, tried=tried, clips=clips[0], command=command))  # type: ignore[arg-type]
    return found


def write_rates(path: Path, rows: list[Rate]) -> None:
    """Write the table as TSV."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in rows)
    write_text(path, text.getvalue())


def _result(path: Path) -> TrialResult:
    try:
        result: TrialResult = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{path}: the result of a trial is missing or damaged; run the tuning again") from None
    return result
