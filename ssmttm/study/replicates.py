"""Scores over resampled captions, from the score files: kept in memory, for the errors of fits."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.statistics.bootstrap import resamples
from ssmttm.statistics.noise import DRAWS, Key
from ssmttm.study.scores import score_file


def read_replicates(systems: Iterable[tuple[Path, str, str]], evaluation: dict[str, Any]) -> dict[Key, np.ndarray]:
    """Replicates `[draws]`, at most `DRAWS`, of each score that was kept by clip or by resample.

    `systems` are folders with the name of their system and of a checkpoint; `evaluation` is that
    section of the config. Row i of all is over the same captions, those of the first system: one
    with other captions has none. UserError for a file of another number of resamples.
    """
    found: dict[Key, np.ndarray] = {}
    captions: list[str] | None = None
    for folder, system, checkpoint in systems:
        for embedder in evaluation["embedders"]:
            path = score_file(folder, checkpoint, embedder)
            told = read_json(path)
            captions = told["clip_ids"] if captions is None else captions
            if told["clip_ids"] == captions:
                for metric, reference, part in _parts(told):
                    drawn = _drawn(part, evaluation, f"{path}: {metric}")
                    if drawn is not None:
                        found[system, checkpoint, embedder, metric, reference] = drawn
    return found


def _parts(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every number of a score file with its metric and reference."""
    for metric, score in told["metrics"].items():
        for entry in score["entries"]:
            for part in ({**entry, "metric": metric}, *entry.get("also", [])):
                yield part["metric"], entry["reference"], part


def _drawn(part: dict[str, Any], evaluation: dict[str, Any], where: str) -> np.ndarray | None:
    count = evaluation["bootstrap"]
    if "per_clip" in part:
        values = np.array(part["per_clip"], dtype=np.float64)
        return values[_indices(len(values), count, evaluation["seed"])].mean(axis=1)
    if "replicates" not in part:
        return None
    if len(part["replicates"]) != count:
        raise UserError(
            f"{where} has {len(part['replicates'])} resamples, but evaluation.bootstrap is {count}; score again"
        )
    return np.array(part["replicates"][:DRAWS], dtype=np.float64)


@lru_cache(maxsize=4)
def _indices(clips: int, count: int, seed: int) -> np.ndarray:
    return resamples(clips, count, seed)[:DRAWS]
