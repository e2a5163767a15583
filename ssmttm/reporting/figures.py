"""The data of the interactive figures: plain dictionaries that the page's script draws.

Colors are not decided here: a trace names its variant's number, and the style sheet has a
color for it in each theme.
"""

from typing import Any

import numpy as np
import pandas as pd

from ssmttm.reporting.numbers import METRIC_NAMES, millions

POINTS = 400
"""At most so many points of a curve are drawn."""

AXES = {"step": "Optimizer steps", "flops": "Training FLOPs", "seconds": "Seconds of training"}

DASHES = ("solid", "dash", "dot", "dashdot")
"""By size, largest first."""


def smooth(values: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Exponential moving average over about `share` of the curve, without the bias of its start."""
    keep = 1 - 1 / max(1.0, share * len(values))
    total = weight = 0.0
    out = np.empty(len(values))
    for i, value in enumerate(values):
        total, weight = keep * total + (1 - keep) * value, keep * weight + 1 - keep
        out[i] = total / weight if weight else value
    return out


def dash_of(runs: pd.DataFrame) -> dict[str, str]:
    """The dash of each run: by the rank of its size among the runs of its variant."""
    dashes = {}
    for _, group in runs.groupby("variant"):
        sizes = sorted(set(group["parameters"]), reverse=True)
        for run in group.itertuples():
            dashes[run.system] = DASHES[min(sizes.index(run.parameters), len(DASHES) - 1)]
    return dashes


def learning_curves(curves: pd.DataFrame, runs: pd.DataFrame, colors: dict[str, int]) -> list[dict[str, Any]]:
    """The traces of one budget: for each run its smoothed training and its validation loss."""
    dashes, traces = dash_of(runs), []
    for run in runs.itertuples():
        curve = curves[curves["run"] == run.system].sort_values("step")
        loss = smooth(curve["loss"].to_numpy())
        kept = np.unique(np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).round().astype(int))
        measured = curve[curve["validation_loss"].notna()]
        traces.append(
            {
                "name": run.system,
                "color": colors[run.variant],
                "dash": dashes[run.system],
                "training": {**_columns(curve.iloc[kept]), "y": _plain(loss[kept])},
                "validation": {**_columns(measured), "y": _plain(measured["validation_loss"])},
            }
        )
    return traces


def _columns(curve: pd.DataFrame) -> dict[str, list[float]]:
    return {axis: _plain(curve[axis]) for axis in AXES}


def _plain(values: Any) -> list[float]:
    """Six significant digits: more can't be seen, and cost bytes."""
    return [float(f"{v:.6g}") for v in values]


def scaled_groups(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Runs of one variant, budget and seed that differ in size: one table for each such family."""
    families = runs.groupby(["budget_kind", "budget", "variant", "seed"], sort=False)
    return [g.sort_values("parameters") for _, g in families if g["parameters"].nunique() > 1]


def scaling(comparison: pd.DataFrame, runs: pd.DataFrame, colors: dict[str, int]) -> list[dict[str, Any]]:
    """One panel per measure: its value against parameters, a line per family of sizes."""
    groups = scaled_groups(runs)
    if not groups:
        return []
    ticks = _ticks([int(p) for g in groups for p in g["parameters"]])
    panels = [
        {
            "ticks": ticks,
            "title": "Test loss",
            "better": "lower",
            "traces": [_trace(g, g["test_loss"], colors) for g in groups],
        }
    ]
    for metric in ("frechet", "kl", "text_audio"):
        scores = comparison[(comparison["metric"] == metric) & (comparison["reference"] == "codec")]
        by_run = scores.set_index("system")
        traces = [_trace(g, by_run.loc[g["system"], "value"], colors, by_run.loc[g["system"]]) for g in groups]
        better = scores["better"].iloc[0]
        panels.append({"title": METRIC_NAMES[metric], "better": better, "ticks": ticks, "traces": traces})
    return panels


def _ticks(sizes: list[int]) -> list[tuple[int, str]]:
    """The sizes themselves as ticks of a logarithmic axis, less those too near the one before."""
    ticks: list[tuple[int, str]] = []
    for size in sorted(set(sizes)):
        if not ticks or size > 1.25 * ticks[-1][0]:
            ticks.append((size, millions(size)))
    return ticks


def _trace(group: pd.DataFrame, values: Any, colors: dict[str, int], scores: pd.DataFrame | None = None) -> dict:
    variant = group["variant"].iloc[0]
    trace: dict[str, Any] = {
        "name": variant,
        "color": colors[variant],
        "x": [int(v) for v in group["parameters"]],
        "y": _plain(values),
        "text": [f"{name} · {millions(p)}" for name, p in zip(group["system"], group["parameters"], strict=True)],
    }
    if scores is not None:
        trace["above"] = _plain(scores["high"] - scores["value"])
        trace["below"] = _plain(scores["value"] - scores["low"])
    return trace
