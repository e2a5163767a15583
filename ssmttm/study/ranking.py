"""Which scores tell real music from codes drawn in pairs: a score that doesn't says nothing of what models learned.

Real music are other clips of the captions' own tracks, through the codec; drawn codes come through the same refiner and
codec as a model's. A score has to rank the first above the second, by so much that the interval of their difference,
paired by caption, leaves out zero.
"""

from collections.abc import Mapping, Sequence

from ssmttm.settings import EvaluationSettings
from ssmttm.study.differences import difference_of
from ssmttm.study.scores import Measured, ScoreFile

REAL = ("same_track", "training_codec")
"""Systems of real music, the first that there is."""
DRAWN = "bigram"


def ranking(
    files: Mapping[str, Sequence[ScoreFile]], evaluation: EvaluationSettings
) -> dict[tuple[str, str, str], bool]:
    """Whether each kind of score, by embedder, metric and reference, ranks real music above drawn codes.

    `files` are the score files of each system. Kinds that can't be compared are missing: where one of both was not
    scored, on the same captions, or has no interval.
    """
    real = next((name for name in REAL if name in files), None)
    if real is None or DRAWN not in files:
        return {}
    drawn = _by_kind(files[DRAWN])
    found = {}
    for kind, one in _by_kind(files[real]).items():
        other = drawn.get(kind)
        if other is None:
            continue
        difference = difference_of(one.sample, other.sample, evaluation["confidence"], evaluation["seed"])
        if difference is not None:
            found[kind] = difference.high < 0 if one.score.better == "lower" else difference.low > 0
    return found


def _by_kind(files: Sequence[ScoreFile]) -> dict[tuple[str, str, str], Measured]:
    return {measured.score.key: measured for file in files for measured in file.numbers}
