"""The score files of one system, each opened once, their numbers and their flat rows."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ssmttm.choices import FINAL, metrics_of
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.statistics.bootstrap import NO_INTERVAL

_NUMBERS = ("value", "low", "high")
_AUDIO = ("clip_s", "sample_rate", "channels")
_SOMETIMES = ("bias", "slope", "r_squared")
_ARRAYS = ("per_clip", "replicates")
_TOLD = ("better", "backend", "interval")


class Number(NamedTuple):
    """One number of a score file: what the file tells of it, with its metric's name, against a reference."""

    metric: str
    reference: str
    told: dict[str, Any]
    entry: dict[str, Any]
    """The entry that it stands in, or beside whose number it stands."""


@dataclass(frozen=True)
class ScoreFile:
    """The scores of one system by one embedder; what was kept by clip or by resample as arrays."""

    path: Path
    embedder: str
    content: dict[str, Any]

    @property
    def clip_ids(self) -> list[str]:
        """Of the clips that were scored, in the order of what was kept by clip."""
        return self.content["clip_ids"]

    @property
    def metrics(self) -> dict[str, Any]:
        """What the file holds of each metric."""
        return self.content["metrics"]

    def numbers(self, metric: str) -> Iterator[Number]:
        """Every number of one metric, entry by entry."""
        for entry in self.metrics[metric]["entries"]:
            for told in beside(metric, entry):
                yield Number(told["metric"], entry["reference"], told, entry)


def beside(metric: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """An entry's number and those beside it, each with its metric's name."""
    return [{**entry, "metric": metric}, *entry.get("also", [])]


def read_scores(folder: Path, evaluation: dict[str, Any], checkpoint: str = FINAL) -> list[ScoreFile]:
    """The score files of the system in `folder`, which has `scores/{checkpoint}/`, one per embedder.

    `evaluation` is that section of the config. Raises UserError if a file is missing.
    """
    found = []
    for embedder in evaluation["embedders"]:
        path = score_file(folder, checkpoint, embedder)
        content = read_json(path)
        for score in content.get("metrics", {}).values():
            for entry in score.get("entries", []):
                for part in (entry, *entry.get("also", [])):
                    part.update({key: np.array(part[key], dtype=np.float64) for key in _ARRAYS if key in part})
        found.append(ScoreFile(path, embedder, content))
    return found


def score_rows(files: Iterable[ScoreFile], evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per embedder, metric and reference of one system.

    Raises UserError naming the file when a metric, a reference or a number is missing.
    """
    rows = []
    for file in files:
        for metric in metrics_of(evaluation["metrics"], file.embedder):
            if metric not in file.content.get("metrics", {}):
                raise UserError(f"{file.path}: lacks {metric}; score the system again: ssmttm score --help")
            common = {"embedder": file.embedder, **{key: file.content[key] for key in _AUDIO}}
            rows += [common | row for row in _rows(metric, file)]
    return rows


def score_file(folder: Path, checkpoint: str, embedder: str) -> Path:
    """Where the scores of the system in `folder` by one embedder are."""
    return folder / "scores" / checkpoint / f"{embedder}.json"


def _rows(metric: str, file: ScoreFile) -> Iterable[dict[str, Any]]:
    score, path = file.metrics[metric], file.path
    found = {entry.get("reference") for entry in score.get("entries", [])}
    missing = {"originals", "codec"} - found
    if missing and found != {"training"}:
        raise UserError(f"{path}: {metric}: no entry for reference {', '.join(sorted(missing))}")
    for _, reference, told, entry in file.numbers(metric):
        common = {key: entry[key] for key in ("reference", "confidence", "n", "windows")}
        common |= {key: score[key] for key in _TOLD} | {"warnings": "; ".join(entry["warnings"])}
        row = {"metric": told["metric"], "definition": told.get("definition", score["definition"])}
        row |= {key: told.get(key, math.nan) for key in _NUMBERS}
        if not (_finite(row["value"]) and (_without_interval(row) or _finite(row["low"], row["high"]))):
            raise UserError(f"{path}: {row['metric']} against {reference}: a number is missing")
        interval = {"interval": NO_INTERVAL} if _without_interval(row) else {}
        yield {**row, **{key: told.get(key) for key in _SOMETIMES}, **common, **interval}


def _without_interval(row: dict[str, Any]) -> bool:
    """Both ends are null: the metric has no interval, which is no missing number."""
    return row["low"] is None and row["high"] is None


def _finite(*numbers: Any) -> bool:
    return all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
