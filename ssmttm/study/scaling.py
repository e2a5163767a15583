"""Score against model size, at equal iterations and at equal FLOPs, and what smaller models lose.

Sizes are told by their share of the largest model's parameters outside embeddings and heads (the
core), where the manifests count those separately: in small models most parameters are entries of
codebooks, which a size doesn't change.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ssmttm.choices import FINAL
from ssmttm.statistics.noise import Noise, line
from ssmttm.statistics.paired import paired_seeds, seed_interval
from ssmttm.study.frames import SCORE, frame_of, standard_error, without_twins
from ssmttm.study_rows import SizeScore, SmallerSize

BASES = ("iterations", "flops")
"""Kinds of budget at which sizes are compared."""

GROUP = [*SCORE, "variant", "basis", "budget"]

FOURTH = 0.25
"""The share of the parameters that the question is about: the size nearest to it stands for it."""

SIZES = 3
"""Sizes that a slope with an interval needs."""


class Slope(NamedTuple):
    """Change of a score with each halving of the parameters; no number where the note says why."""

    slope: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    slope_note: str = ""


class Gap(NamedTuple):
    """The score of a smaller size less that of the largest, and how both were paired."""

    difference: float
    low: float
    high: float
    seeds: int
    paired: Literal["by seed", "by caption", "no"]


def scaling(comparison: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """The table `scaling`: every design that was trained at two sizes or more under one budget.

    `fraction` is the share of the largest model's parameters, `core_fraction` that of the
    parameters outside embeddings and heads; NaN if those aren't known of all. Several seeds are
    averaged, with Student's t interval (`interval` is "seeds"); one seed keeps its score's own
    (`interval` is "captions"). Rows of `comparison` in; those that aren't runs, or that
    `ssmttm.study.frames.twins` names, are left out.
    """
    return frame_of([size for group in _groups(comparison) for size in _sizes(group, confidence)], "scaling")


def scaling_summary(
    comparison: pd.DataFrame,
    noise: Noise,
    differences: pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The table `scaling_summary`: what a design's score loses with fewer parameters.

    `slope` is the change of the score with each halving of the core, a weighted straight line
    through three sizes or more. Of sizes with one seed the errors are as `noise` says, over the same
    captions; scatter beyond the points' errors widens the interval. `difference` is the score of
    the size nearest to a fourth (`smaller`, with its shares) less that of the largest, and `paired`
    how it was got: by seed (two or more in common), by caption (from `differences`, rows of
    that table), or "no" for two intervals put together. `slope_note` says why there is no slope.
    """
    rows = []
    for group in _groups(comparison):
        sizes = _sizes(group, confidence)
        full = max(sizes, key=_share)
        small = min((s for s in sizes if s is not full), key=lambda s: abs(np.log(_share(s)) - np.log(FOURTH)))
        rows.append(
            SmallerSize(
                **{name: getattr(full, name) for name in GROUP},
                sizes=len(sizes),
                **_slope(sizes, group, noise, confidence)._asdict(),
                smaller=small.size,
                fraction=small.fraction,
                core_fraction=small.core_fraction,
                **_gap(small, full, group, differences, confidence)._asdict(),
                better=full.better,
            )
        )
    return frame_of(rows, "scaling_summary")


def _groups(comparison: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Runs of one kind of score, design and budget, where there are two sizes or more."""
    runs = without_twins(comparison[(comparison["kind"] == "run") & comparison["budget_kind"].isin(BASES)])
    for _, group in runs.assign(basis=runs["budget_kind"]).groupby(GROUP, sort=True):
        if group["size"].nunique() > 1:
            yield group


def _sizes(group: pd.DataFrame, confidence: float) -> list[SizeScore]:
    """The sizes of one design under one budget, the largest first."""
    full = group.loc[group["parameters"].astype(float).idxmax()]
    core = "core_parameters" in group and group["core_parameters"].notna().all()
    sizes = []
    for _, runs in group.groupby("size", sort=False):
        row = runs.iloc[0]
        mean = SizeScore(
            **{name: row[name] for name in (*GROUP, "size", "value", "low", "high", "better")},
            seeds=len(runs),
            parameters=round(float(runs["parameters"].astype(float).mean())),
            fraction=1.0,
            interval="captions",
        )
        mean = replace(mean, fraction=mean.parameters / float(full["parameters"]))
        if core:
            count = round(float(runs["core_parameters"].astype(float).mean()))
            mean = replace(mean, core_parameters=count, core_fraction=count / float(full["core_parameters"]))
        if len(runs) > 1:
            over = seed_interval(runs["value"].to_numpy(float), confidence)
            mean = replace(mean, value=over.mean, low=over.low, high=over.high, interval="seeds")
        sizes.append(mean)
    return sorted(sizes, key=lambda size: -size.parameters)


def _share(size: SizeScore) -> float:
    """Of the largest size's parameters outside embeddings and heads, or of all where those aren't known."""
    return size.fraction if size.core_fraction is None else size.core_fraction


def _slope(sizes: list[SizeScore], runs: pd.DataFrame, noise: Noise, confidence: float) -> Slope:
    if len(sizes) < SIZES:
        return Slope(slope_note=f"{len(sizes)} sizes, and a slope with an interval needs {SIZES}")
    value, low, high = (np.array([getattr(s, name) for s in sizes], dtype=float) for name in ("value", "low", "high"))
    if np.isnan([low, high]).any():
        return Slope(slope_note="the score has no interval, so a slope has none")
    halvings = -np.log2([_share(size) for size in sizes])
    sigma = standard_error(low, high, confidence)
    covariance = np.diag(sigma**2)
    one = np.array([size.seeds == 1 for size in sizes])
    if one.any():
        systems = runs.set_index("size")["system"]
        keys = [(systems[size.size], FINAL, *size.key) for size in sizes if size.seeds == 1]
        covariance[np.ix_(one, one)] = noise.covariance(keys, sigma[one])
    slope, error = line(halvings, value, sigma, covariance)
    half = stats.norm.ppf((1 + confidence) / 2) * error
    return Slope(slope, slope - half, slope + half)


def _gap(
    small: SizeScore, full: SizeScore, runs: pd.DataFrame, differences: pd.DataFrame | None, confidence: float
) -> Gap:
    seeds = runs.pivot(index="seed", columns="size", values="value")[[small.size, full.size]].astype(float)
    both = seeds.dropna()
    if len(both) > 1:
        paired = paired_seeds(both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy(), confidence)
        return Gap(paired.difference, paired.low, paired.high, paired.pairs, "by seed")
    if len(both) == 1:
        names = runs[runs["seed"] == both.index[0]].set_index("size")["system"]
        if by_caption := _by_caption(differences, full, names[small.size], names[full.size]):
            return by_caption
    difference = small.value - full.value
    ends = np.array([[size.low, size.high] for size in (small, full)], dtype=float)
    half = float(np.hypot(*(ends[:, 1] - ends[:, 0]))) / 2
    return Gap(difference, difference - half, difference + half, min(small.seeds, full.seeds), "no")


def _by_caption(differences: pd.DataFrame | None, score: SizeScore, a: str, b: str) -> Gap | None:
    """Difference a less b from rows of `differences`, in whichever order they name the two."""
    if differences is None or differences.empty:
        return None
    same = differences[(differences[SCORE] == list(score.key)).all(axis=1)]
    for one, other, sign in ((a, b, 1), (b, a, -1)):
        row = same[(same["a"] == one) & (same["b"] == other)]
        if len(row):
            low, high = sorted(sign * float(row[name].iloc[0]) for name in ("low", "high"))
            return Gap(sign * float(row["difference"].iloc[0]), low, high, 1, "by caption")
    return None
