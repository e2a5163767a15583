"""What a metric is, and how one is computed by name: its module's name is its key.

A module of `ssmttm.evaluation.metrics` has `BETTER` (lower, higher), `DEFINITION`, `INTERVAL` (how its intervals are
made; None if it has none), `evaluate(system, reference, settings)`, which raises ValueError for clips that it can't
score, and perhaps `REFERENCES`, the reference sets that it is taken against, and `backend(embedder)`, what makes its
numbers where that isn't the embedder alone.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import TypedDict

import numpy as np

from ssmttm import plugins
from ssmttm.errors import UserError
from ssmttm.evaluation.cautions import few_clips
from ssmttm.evaluation.clipset import ClipSet
from ssmttm.statistics.bootstrap import mean_interval
from ssmttm.statistics.crossed import exact


@dataclass(frozen=True)
class Settings:
    """How intervals are made (resamples, confidence in (0, 1), seed), and the most training clips that are read."""

    bootstrap: int
    confidence: float
    seed: int
    training_clips: int | None = None


class Outlier(TypedDict):
    """A clip far from the reference."""

    clip_id: str
    value: float


class Number(TypedDict):
    """A number with its interval; both ends are None where no valid one is known."""

    value: float
    low: float | None
    high: float | None


class Score(Number, total=False):
    """A metric's number of one system against one reference, as it stands in the score file."""

    metric: str
    """Of a number beside another one: its name."""
    definition: str
    """What was computed, where it is not the module's DEFINITION."""
    warnings: list[str]
    per_clip: np.ndarray
    """Of a mean over clips: each clip's part, `[clips]`."""
    replicates: np.ndarray
    """Of another number: its values for the resamples, `[resamples]`."""
    also: list["Score"]
    """Numbers beside it."""
    bias: float
    slope: float
    r_squared: float
    sizes: tuple[int, ...]
    distances: tuple[float, ...]
    outliers: list[Outlier]
    threshold: float
    copies: list[dict[str, str | float]]


def load_metric(name: str) -> ModuleType:
    """The metric's module; UserError if there is none of that name."""
    return plugins.load("ssmttm.evaluation.metrics", name, "metric", "evaluation.metrics")


def evaluate(name: str, system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """The metric `name` of one system against one reference.

    Raises UserError with the names of all three where it can't be computed of these clips.
    """
    try:
        score: Score = load_metric(name).evaluate(system, reference, settings)
    except ValueError as error:
        raise UserError(f"{name} of {system.name} against {reference.name}: {error}") from error
    return score


def no_difference() -> Score:
    """The score of the same audio as the reference, where that is zero by construction."""
    return {"value": 0.0, "low": 0.0, "high": 0.0}


def part_score(values: np.ndarray | None, value: float, settings: Settings, share: bool = False) -> Score:
    """A score of a whole set from what each clip adds to it `[clips]` (`ssmttm.statistics.jackknife`).

    Without an interval where that is None. That of a `share` is at least the exact binomial one, since a share of all
    clips, or of none, shows no spread.
    """
    if values is None:
        return {"value": value, "low": None, "high": None}
    low, high = mean_interval(values, settings.confidence)
    if share:
        least, most = exact(value, len(values), settings.confidence)
        low, high = min(low, least), max(high, most)
    return {"value": value, "low": low, "high": high, "per_clip": values}


def mean_score(values: np.ndarray, settings: Settings) -> Score:
    """The mean of a value per clip `[clips]` with its t interval, and a warning if the clips are few."""
    low, high = mean_interval(values, settings.confidence)
    warnings = few_clips(len(values))
    return {"value": float(values.mean()), "low": low, "high": high, "per_clip": values, "warnings": warnings}
