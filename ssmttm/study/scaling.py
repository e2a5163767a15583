"""Score against model size, at equal iterations and at equal FLOPs, and what smaller models lose.

Sizes are told by their share of the largest model's parameters outside embeddings and heads (the
core), where the manifests count those apart: in small models most parameters are entries of
codebooks, which a size doesn't change.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ssmttm.choices import FINAL
from ssmttm.statistics.noise import Noise, line
from ssmttm.statistics.paired import paired_seeds, seed_interval
from ssmttm.study.frames import SCORE, frame_of, standard_error, without_twins

BASES = {"iterations": "iterations", "flops": "flops"}
"""Kinds of budget at which sizes are compared."""

GROUP = [*SCORE, "variant", "basis", "budget"]

SCALING = [*SCORE, "variant", "basis", "size", "parameters", "seeds", "value", "low", "high"]
SCALING += ["budget", "fraction", "core_parameters", "core_fraction", "interval", "better"]

SUMMARY = [*GROUP, "sizes", "slope", "slope_low", "slope_high", "slope_note"]
SUMMARY += ["smaller", "fraction", "core_fraction", "difference", "low", "high", "seeds", "paired", "better"]

FOURTH = 0.25
"""The share of the parameters that the question is about: the size nearest to it stands for it."""

SIZES = 3
"""Sizes that a slope with an interval needs."""


def scaling(comparison: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Every design that was trained at two sizes or more under one budget: the columns `SCALING`.

    `fraction` is the share of the largest model's parameters, `core_fraction` that of the
    parameters outside embeddings and heads; NaN if those aren't known of all. Several seeds are
    averaged, with Student's t interval (`interval` is "seeds"); one seed keeps its score's own
    (`interval` is "captions"). Rows of comparison.parquet in; those that aren't runs, or that
    `ssmttm.study.frames.twins` names, are left out.
    """
    rows = []
    for key, group in _groups(comparison):
        full = group.loc[group["parameters"].astype(float).idxmax()]
        core = "core_parameters" in group and group["core_parameters"].notna().all()
        for size, runs in group.groupby("size", sort=False):
            row = {"size": size, **_share("parameters", "fraction", runs, full)}
            row |= _share("core_parameters", "core_fraction", runs, full) if core else {}
            rows.append({**key, **row, **_mean(runs, confidence), "better": runs["better"].iloc[0]})
    frame = frame_of(rows, SCALING)
    order = [*SCORE, "variant", "basis", "budget", "parameters"]
    return frame.sort_values(order, ascending=[True] * 6 + [False]).reset_index(drop=True)


def scaling_summary(
    comparison: pd.DataFrame,
    noise: Noise,
    differences: pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What a design's score loses with fewer parameters: the columns `SUMMARY`.

    `slope` is the change of the score with each halving of the core, a weighted straight line
    through three sizes or more. Of sizes with one seed the errors are as `noise` says, over the same
    captions; scatter beyond the points' errors widens the interval. `difference` is the score of
    the size nearest to a fourth (`smaller`, with its shares) less that of the largest, and `paired`
    how it was got: by seed (two or more in common), by caption (from `differences`, rows of
    differences.parquet), or "no" for two intervals put together. `slope_note` says why there is no
    slope.
    """
    points = scaling(comparison, confidence)
    rows = []
    for key, group in _groups(comparison):
        same = (points[list(key)] == list(key.values())).all(axis=1)
        own = points[same].assign(share=lambda p: p["core_fraction"].fillna(p["fraction"]))
        smaller = {**_smaller(own, group, differences, confidence), "better": own["better"].iloc[0]}
        rows.append({**key, "sizes": len(own), **_slope(own, group, noise, confidence), **smaller})
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


def _share(count: str, share: str, runs: pd.DataFrame, full: pd.Series) -> dict[str, float]:
    """Parameters of one size, and their share of those of the largest."""
    own = round(float(runs[count].astype(float).mean()))
    return {count: own, share: own / float(full[count])}


def _slope(points: pd.DataFrame, runs: pd.DataFrame, noise: Noise, confidence: float) -> dict[str, Any]:
    if len(points) < SIZES:
        return {"slope_note": f"{len(points)} sizes, and a slope with an interval needs {SIZES}"}
    if points[["low", "high"]].isna().any(axis=None):
        return {"slope_note": "the score has no interval, so a slope has none"}
    halvings = -np.log2(points["share"].to_numpy(float))
    sigma = np.asarray(standard_error(points["low"], points["high"], confidence), dtype=float)
    covariance = np.diag(sigma**2)
    one = (points["seeds"] == 1).to_numpy(bool)
    if one.any():
        systems = runs.set_index("size")["system"][points.loc[one, "size"]]
        score = [runs[name].iloc[0] for name in SCORE]
        covariance[np.ix_(one, one)] = noise.covariance([(s, FINAL, *score) for s in systems], sigma[one])
    slope, error = line(halvings, points["value"].to_numpy(float), sigma, covariance)
    half = stats.norm.ppf((1 + confidence) / 2) * error
    return {"slope": slope, "slope_low": slope - half, "slope_high": slope + half, "slope_note": ""}


def _smaller(
    points: pd.DataFrame, runs: pd.DataFrame, differences: pd.DataFrame | None, confidence: float
) -> dict[str, Any]:
    full = points.loc[points["share"].idxmax()]
    others = points.drop(index=full.name)
    small = others.loc[(np.log(others["share"]) - np.log(FOURTH)).abs().idxmin()]
    found = {"smaller": small["size"], "fraction": small["fraction"], "core_fraction": small["core_fraction"]}
    seeds = runs.pivot(index="seed", columns="size", values="value")[[small["size"], full["size"]]].astype(float)
    both = seeds.dropna()
    if len(both) > 1:
        paired = paired_seeds(both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy(), confidence)
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
    count = int(min(small["seeds"], full["seeds"]))
    return {**found, **numbers, "seeds": count, "paired": "no"}


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
