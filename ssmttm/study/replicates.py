"""Scores over resampled captions, from the score files: kept in memory, for the errors of fits."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from ssmttm.errors import UserError
from ssmttm.settings import EvaluationSettings
from ssmttm.statistics.bootstrap import resamples
from ssmttm.statistics.noise import DRAWS, Key
from ssmttm.study.scores import ScoreFile


class Replicates:
    """Replicates `[draws]`, at most `DRAWS`, of each score that was kept by clip or by resample.

    Row i of all is over the same captions, those of the first system: one with other captions has none.
    """

    def __init__(self, evaluation: EvaluationSettings) -> None:
        self.by_score: dict[Key, np.ndarray] = {}
        self._evaluation = evaluation
        self._captions: list[str] | None = None

    def add(self, system: str, checkpoint: str, files: Iterable[ScoreFile]) -> None:
        """Keep those of one system's score files. UserError for one of another number of resamples."""
        count, seed = self._evaluation["bootstrap"], self._evaluation["seed"]
        for file in files:
            self._captions = file.clip_ids if self._captions is None else self._captions
            if file.clip_ids != self._captions:
                continue
            for score, (_, per_clip, replicates) in file.numbers:
                key = (system, checkpoint, *score.key)
                if per_clip is not None:
                    self.by_score[key] = per_clip[_indices(len(per_clip), count, seed)].mean(axis=1)
                elif replicates is not None:
                    if len(replicates) != count:
                        raise UserError(
                            f"{file.path}: {score.metric} has {len(replicates)} resamples, but evaluation.bootstrap "
                            f"is {count}; score again"
                        )
                    self.by_score[key] = replicates[:DRAWS].copy()  # without the rest of the file


@lru_cache(maxsize=4)
def _indices(clips: int, count: int, seed: int) -> np.ndarray:
    return resamples(clips, count, seed)[:DRAWS]
