"""The learning curves: loss against steps, FLOPs or time."""

import math
from typing import Any

import numpy as np
import pandas as pd

from ssmttm.numbers import budget_name
from ssmttm.report.figures.chart import Choice, Figure, axis, chart, dash_of, series
from ssmttm.report.scoreboard import run_facts

POINTS = 300
"""At most so many points of a curve are drawn."""

AXES = {"step": "Optimizer steps", "flops": "Training FLOPs", "seconds": "Seconds of training"}


def smooth(values: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Exponential moving average over about `share` of the curve, without the bias of its start."""
    keep = 1 - 1 / max(1.0, share * len(values))
    total = weight = 0.0
    out = np.empty(len(values))
    for i, value in enumerate(values):
        total, weight = keep * total + (1 - keep) * value, keep * weight + 1 - keep
        out[i] = total / weight if weight else value
    return out


def codes_of(runs: dict[str, Any]) -> int:
    """How many codes a codebook has, by the manifests of a study's runs: they share one codec."""
    return next(iter(runs.values()))["manifest"]["spec"]["data"]["codec"]["codebook_size"]


def guessing(codes: int) -> float:
    """The loss in nats per token of a model that takes all `codes` of a codebook for equally likely."""
    return math.log(codes)


def learning_curves(comparison: pd.DataFrame, curves: pd.DataFrame, colors: dict[str, int], codes: int) -> Figure:
    """Smoothed training loss and measured validation loss of every run, a chart for each budget.

    A level shows the loss of guessing among the `codes` of a codebook.
    """
    level = {"name": f"guessing: ln {codes:,} = {guessing(codes):.2f}", "y": guessing(codes)}
    budgets = list(run_facts(comparison).groupby(["budget_kind", "budget"], sort=False))
    charts = {
        key: [_chart(curves, group, colors, key, title, budget_name(*budget), level) for budget, group in budgets]
        for key, title in AXES.items()
    }
    kept = curves[["run", *AXES, "tokens", "loss", "validation_loss"]]
    return Figure("learning-curves", charts, kept, [Choice("axis", "Against", dict(AXES))])


def _chart(
    curves: pd.DataFrame,
    runs: pd.DataFrame,
    colors: dict[str, int],
    key: str,
    title: str,
    name: str,
    level: dict[str, Any],
) -> dict[str, Any]:
    dashes, drawn = dash_of(runs), []
    for run in runs.itertuples():
        curve = curves[curves["run"] == run.system].sort_values("step")
        loss = smooth(curve["loss"].to_numpy())
        kept = np.unique(np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).round().astype(int))
        measured = curve[curve["validation_loss"].notna()]
        common: dict[str, Any] = {"color": colors[run.variant], "dash": dashes[run.system]}
        thin: dict[str, Any] = {"points": False, "opacity": 0.45}
        drawn.append(series(f"{run.system}, training", x=curve[key].iloc[kept], y=loss[kept], **common, **thin))
        drawn.append(series(run.system, x=measured[key], y=measured["validation_loss"], **common))
    note = "Seconds by the clock: other jobs’ load is in them." if key == "seconds" else ""
    return chart(name, axis(title), axis("Loss, nats per token"), drawn, levels=[level], note=note)
