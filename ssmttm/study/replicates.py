"""Scores over resampled captions, from the score files: kept in memory, for the errors of fits."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from ssmttm.errors import UserError
from ssmttm.statistics.bootstrap import resamples
from ssmttm.statistics.noise import DRAWS, Key
from ssmttm.study.scores import ScoreFile


class Replicates:
    """Replicates `[draws]`, at most `DRAWS`, of each score that was kept by clip or by resample.

    `evaluation` is that section of the config. Row i of all is over the same captions, those of the
    first system: one with other captions has none.
    """

    def __init__(self, evaluation: dict[str, Any]) -> None:
        self.found: dict[Key, np.ndarray] = {}
        self._evaluation = evaluation
        self._captions: list[str] | None = None

    def add(self, system: str, checkpoint: str, files: Iterable[ScoreFile]) -> None:
        """Keep those of one system's score files. UserError for one of another number of resamples."""
        for file in files:
            self._captions = file.clip_ids if self._captions is None else self._captions
            if file.clip_ids != self._captions:
                continue
            for name in file.metrics:
                for metric, reference, told, _ in file.numbers(name):
                    drawn = _drawn(told, self._evaluation, f"{file.path}: {metric}")
                    if drawn is not None:
                        self.found[system, checkpoint, file.embedder, metric, reference] = drawn


def _drawn(part: dict[str, Any], evaluation: dict[str, Any], where: str) -> np.ndarray | None:
    count = evaluation["bootstrap"]
    if "per_clip" in part:
        values: np.ndarray = part["per_clip"]
        return values[_indices(len(values), count, evaluation["seed"])].mean(axis=1)
    if "replicates" not in part:
        return None
    if len(part["replicates"]) != count:
        raise UserError(
            f"{where} has {len(part['replicates'])} resamples, but evaluation.bootstrap is {count}; score again"
        )
    return part["replicates"][:DRAWS].copy()  # without the rest of the file


@lru_cache(maxsize=4)
def _indices(clips: int, count: int, seed: int) -> np.ndarray:
    return resamples(clips, count, seed)[:DRAWS]
