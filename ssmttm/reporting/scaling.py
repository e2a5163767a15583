"""Score against model size, at equal iterations and at equal FLOPs, and what smaller models cost."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ssmttm.metrics.paired import paired_seeds, seed_interval
from ssmttm.reporting.frames import SCORE, frame_of, standard_error, without_twins

BASES = {"iterations": "iterations", "flops": "flops"}
"""Kinds of budget at which sizes are compared."""

GROUP = [*SCORE, "variant", "basis", "budget"]

SCALING = [*SCORE, "variant", "basis", "size", "parameters", "seeds", "value", "low", "high"]
SCALING += ["budget", "fraction", "interval", "better"]

SUMMARY = [*GROUP, "sizes", "slope", "slope_low", "slope_high", "slope_note"]
SUMMARY += ["quarter", "difference", "low", "high", "seeds", "paired", "note", "better"]

QUARTER = (0.18, 0.35)
"""Shares of the largest model's parameters that count as a fourth."""

SIZES = 3
"""Sizes that a slope with an interval needs."""


def scaling(comparison: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Every design that was trained at two sizes or more under one budget: the columns `SCALING`.

    `fraction` is the share of the largest model's parameters. Several seeds are averaged, with
    Student's t interval (`interval` is "seeds"); one seed keeps its score's own (`interval` is
    "captions"). Rows of comparison.parquet in; those that aren't runs, or that
    `ssmttm.reporting.frames.twins` names, are left out.
    """
    rows = []
    for key, group in _groups(comparison):
        largest = group["parameters"].max()
        for size, runs in group.groupby("size", sort=False):
            parameters = round(float(runs["parameters"].mean()))
            row = {"size": size, "parameters": parameters, "fraction": parameters / float(largest)}
            rows.append({**key, **row, **_mean(runs, confidence), "better": runs["better"].iloc[0]})
    frame = frame_of(rows, SCALING)
    order = [*SCORE, "variant", "basis", "budget", "parameters"]
    return frame.sort_values(order, ascending=[True] * 6 + [False]).reset_index(drop=True)


def scaling_summary(
    comparison: pd.DataFrame, differences: pd.DataFrame | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """What each halving of a design's parameters, and a fourth of them, does to its score: the columns `SUMMARY`.

    `slope` is the change of the score with each halving, a weighted straight line through three
    sizes or more; scatter beyond the points' errors widens its interval. `difference` is the
    score of the size nearest to a fourth (`quarter`) less that of the largest, and `paired` how it
    was got: by seed (two or more in common), by caption (from `differences`, rows of
    differences.parquet), or "no" for two intervals put together. What there is not is NaN, with
    `slope_note` or `note` saying why.
    """
    points = scaling(comparison, confidence)
    rows = []
    for key, group in _groups(comparison):
        same = (points[list(key)] == list(key.values())).all(axis=1)
        own = points[same]
        quarter = {**_quarter(own, group, differences, confidence), "better": own["better"].iloc[0]}
        rows.append({**key, "sizes": len(own), **_slope(own, confidence), **quarter})
    return frame_of(rows, SUMMARY)


def _groups(comparison: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Runs of one kind of score, design and budget, where there are two sizes or more."""
    runs = without_twins(comparison[(comparison["kind"] == "run") & comparison["budget_kind"].isin(BASES)])
    runs = runs.assign(basis=runs["budget_kind"].map(BASES))
    for key, group in runs.groupby(GROUP, sort=True):
        if group["size"].nunique() > 1:
            yield dict(zip(GROUP, key)), group


def _mean(runs: pd.DataFrame, confidence: float) -> dict[str, Any]:
    if len(runs) == 1:
        return {"seeds": 1, **{k: float(runs[k].iloc[0]) for k in ("value", "low", "high")}, "interval": "captions"}
    found = seed_interval(runs["value"].to_numpy(float), confidence)
    return {"seeds": found.seeds, "value": found.mean, "low": found.low, "high": found.high, "interval": "seeds"}


def _slope(points: pd.DataFrame, confidence: float) -> dict[str, Any]:
    if len(points) < SIZES:
        return {"slope_note": f"{len(points)} sizes: a slope with an interval needs {SIZES}"}
    halvings = -np.log2(points["fraction"].to_numpy(float))
    sigma = np.asarray(standard_error(points["low"], points["high"], confidence), dtype=float)
    slope, error = line(halvings, points["value"].to_numpy(float), sigma)
    half = stats.norm.ppf((1 + confidence) / 2) * error
    return {"slope": slope, "slope_low": slope - half, "slope_high": slope + half, "slope_note": ""}


def line(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
    """Slope of the weighted straight line through `y` `[n]` with errors `sigma` `[n]`, and the slope's standard error.

    Errors that don't explain the scatter are enlarged until they do (Birge 1932). Where all are
    zero, the scatter alone gives them.
    """
    known = sigma > 0
    error = np.where(known, sigma, sigma[known].min()) if known.any() else np.ones_like(sigma)
    weights = error**-2
    centred = x - (weights * x).sum() / weights.sum()
    spread = (weights * centred**2).sum()
    slope = (weights * centred * y).sum() / spread
    residual = y - (weights * y).sum() / weights.sum() - slope * centred
    scatter = np.sqrt((weights * residual**2).sum() / (len(x) - 2))
    return float(slope), float(max(1.0, scatter) / np.sqrt(spread) if known.any() else scatter / np.sqrt(spread))


def _quarter(
    points: pd.DataFrame, runs: pd.DataFrame, differences: pd.DataFrame | None, confidence: float
) -> dict[str, Any]:
    near = points[points["fraction"].between(*QUARTER)]
    if near.empty:
        shares = ", ".join(f"{f:.3g}" for f in points["fraction"].iloc[1:])
        return {"note": f"no size near a fourth of the parameters; shares are {shares}", "paired": ""}
    small = near.loc[(np.log(near["fraction"]) - np.log(0.25)).abs().idxmin()]
    full = points.loc[points["fraction"].idxmax()]
    found = {"quarter": small["size"], "note": ""}
    seeds = runs.pivot(index="seed", columns="size", values="value")[[small["size"], full["size"]]].astype(float)
    both = seeds.dropna()
    if len(both) > 1:
        paired = paired_seeds(*both.to_numpy().T, confidence)
        numbers = {"difference": paired.difference, "low": paired.low, "high": paired.high, "seeds": paired.pairs}
        return {**found, **numbers, "paired": "by seed"}
    if len(both) == 1:
        names = runs[runs["seed"] == both.index[0]].set_index("size")["system"]
        by_caption = _by_caption(differences, runs.iloc[0], names[small["size"]], names[full["size"]])
        if by_caption:
            return {**found, **by_caption, "seeds": 1, "paired": "by caption"}
    difference = float(small["value"] - full["value"])
    half = np.hypot(small["high"] - small["low"], full["high"] - full["low"]) / 2
    numbers = {"difference": difference, "low": difference - half, "high": difference + half}
    seeds = int(min(small["seeds"], full["seeds"]))
    return {**found, **numbers, "seeds": seeds, "paired": "no"}


def _by_caption(differences: pd.DataFrame | None, score: Mapping[str, Any], a: str, b: str) -> dict[str, float]:
    """Difference a less b from rows of differences.parquet, in whichever order they name the two."""
    if differences is None or differences.empty:
        return {}
    same = differences[(differences[SCORE] == [score[name] for name in SCORE]).all(axis=1)]
    for one, other, sign in ((a, b, 1), (b, a, -1)):
        row = same[(same["a"] == one) & (same["b"] == other)]
        if len(row):
            low, high = sorted(sign * float(row[k].iloc[0]) for k in ("low", "high"))
            return {"difference": sign * float(row["difference"].iloc[0]), "low": low, "high": high}
    return {}
