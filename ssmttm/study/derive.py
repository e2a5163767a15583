"""All tables of a study that are computed from its scores and costs."""

from collections.abc import Callable

import pandas as pd

from ssmttm.choices import FINAL
from ssmttm.statistics.noise import Noise
from ssmttm.study.fits import COSTS, curves, fits
from ssmttm.study.reach import default_targets, reach
from ssmttm.study.scaling import scaling, scaling_summary
from ssmttm.study.seeds import seed_means, seed_tests

TABLES = ("fits", "fit_curves", "reach", "scaling", "scaling_summary", "seeds", "seed_tests")


def ends(progress: pd.DataFrame) -> pd.DataFrame:
    """The rows of finished models, and published ones.

    A model in the middle of a run is worse than the end of a run of that length, for its learning rate has not fallen:
    curves through such points overstate what a design needs.
    """
    published = progress["source"].notna() if "source" in progress else False
    return progress[(progress["checkpoint"] == FINAL) | published]


def derived(
    comparison: pd.DataFrame,
    progress: pd.DataFrame,
    differences: pd.DataFrame,
    noise: Noise,
    confidence: float,
    targets: list[str] | None = None,
) -> dict[str, pd.DataFrame]:
    """The tables `TABLES`, by name, from those of comparison, progress and differences.

    Args:
        comparison: final scores.
        progress: scores at checkpoints, of which curves are fitted to those of `ends` alone.
        differences: differences paired by caption.
        noise: errors of all these scores.
        confidence: of the intervals in the three tables and in those that are returned.
        targets: systems whose score is to be reached; None is `default_targets`.
    """
    targets = default_targets(comparison) if targets is None else targets
    progress = ends(progress)
    common = {"noise": noise, "confidence": confidence}

    def by_cost(table: Callable[..., pd.DataFrame], *inputs: object) -> pd.DataFrame:
        return pd.concat([table(progress, *inputs, cost=cost, **common) for cost in COSTS], ignore_index=True)

    return {
        "fits": by_cost(fits),
        "fit_curves": by_cost(curves),
        "reach": by_cost(reach, comparison, targets),
        "scaling": scaling(comparison, confidence),
        "scaling_summary": scaling_summary(comparison, noise, differences, confidence),
        "seeds": seed_means(comparison, confidence),
        "seed_tests": seed_tests(comparison, confidence),
    }
