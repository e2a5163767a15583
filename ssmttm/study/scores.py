"""The score files of one system, as flat rows."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ssmttm.choices import FINAL, metrics_of
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.statistics.bootstrap import NO_INTERVAL

_NUMBERS = ("value", "low", "high")
_AUDIO = ("clip_s", "sample_rate", "channels")
_SOMETIMES = ("bias", "slope", "r_squared")
_TOLD = ("better", "backend", "interval")


def read_scores(folder: Path, evaluation: dict[str, Any], checkpoint: str = FINAL) -> list[dict[str, Any]]:
    """One row per embedder, metric and reference of the system in `folder`, which has `scores/{checkpoint}/`.

    `evaluation` is that section of the config. Raises UserError naming the file when a metric, a
    reference or a number is missing.
    """
    rows = []
    for embedder in evaluation["embedders"]:
        path = score_file(folder, checkpoint, embedder)
        told = read_json(path)
        for metric in metrics_of(evaluation["metrics"], embedder):
            if metric not in told.get("metrics", {}):
                raise UserError(f"{path}: lacks {metric}; score the system again: ssmttm score --help")
            common = {"embedder": embedder, **{key: told[key] for key in _AUDIO}}
            rows += [common | row for row in _rows(metric, told["metrics"][metric], path)]
    return rows


def score_file(folder: Path, checkpoint: str, embedder: str) -> Path:
    """Where the scores of the system in `folder` by one embedder are."""
    return folder / "scores" / checkpoint / f"{embedder}.json"


def _rows(metric: str, score: dict[str, Any], path: Path) -> Iterable[dict[str, Any]]:
    found = {entry.get("reference") for entry in score.get("entries", [])}
    missing = {"originals", "codec"} - found
    if missing and found != {"training"}:
        raise UserError(f"{path}: {metric}: no entry for reference {', '.join(sorted(missing))}")
    for entry in score["entries"]:
        common = {key: entry[key] for key in ("reference", "confidence", "n", "windows")}
        common |= {key: score[key] for key in _TOLD} | {"warnings": "; ".join(entry["warnings"])}
        for part in ({**entry, "metric": metric, "definition": score["definition"]}, *entry.get("also", [])):
            row = {key: part.get(key, math.nan) for key in ("metric", "definition", *_NUMBERS)}
            if not (_finite(row["value"]) and (_without_interval(row) or _finite(row["low"], row["high"]))):
                raise UserError(f"{path}: {row['metric']} against {entry['reference']}: a number is missing")
            interval = {"interval": NO_INTERVAL} if _without_interval(row) else {}
            yield {**row, **{key: part.get(key) for key in _SOMETIMES}, **common, **interval}


def _without_interval(row: dict[str, Any]) -> bool:
    """Both ends are null: the metric has no interval, which is no missing number."""
    return row["low"] is None and row["high"] is None


def _finite(*numbers: Any) -> bool:
    return all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
