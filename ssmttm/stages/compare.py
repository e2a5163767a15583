"""Collect scores, curves and costs of one study into tidy tables."""

from pathlib import Path

import pandas as pd

from ssmttm.choices import CODE_MODELS
from ssmttm.errors import UserError
from ssmttm.settings import StageSpec
from ssmttm.statistics.noise import Noise
from ssmttm.study.collect import collect
from ssmttm.study.derive import derived
from ssmttm.study.efficiency import efficiency
from ssmttm.study.folder import Study, Summary, write_study
from ssmttm.study.likelihoods import read_likelihoods
from ssmttm.study.losses import loss_pairs, losses
from ssmttm.study.published import paper_progress


def run(
    spec: StageSpec,
    study: str,
    runs: list[Path],
    sizes: list[str],
    baselines: list[Path],
    out: Path,
    changes: list[str] | None = None,
) -> None:
    """Write the tables of study `study` (docs/evaluation.md) and summary.json into folder `out`.

    `sizes` are the names of the runs' sizes, in the order of `runs`, and so are `changes`: the overrides that make a
    run's design another one, empty for none.
    """
    if len(sizes) != len(runs):
        raise UserError(f"{len(runs)} --runs need as many --sizes, in the same order, but {len(sizes)} were given")
    if changes and len(changes) != len(runs):
        raise UserError(f"{len(runs)} --runs need as many --changes, or none, but {len(changes)} were given")
    if len(set(runs)) != len(runs):
        raise UserError("--runs names a folder twice")
    evaluation = spec["evaluation"]
    changed = dict(zip(runs, changes, strict=True)) if changes else {}
    collected = collect(study, dict(zip(runs, sizes, strict=True)), baselines, evaluation, changed)
    trivial = {folder.name: folder for folder in baselines if folder.name in CODE_MODELS}
    of_runs = {trained.run.system: folder for trained, folder in zip(collected.trained, runs, strict=True)}
    held = read_likelihoods(of_runs | trivial)
    noise = Noise(evaluation["seed"], collected.replicates)
    tables = collected.tables | derived(
        collected.tables["comparison"],
        collected.tables["progress"],
        collected.tables["differences"],
        noise,
        evaluation["confidence"],
    )
    tables |= {
        "losses": losses(collected.trained, list(trivial), held, evaluation["confidence"]),
        "loss_pairs": loss_pairs(collected.trained, held, evaluation["confidence"], f"study {study!r}"),
        "efficiency": efficiency(collected.trained, held, evaluation["confidence"]),
    }
    if evaluation["published"]:
        from ssmttm.accounting.claims_of_designs import paper_costs  # needs torch

        tables["progress"] = pd.concat([tables["progress"], paper_progress(paper_costs())], ignore_index=True)
    summary: Summary = {
        "study": study,
        "runs": collected.runs,
        "baselines": collected.baselines,
        "metrics": collected.metrics,
        "title": spec["title"],
        "evaluation": evaluation,
    }
    write_study(Study(out, summary, tables))
