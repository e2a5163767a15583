"""The main comparison table as the page shows it: one block per budget, each score with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ssmttm.numbers import (
    BASELINE_NAMES,
    budget_name,
    clock,
    known,
    metric_name,
    millions,
    power_of_ten,
    score_text,
    significant,
)

MAIN = ("frechet", "kl", "clap", "text_audio")
"""The metrics of the main table, those of them that were computed."""

REFERENCES = ("codec", "originals")

REACH = 2.5
"""A baseline is on the axis up to this multiple of the runs' largest upper bound."""

TRIVIAL = ("zero by construction", "one by construction")
"""Mark the warning that a score compares audio with itself."""

TRAINING_COPIES = "these are training clips through the codec: the share of true copies that this search finds"

_SIGNED = ("text_audio", "clap")


@dataclass(frozen=True)
class Column:
    """One score of the main table: a metric by the first embedder that has it."""

    metric: str
    embedder: str
    better: str

    @property
    def name(self) -> str:
        """The metric's name on the page."""
        return metric_name(self.metric)


def columns(comparison: pd.DataFrame, embedders: list[str]) -> list[Column]:
    """The columns of the main table, by the first of `embedders` that each metric has."""
    found = []
    for metric in MAIN:
        rows = comparison[comparison["metric"] == metric]
        for embedder in embedders:
            if (rows["embedder"] == embedder).any():
                found.append(Column(metric, embedder, rows["better"].iloc[0]))
                break
    return found


def main_rows(comparison: pd.DataFrame, shown: list[Column]) -> pd.DataFrame:
    """The rows of the main table: in them, a metric has one embedder."""
    wanted = {(c.metric, c.embedder) for c in shown}
    pairs = zip(comparison["metric"], comparison["embedder"], strict=True)
    return comparison[[pair in wanted for pair in pairs]]


def cautions(system: str, metric: str, warnings: str) -> str:
    """The warnings of a score; training clips are told of whose copies are looked for among training clips."""
    if (system, metric) != ("training", "training_copies"):
        return warnings
    return "; ".join(filter(None, [TRAINING_COPIES, warnings]))


def is_trivial(warnings: str) -> bool:
    """Whether the score compares the reference with itself."""
    return any(mark in warnings for mark in TRIVIAL)


def scales(rows: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """The axis of each metric's interval bars, per reference.

    It holds every run. A baseline far beyond them would press them together, so it is left out
    of the axis and marked on the page.
    """
    found = {}
    for (metric, reference), part in rows.groupby(["metric", "reference"]):
        models = part[part["kind"] == "run"]
        near = part[part["high"] <= REACH * max(models["high"].max(), 0.0)]
        if metric in _SIGNED:  # bounded, so nothing is far off
            near = part
        high = max(float(models["high"].max()), float(near["high"].max()) if len(near) else 0.0)
        low = min(float(models["low"].min()), float(near["low"].min()) if len(near) else 0.0, 0.0)
        margin = 0.04 * (high - low) or 1.0
        found[metric, reference] = (low - margin * (low < 0), high + margin)
    return found


class Notes:
    """Warnings that stand below the table, each with the letter that marks it in the cells."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def marks(self, warnings: str) -> list[str]:
        """The letters of the warnings that a row of the table carries, joined by `; `."""
        return [self._letter(text) for text in filter(None, warnings.split("; "))]

    def _letter(self, text: str) -> str:
        number = len(self.texts)
        letter = chr(ord("a") + number % 26) * (1 + number // 26)
        return self.texts.setdefault(text, letter)

    def shown(self) -> list[dict[str, str]]:
        """Letters and texts, in the order of their first appearance."""
        return [{"mark": mark, "text": text} for text, mark in self.texts.items()]


def _cell(row: Any, scale: tuple[float, float], notes: Notes) -> dict[str, Any]:
    def at(value: float) -> float:
        share = (value - scale[0]) / (scale[1] - scale[0])
        return round(100 * min(max(share, 0.0), 1.0), 2)

    trivial = is_trivial(row.warnings)
    return {
        "reference": row.reference,
        "value": float(row.value),
        "text": score_text(row.metric, row.value),
        "interval": f"{score_text(row.metric, row.low)} to {score_text(row.metric, row.high)}",
        "left": at(row.low),
        "width": max(round(at(row.high) - at(row.low), 2), 1.0),
        "at": at(row.value),
        "beyond": row.low > scale[1] or row.high < scale[0],
        "trivial": trivial,
        "marks": [] if trivial else notes.marks(row.warnings),
    }


def _cells(rows: pd.DataFrame, shown: list[Column], axes: dict[Any, Any], notes: Notes) -> list[list[dict[str, Any]]]:
    """For each column the cells of the references; a score that a system does not have is left out."""
    by_key = {(r.metric, r.reference): r for r in rows.itertuples()}
    return [
        [_cell(by_key[c.metric, r], axes[c.metric, r], notes) for r in REFERENCES if (c.metric, r) in by_key]
        for c in shown
    ]


def run_facts(comparison: pd.DataFrame) -> pd.DataFrame:
    """One row per run of the study, in the order of the run table."""
    return comparison[comparison["kind"] == "run"].drop_duplicates("system").reset_index(drop=True)


def _costs(row: Any) -> list[dict[str, Any]]:
    """Test loss, parameters, FLOPs and time, as far as they are known."""
    pairs = (
        (row.test_loss, significant),
        (row.parameters, millions),
        (row.flops_spent, power_of_ten),
        (row.seconds, clock),
    )
    return [{"value": float(v), "text": text(v)} if known(v) else {"value": None, "text": "–"} for v, text in pairs]


def _other(
    name: str, rows: pd.DataFrame, shown: list[Column], axes: dict[Any, Any], notes: Notes, origins: Mapping[str, str]
) -> dict[str, Any]:
    told, note = BASELINE_NAMES.get(name, (name, ""))
    return {
        "system": name,
        "name": told,
        "note": origins.get(name, note),
        "cells": _cells(rows, shown, axes, notes),
        "costs": _costs(rows.iloc[0]),
    }


def blocks(
    comparison: pd.DataFrame, shown: list[Column], colors: dict[str, int], origins: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One block per budget: its runs, then every other system, with everything formatted.

    `origins` says of the systems from outside where they come from.
    """
    rows = main_rows(comparison, shown)
    axes = scales(rows)
    found = []
    for (kind, amount), runs in run_facts(comparison).groupby(["budget_kind", "budget"], sort=False):
        notes = Notes()
        entries = [
            {
                "run": run.system,
                "variant": run.variant,
                "color": colors[run.variant],
                "note": f"width {run.d_model}, {run.layers} layers, seed {run.seed}",
                "cells": _cells(rows[rows["system"] == run.system], shown, axes, notes),
                "costs": _costs(run),
            }
            for run in runs.itertuples()
        ]
        others = [
            _other(name, part, shown, axes, notes, origins)
            for name, part in rows[rows["kind"] != "run"].groupby("system", sort=False)
        ]
        counts = " or ".join(f"{n:,}" for n in sorted(set(runs["test_clips"])))
        found.append(
            {"name": budget_name(kind, amount), "rows": entries, "others": others, "notes": notes.shown(),
             "test_clips": f"all {counts} test clips"}
        )  # fmt: skip
    return found
