"""Tuned learning rates: the table that a config names, and how a run's spec takes its rate from there. No torch."""

import copy
import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ssmttm.config import ROOT
from ssmttm.errors import UserError
from ssmttm.settings import RunSpec
from ssmttm.spec import canonical_json, overridden

ANY = "*"
"""Budget of a rate that holds for all budgets."""

_FREE = (
    "learning_rate", "minimum_learning_rate", "micro_batch", "validations", "validation_clips", "state_every",
    "checkpoints", "activation_checkpointing", "compile", "processes", "threads",
)  # fmt: skip
"""Settings of training that the best rate doesn't depend on, or that follow from it."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A row of the table: the best learning rate of a design, and how it was found."""

    variant: str
    size: str
    budget: str
    """A key of `budgets`, or `ANY`."""
    overrides: str
    """Those of the run table's rows that make the design another one; empty for none."""
    learning_rate: float
    loss: float
    """At that rate, the mean over seeds, in nats per code."""
    tried: str
    """Each rate with its loss: `0.001=6.1 0.002=diverged`."""
    clips: str
    """On how many clips of which split: `24 of tuning`."""
    data: str
    """Version of the data set."""
    settings: str
    """Hash of all other settings that the rate depends on."""
    command: str
    """What made the table."""


COLUMNS = tuple(field.name for field in fields(Rate))


def design_overrides(overrides: str, where: str) -> str:
    """Those of a row's overrides that the best learning rate may depend on, sorted."""
    free = {f"training.{name}" for name in _FREE}
    kept = [
        f"{path}={text}"
        for path, text in overridden(overrides, where)
        if path not in free and not path.startswith("generation.")
    ]
    return "; ".join(sorted(kept))


def has_own_rate(overrides: str, where: str) -> bool:
    """Whether a row of the run table states its learning rate itself."""
    return any(path == "training.learning_rate" for path, _ in overridden(overrides, where))


def settings_hash(spec: RunSpec, any_budget: bool) -> str:
    """Twelve hex digits for what the best learning rate of a run with `spec` depends on, seed and data set apart."""
    training = {name: value for name, value in spec["training"].items() if name not in _FREE}
    training["minimum"] = f"{minimum_share(spec):.6g}"
    parts = {**spec, "training": training, "data": {**spec["data"], "version": ""}, "seed": 0}
    if any_budget:
        parts["budget"] = {}
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:12]


def minimum_share(spec: RunSpec) -> float:
    """What share of the peak learning rate is left at the end of the schedule."""
    return spec["training"]["minimum_learning_rate"] / spec["training"]["learning_rate"]


def with_rate(spec: RunSpec, rate: float) -> RunSpec:
    """`spec` at another learning rate; the one at the end stays the same share of it."""
    changed = copy.deepcopy(spec)
    changed["training"]["learning_rate"] = rate
    changed["training"]["minimum_learning_rate"] = float(f"{rate * minimum_share(spec):.6g}")
    return changed


def read_rates(path: Path) -> list[Rate]:
    """The rows of a table of rates; UserError for one that isn't there or isn't such a table."""
    try:
        with open(path, newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f, delimiter="\t", restkey="too many cells", restval=""))
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such table of learning rates; `rates` in the config names it. Make it with "
            f"`snakemake --cores all tune`, or set rates: null"
        ) from None
    found = []
    for number, row in enumerate(rows, start=2):
        if set(row) != set(COLUMNS):
            wrong = sorted(set(row) ^ set(COLUMNS))
            raise UserError(f"{path}, line {number}: expected the columns {', '.join(COLUMNS)}; see {', '.join(wrong)}")
        try:
            rate, loss = float(row.pop("learning_rate")), float(row.pop("loss"))
        except ValueError:
            raise UserError(f"{path}, line {number}: learning_rate and loss must be numbers") from None
        if not 0 < rate < 1:
            raise UserError(f"{path}, line {number}: learning_rate {rate:g} is not between 0 and 1")
        found.append(Rate(learning_rate=rate, loss=loss, **row))
    return found


class Rates:
    """A table of rates: in the folder `root` or, else, in this project."""

    def __init__(self, name: str, root: Path | str = ".") -> None:
        here = Path(root) / name
        self.name, self.rows = name, read_rates(here if here.is_file() else ROOT / name)

    def apply(self, spec: RunSpec, size: str, budget: str, overrides: str, where: str) -> RunSpec:
        """`spec` at its tuned rate; UserError where the table has none for it, or one of another study.

        Overrides of the row come first where they state a learning rate.
        """
        if has_own_rate(overrides, where):
            return spec
        design = spec["variant"]["name"], size, design_overrides(overrides, where)
        fitting = [row for row in self.rows if (row.variant, row.size, row.overrides) == design]
        called = f"{design[0]} of size {size} under budget {budget}{f' with {design[2]}' if design[2] else ''}"
        remedy = "tune again (snakemake --cores all tune) and replace the table, or set rates: null"
        chosen = _first(fitting, budget)
        if chosen is None:
            raise UserError(f"{where}: {self.name} has no learning rate for {called}; {remedy}")
        if chosen.data != spec["data"]["version"]:
            raise UserError(
                f"{where}: {self.name} has rates of another study: {called} was tuned on data set {chosen.data}, and "
                f"this is {spec['data']['version']}; {remedy}"
            )
        if chosen.settings != settings_hash(spec, chosen.budget == ANY):
            raise UserError(
                f"{where}: {self.name} has rates of another study: {called} was tuned with other settings of model, "
                f"training, budget, codec or text; {remedy}"
            )
        return with_rate(spec, chosen.learning_rate)


def _first(rows: Sequence[Rate], budget: str) -> Rate | None:
    own = [row for row in rows if row.budget == budget] + [row for row in rows if row.budget == ANY]
    return own[0] if own else None
