"""The score files of one system: each is opened once, and its numbers come out as flat rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ssmttm.choices import FINAL, metrics_of
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.settings import EvaluationSettings
from ssmttm.statistics.bootstrap import NO_INTERVAL
from ssmttm.study.folder import Copy, Outlier
from ssmttm.study_rows import Score

Entry = Mapping[str, Any]
"""What a score file, and a metric's `evaluate`, say of one number, or of several against one reference."""


class Sample(NamedTuple):
    """A number with what it was made of; neither array where it has no interval."""

    value: float
    per_clip: np.ndarray | None
    """`[clips]`, whose mean is the number."""
    replicates: np.ndarray | None
    """The number of each resample `[resamples]`."""


class Measured(NamedTuple):
    """A number of a score file as a row, and as a sample."""

    score: Score
    sample: Sample


@dataclass(frozen=True)
class ScoreFile:
    """The scores of one system by one embedder."""

    path: Path
    system: str
    embedder: str
    clip_ids: list[str]
    """Of the clips that were scored, in the order of what was kept by clip."""
    numbers: list[Measured]
    outliers: list[Outlier] | None
    """The clips farthest from the originals; None if the Fréchet distance was not computed, as of the copies."""
    copies: list[Copy] | None


def beside(metric: str, entry: Entry) -> list[Entry]:
    """An entry's number and those beside it, each with its metric's name."""
    return [{**entry, "metric": metric}, *entry.get("also", [])]


def sample_of(entry: Entry) -> Sample:
    """The sample of one number."""
    per_clip, replicates = (
        np.array(entry[key], dtype=np.float64) if key in entry else None for key in ("per_clip", "replicates")
    )
    return Sample(entry["value"], per_clip, replicates)


def read_scores(folder: Path, evaluation: EvaluationSettings, checkpoint: str = FINAL) -> list[ScoreFile]:
    """The score files of the system in `folder`, which has `scores/{checkpoint}/`, one per embedder.

    Raises UserError naming the file if it is missing, or lacks a metric, a reference or a number.
    """
    return [
        _read(score_file(folder, checkpoint, embedder), embedder, metrics_of(evaluation["metrics"], embedder))
        for embedder in evaluation["embedders"]
    ]


def score_file(folder: Path, checkpoint: str, embedder: str) -> Path:
    """Where the scores of the system in `folder` by one embedder are."""
    return folder / "scores" / checkpoint / f"{embedder}.json"


def _read(path: Path, embedder: str, metrics: list[str]) -> ScoreFile:
    content = read_json(path)
    scored = content.get("metrics", {})
    numbers = []
    for metric in metrics:
        if metric not in scored:
            raise UserError(f"{path}: lacks {metric}; score the system again: ssmttm score --help")
        entries = scored[metric].get("entries", [])
        references = {entry.get("reference") for entry in entries}
        missing = {"originals", "codec"} - references
        if missing and references != {"training"}:
            raise UserError(f"{path}: {metric}: no entry for reference {', '.join(sorted(missing))}")
        for entry in entries:
            numbers += [_measured(path, content, scored[metric], entry, part) for part in beside(metric, entry)]
    by_reference = {entry["reference"]: entry for entry in scored.get("frechet", {}).get("entries", [])}
    outliers = by_reference["originals"].get("outliers", []) if "originals" in by_reference else None
    copies = [entry["copies"] for entry in scored.get("training_copies", {}).get("entries", [])]
    return ScoreFile(
        path, content["system"], embedder, content["clip_ids"], numbers, outliers, copies[-1] if copies else None
    )


def _measured(path: Path, content: Entry, metric: Entry, entry: Entry, part: Entry) -> Measured:
    """`part` is the number's own part of `entry`, which all numbers against one reference have in common."""
    value, low, high = (part.get(key, math.nan) for key in ("value", "low", "high"))
    without_interval = low is None and high is None  # which is no missing number
    if not (_finite(value) and (without_interval or _finite(low, high))):
        raise UserError(f"{path}: {part['metric']} against {entry['reference']}: a number is missing")
    score = Score(
        embedder=content["embedder"],
        metric=part["metric"],
        reference=entry["reference"],
        value=value,
        low=low,
        high=high,
        bias=part.get("bias"),
        slope=part.get("slope"),
        r_squared=part.get("r_squared"),
        n=entry["n"],
        windows=entry["windows"],
        better=metric["better"],
        confidence=entry["confidence"],
        definition=part.get("definition", metric["definition"]),
        backend=metric["backend"],
        interval=NO_INTERVAL if without_interval else metric["interval"],
        warnings="; ".join(entry["warnings"]),
        clip_s=content["clip_s"],
        sample_rate=content["sample_rate"],
        channels=content["channels"],
    )
    return Measured(score, sample_of(part))


def _finite(*numbers: object) -> bool:
    return all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
