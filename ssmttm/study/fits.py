"""Quality against cost: a power law for each design's points, as a table.

Points are scores of one model size: the finished models of several runs of a design stand on one
curve (`ssmttm.study.derive.ends`), each of which ended there by a schedule of its own. All points are
resampled over the same captions (`ssmttm.statistics.noise`), except published ones. Scores without an
interval get no fit, since how far they are off isn't known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ssmttm.errors import UserError
from ssmttm.seeds import stable_int
from ssmttm.statistics.noise import Key, Noise, weights_of
from ssmttm.statistics.power_law import Law, fit_law
from ssmttm.study.frames import SCORE, frame_of, standard_error, without_twins
from ssmttm.study_rows import Design, Fit, FitPoint

COSTS = ("steps", "flops", "gpu_hours", "clips_seen")


@dataclass(frozen=True)
class Points:
    """Scores of one kind, of a design or of one run, in the order of their cost."""

    design: Design
    better: str
    cost: np.ndarray
    value: np.ndarray
    sigma: np.ndarray
    """Standard errors, from the points' own intervals."""
    scores: list[Key]
    """Which score each point is."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the points are of."""
        return (*self.design.key, self.design.variant, self.design.size)

    @property
    def turned(self) -> np.ndarray:
        """The values, turned over where higher is better."""
        return self.value if self.better == "lower" else -self.value

    @property
    def weights(self) -> np.ndarray:
        """By standard errors; they add up to one."""
        return weights_of(self.sigma)

    def errors(self, noise: Noise) -> np.ndarray:
        """Errors of the values `[draws, n]`."""
        return noise.of(self.scores, self.sigma)

    def covariance(self, noise: Noise) -> np.ndarray:
        """Covariance of the same errors `[n, n]`."""
        return noise.covariance(self.scores, self.sigma)

    def law(self, noise: Noise) -> Law:
        """The fit; its draws depend on what the points are, not on where they stand."""
        seed = stable_int(noise.seed, *self.names)
        errors, covariance = self.errors(noise), self.covariance(noise)
        return fit_law(self.cost, self.value, self.sigma, self.better, errors, covariance, seed)


def largest_size(progress: pd.DataFrame) -> str:
    """The size whose runs have the most parameters, in the mean."""
    return str(progress.groupby("size")["parameters"].mean().astype(float).idxmax())


def points(progress: pd.DataFrame, cost: str, size: str | None = None, confidence: float = 0.95) -> Iterator[Points]:
    """Every design's points at one size, by kind of score.

    Args:
        progress: rows of progress.parquet.
        cost: steps, flops, gpu_hours or clips_seen.
        size: a model size; None is the largest.
        confidence: of the points' intervals.

    Raises UserError for another cost, and where a cost or a score is missing or no number.
    """
    if progress.empty:
        _check_axis(cost)
        return
    size = largest_size(progress) if size is None else size
    rows = without_twins(progress[progress["size"] == size], "run")
    yield from _points(rows, cost, confidence)


def points_of_run(progress: pd.DataFrame, run: str, cost: str, confidence: float) -> Iterator[Points]:
    """The points of one run alone; arguments and errors as `points`."""
    yield from _points(progress[progress["run"] == run], cost, confidence)


def _points(rows: pd.DataFrame, cost: str, confidence: float) -> Iterator[Points]:
    _check_axis(cost)
    rows = rows[rows[["low", "high"]].notna().any(axis=1)]
    numbers = rows[[cost, "value", "low", "high"]].astype("Float64").astype(float)
    if not np.isfinite(numbers.to_numpy()).all() or (numbers[cost] <= 0).any():
        bad = rows.loc[~np.isfinite(numbers).all(axis=1) | (numbers[cost] <= 0), "run"].iloc[0]
        raise UserError(f"progress of {bad}: {cost}, value, low and high must be numbers, and {cost} more than zero")
    rows = rows.assign(**numbers).sort_values([cost, "value"])
    for key, group in rows.groupby([*SCORE, "variant"], sort=True):
        sigma = standard_error(group["low"], group["high"], confidence).to_numpy()
        yield Points(
            design=Design(**dict(zip([*SCORE, "variant"], key)), size=group["size"].iloc[0]),
            better=group["better"].iloc[0],
            cost=group[cost].to_numpy(),
            value=group["value"].to_numpy(),
            sigma=np.maximum(sigma, 0),
            scores=[(run, checkpoint, *key[:3]) for run, checkpoint in zip(group["run"], group["checkpoint"])],
        )


def _check_axis(cost: str) -> None:
    if cost not in COSTS:
        raise UserError(f"no cost axis {cost!r}; there are {', '.join(COSTS)}")


def fits(
    progress: pd.DataFrame, cost: str, noise: Noise, size: str | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """The table `fits`: one power law per embedder, metric, reference and variant.

    Arguments as `points`; `noise` has the errors of the points.
    """
    rows = []
    for group in points(progress, cost, size, confidence):
        law = group.law(noise)
        fit = Fit(**vars(group.design), cost=cost, points=law.points, note=law.note)
        if not law.note:
            fit = replace(fit, limit=law.limit, scale=law.scale, exponent=law.exponent, r2=law.r2)
            (low, high), (least, most) = law.interval(0, confidence), law.interval(2, confidence)
            fit = replace(fit, limit_low=low, limit_high=high, exponent_low=least, exponent_high=most)
        rows.append(fit)
    return frame_of(rows, "fits")


def curves(
    progress: pd.DataFrame,
    cost: str,
    noise: Noise,
    size: str | None = None,
    confidence: float = 0.95,
    count: int = 40,
) -> pd.DataFrame:
    """The table `fit_curves`: the fitted curves with their intervals at `count` costs over the measured range.

    Points without a fit have no rows.
    """
    rows = []
    for group in points(progress, cost, size, confidence):
        law = group.law(noise)
        if law.note:
            continue
        at = np.geomspace(group.cost[0], group.cost[-1], count)
        numbers = zip(at, law.predict(at), *law.predict_interval(at, confidence))
        rows += [
            FitPoint(**vars(group.design), cost=cost, at=a, value=value, low=low, high=high)
            for a, value, low, high in numbers
        ]
    return frame_of(rows, "fit_curves")
