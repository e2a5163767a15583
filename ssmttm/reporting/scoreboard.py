"""The comparison table as the page shows it: one block per budget, each score with its interval."""

from typing import Any

import pandas as pd

from ssmttm.reporting.numbers import (
    BASELINE_NAMES,
    METRIC_NAMES,
    budget_name,
    clock,
    millions,
    power_of_ten,
    score_text,
    significant,
)

SHOWN = ("frechet", "kl", "text_audio")
REFERENCES = ("codec", "originals")

REACH = 2.5
"""A baseline is on the axis up to this multiple of the runs' largest upper bound."""

_TRIVIAL = "zero by construction"
"""Marks the warning that a score compares audio with itself."""


def scales(comparison: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """The axis of each metric's interval bars, per reference.

    It holds every run. A baseline far beyond them would press them together, so it is left out
    of the axis and marked on the page.
    """
    found = {}
    for (metric, reference), rows in comparison.groupby(["metric", "reference"]):
        models = rows[rows["kind"] == "run"]
        near = rows[rows["high"] <= REACH * max(models["high"].max(), 0.0)]
        if metric == "text_audio":  # bounded, so nothing is far off
            near = rows
        high = max(float(models["high"].max()), float(near["high"].max()) if len(near) else 0.0)
        low = min(float(models["low"].min()), float(near["low"].min()) if len(near) else 0.0, 0.0)
        margin = 0.04 * (high - low) or 1.0
        found[metric, reference] = (low - margin * (low < 0), high + margin)
    return found


def _cell(row: Any, scale: tuple[float, float]) -> dict[str, Any]:
    def at(value: float) -> float:
        share = (value - scale[0]) / (scale[1] - scale[0])
        return round(100 * min(max(share, 0.0), 1.0), 2)

    return {
        "reference": row.reference,
        "value": float(row.value),
        "text": score_text(row.metric, row.value),
        "interval": f"{score_text(row.metric, row.low)} to {score_text(row.metric, row.high)}",
        "left": at(row.low),
        "width": max(round(at(row.high) - at(row.low), 2), 1.0),
        "at": at(row.value),
        "beyond": row.low > scale[1] or row.high < scale[0],
        "trivial": _TRIVIAL in row.warnings,
    }


def _cells(rows: pd.DataFrame, axes: dict) -> dict[str, list[dict[str, Any]]]:
    by_key = {(r.metric, r.reference): r for r in rows.itertuples()}
    return {m: [_cell(by_key[m, ref], axes[m, ref]) for ref in REFERENCES] for m in SHOWN}


def run_facts(comparison: pd.DataFrame) -> pd.DataFrame:
    """One row per run of the study, in the order of the run table."""
    return comparison[comparison["kind"] == "run"].drop_duplicates("system").reset_index(drop=True)


def _costs(run: Any) -> list[dict[str, Any]]:
    numbers = [
        (run.test_loss, significant(run.test_loss)),
        (run.parameters, millions(run.parameters)),
        (run.flops_spent, power_of_ten(run.flops_spent)),
        (run.seconds, clock(run.seconds)),
    ]
    return [{"value": float(value), "text": text} for value, text in numbers]


def blocks(comparison: pd.DataFrame, colors: dict[str, int]) -> list[dict[str, Any]]:
    """One block per budget: its runs, then the baselines, with everything formatted."""
    axes = scales(comparison)
    baselines = [
        {"name": BASELINE_NAMES[name][0], "note": BASELINE_NAMES[name][1], "cells": _cells(rows, axes)}
        for name, rows in comparison[comparison["kind"] == "baseline"].groupby("system", sort=False)
    ]
    found = []
    for (kind, amount), runs in run_facts(comparison).groupby(["budget_kind", "budget"], sort=False):
        rows = [
            {
                "run": run.system,
                "variant": run.variant,
                "color": colors[run.variant],
                "note": f"width {run.d_model}, {run.layers} layers, seed {run.seed}",
                "cells": _cells(comparison[comparison["system"] == run.system], axes),
                "costs": _costs(run),
            }
            for run in runs.itertuples()
        ]
        found.append({"name": budget_name(kind, amount), "rows": rows, "baselines": baselines})
    return found


def cautions(comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """Every warning that came with a score, with the metric and how many systems have it."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in comparison.itertuples():
        for warning in filter(None, row.warnings.split("; ")):
            if row.metric in SHOWN and _TRIVIAL not in warning:
                found.setdefault((row.metric, warning), set()).add(row.system)
    return [{"metric": METRIC_NAMES[m], "warning": w, "systems": len(s)} for (m, w), s in found.items()]
