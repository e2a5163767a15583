"""Collect scores, curves and costs of one study into tidy tables."""

from pathlib import Path
from typing import Any, cast

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.statistics.noise import Noise
from ssmttm.study.collect import collect
from ssmttm.study.derive import derived
from ssmttm.study.folder import Study, Summary, write_study
from ssmttm.study.published import paper_progress

COLLECTED = ("comparison", "progress", "differences", "curves")


def run(spec: dict[str, Any], study: str, runs: list[Path], sizes: list[str], baselines: list[Path], out: Path) -> None:
    """Write the tables of study `study` (docs/evaluation.md) and summary.json into folder `out`.

    `sizes` are the names of the runs' sizes, in the order of `runs`. Folders in summary.json are
    relative to `out`, so that a results tree can be moved whole.
    """
    if len(sizes) != len(runs):
        raise UserError(f"{len(runs)} --runs need as many --sizes, in the same order, but {len(sizes)} were given")
    if len(set(runs)) != len(runs):
        raise UserError("--runs names a folder twice")
    evaluation = spec["evaluation"]
    found = collect(study, dict(zip(runs, sizes, strict=True)), baselines, evaluation)
    frames = {name: getattr(found, name) for name in COLLECTED}
    noise = Noise(evaluation["seed"], found.replicates)
    frames |= derived(found.comparison, found.progress, found.differences, noise, evaluation["confidence"])
    if evaluation["published"]:
        from ssmttm.stages.claims import paper_costs  # needs torch

        frames["progress"] = pd.concat([found.progress, paper_progress(paper_costs())], ignore_index=True)
    summary = found.summary | {key: spec[key] for key in ("title", "evaluation")}
    write_study(Study(out, cast(Summary, summary), frames))
