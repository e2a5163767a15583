"""Collect scores, curves and costs of one study into tidy tables."""

import os
from pathlib import Path

import pandas as pd

from ssmttm.choices import STUDY_TABLES
from ssmttm.errors import UserError
from ssmttm.files import atomic_path, write_json
from ssmttm.settings import StageSpec
from ssmttm.statistics.noise import Noise
from ssmttm.study.collect import collect
from ssmttm.study.derive import derived
from ssmttm.study.published import paper_progress

COLLECTED = ("comparison", "progress", "differences", "curves")


def run(spec: StageSpec, study: str, runs: list[Path], sizes: list[str], baselines: list[Path], out: Path) -> None:
    """Write the tables of study `study` (docs/evaluation.md) and summary.json into folder `out`.

    `sizes` are the names of the runs' sizes, in the order of `runs`. Folders in summary.json are
    relative to `out`, so that a results tree can be moved whole.
    """
    if len(sizes) != len(runs):
        raise UserError(f"{len(runs)} --runs need as many --sizes, in the same order, but {len(sizes)} were given")
    if len(set(runs)) != len(runs):
        raise UserError("--runs names a folder twice")
    evaluation = spec["evaluation"]
    tables = collect(study, dict(zip(runs, sizes, strict=True)), baselines, dict(evaluation))
    frames = {name: getattr(tables, name) for name in COLLECTED}
    noise = Noise(evaluation["seed"], tables.replicates)
    frames |= derived(tables.comparison, tables.progress, tables.differences, noise, evaluation["confidence"])
    if evaluation["published"]:
        from ssmttm.accounting.claims_of_designs import paper_costs  # needs torch

        frames["progress"] = pd.concat([tables.progress, paper_progress(paper_costs())], ignore_index=True)
    summary = tables.summary | {key: spec[key] for key in ("title", "evaluation")}
    for system in (*summary["runs"].values(), *summary["baselines"].values()):
        system["folder"] = Path(os.path.relpath(system["folder"], out)).as_posix()
    for name in STUDY_TABLES:
        with atomic_path(out / f"{name}.parquet") as path:
            frames[name].to_parquet(path, index=False)
    with atomic_path(out / "comparison.csv") as path:
        tables.comparison.to_csv(path, index=False)
    write_json(out / "summary.json", summary)
