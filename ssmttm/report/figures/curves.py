"""The learning curves: loss against steps, FLOPs or time."""

import math

import numpy as np
import pandas as pd

from ssmttm.numbers import budget_name
from ssmttm.report.figures.chart import Axis, Chart, Figure, Level, Selector, Series, dash_of, rounded
from ssmttm.report.scoreboard import run_rows
from ssmttm.study.folder import Study

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


def codes_of(study: Study) -> int:
    """How many codes a codebook has: the runs of a study share one codec."""
    return next(iter(study.specs.values()))["data"]["codec"]["codebook_size"]


def guessing(codes: int) -> float:
    """The loss in nats per token of a model that takes all `codes` of a codebook for equally likely."""
    return math.log(codes)


def learning_curves(study: Study, colors: dict[str, int]) -> Figure:
    """Smoothed training loss and measured validation loss of every run, a chart for each budget.

    Levels are the losses of guessing among the codes of a codebook, and of counted pairs of codes.
    """
    curves, codes = study["curves"], codes_of(study)
    levels = [Level(f"guessing: ln {codes:,} = {guessing(codes):.2f}", guessing(codes)), *_bigram(study)]
    budgets = list(run_rows(study["comparison"]).groupby(["budget_kind", "budget"], sort=False))
    charts = {
        key: [
            Chart(
                budget_name(*budget),
                Axis(title),
                Axis("Loss, nats per token"),
                _series(curves, runs, colors, key),
                levels=levels,
                note="Seconds by the clock: other jobs’ load is in them." if key == "seconds" else "",
            )
            for budget, runs in budgets
        ]
        for key, title in AXES.items()
    }
    table = curves[["run", *AXES, "tokens", "loss", "validation_loss"]]
    return Figure("learning-curves", charts, table, [Selector("axis", "Against", dict(AXES))])


def _bigram(study: Study) -> list[Level]:
    """What counting pairs of codes reaches, on the test split."""
    rows = study["losses"]
    rows = rows[(rows["system"] == "bigram") & (rows["split"] == "test")]
    return [Level(f"pairs of codes, counted: {loss:.2f}", loss) for loss in rows["loss"]]


def _series(curves: pd.DataFrame, runs: pd.DataFrame, colors: dict[str, int], key: str) -> list[Series]:
    dashes, found = dash_of(runs), []
    for run in runs.itertuples():
        curve = curves[curves["run"] == run.system].sort_values("step")
        loss = smooth(curve["loss"].to_numpy())
        kept = np.unique(np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).round().astype(int))
        measured = curve[curve["validation_loss"].notna()]
        color, dash = colors[run.variant], dashes[run.system]
        x, y = rounded(curve[key].iloc[kept]), rounded(loss[kept])
        found.append(Series(f"{run.system}, training", color, x, y, dash=dash, points=False, opacity=0.45))
        x, y = rounded(measured[key]), rounded(measured["validation_loss"])
        found.append(Series(run.system, color, x, y, dash=dash))
    return found
