"""Why a table of a study may be empty."""

from ssmttm.study.folder import Study, read_study

__all__ = ["EMPTY", "Study", "read_study"]

EMPTY = {
    "progress": "no checkpoint of a run was scored",
    "differences": "a paired difference needs two systems with the same captions under one budget",
    "fits": "a fit needs scores at several checkpoints of a run",
    "fit_curves": "no fit was found",
    "reach": "it needs a fit and a system whose score is to be reached",
    "scaling": "no design was trained at two sizes under the same budget",
    "scaling_summary": "no design was trained at two sizes under the same budget",
    "seeds": "every run has one seed, so how much a score changes from seed to seed is not known",
    "seed_tests": "a test across seeds needs two designs with the same two or more seeds",
}
"""Why a table that has no rows has none."""
