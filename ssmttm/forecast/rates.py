"""What a unit of work takes: measured on this project's studies, or assumed, and how far off it may be."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ssmttm.errors import UserError

FOLDER = Path(__file__).parent
MEASURED, ASSUMED = 1.3, 2.0
"""Factors by which a rate may be off, either way: from machine to machine, and for one that nobody measured."""

UTILIZATION = 0.3
"""Share of a GPU's peak that training is assumed to reach."""

_GIGA, _TERA = 1e9, 1e12


@dataclass(frozen=True)
class Rate:
    """Seconds of one core, or of one GPU, for a unit of work."""

    seconds: float
    factor: float
    gpu: bool
    source: str


@dataclass(frozen=True)
class Gpu:
    """A kind of GPU: dense bf16 peak by its maker's data sheet, and what an hour is taken to cost."""

    name: str
    flops: float
    memory_gb: float
    price: float


@cache
def _table(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def gpus() -> list[str]:
    """Names of the kinds that are known."""
    return [row["gpu"] for row in _table("gpus.tsv")]


def gpu(name: str) -> Gpu:
    """The GPU of that name; UserError for one that is not known."""
    for row in _table("gpus.tsv"):
        if row["gpu"] == name:
            return Gpu(name, float(row["teraflops"]) * _TERA, float(row["memory_gb"]), float(row["price"]))
    raise UserError(f"--gpu {name}: not known; there are {', '.join(gpus())}")


def rate(work: str, kind: str = "", on_gpu: bool = False) -> Rate:
    """Of `work`, by the part of that `kind` if it has a rate of its own; on a GPU where the work is done there."""
    rows = {(row["work"], row["device"]): row for row in _table("rates.tsv")}
    wanted = [(name, device) for name in (f"{work}.{kind}", work) for device in ("gpu", "cpu")]
    row = next(rows[key] for key in wanted if key in rows and (on_gpu or key[1] == "cpu"))
    return Rate(float(row["seconds"]), float(row["factor"]), row["device"] == "gpu", row["from"])


def training(mixer: str, d_model: int, on: Gpu | None) -> Rate:
    """Seconds per FLOP of training: on a core as the width of that mixer that is nearest was measured, else assumed."""
    if on is not None:
        return Rate(1 / (UTILIZATION * on.flops), ASSUMED, True, f"assumed: {UTILIZATION:.0%} of a {on.name}'s peak")
    rows = [row for row in _table("training.tsv") if row["mixer"] == mixer]
    rows = rows or [row for row in _table("training.tsv") if row["mixer"] == "mamba2"]
    near = min(rows, key=lambda row: abs(int(row["d_model"]) / d_model - 1))
    measured = near["mixer"] == mixer and int(near["d_model"]) == d_model
    source = near["from"] if measured else f"assumed: as {near['mixer']} of width {near['d_model']}"
    return Rate(1 / (float(near["gigaflops"]) * _GIGA), MEASURED if measured else ASSUMED, False, source)
