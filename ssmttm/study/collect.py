"""Tidy tables of one study: scores with intervals and costs, learning curves, and the manifests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd

from ssmttm.choices import FINAL
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.settings import EvaluationSettings
from ssmttm.statistics.noise import Key
from ssmttm.study.differences import differences
from ssmttm.study.folder import BaselineSummary, Copy, MetricSummary, Outlier, RunSummary
from ssmttm.study.frames import frame_of
from ssmttm.study.ranking import ranking
from ssmttm.study.replicates import Replicates
from ssmttm.study.scores import ScoreFile, read_scores
from ssmttm.study.stages import Staged, stages
from ssmttm.study.trained import Trained, read_trained
from ssmttm.study_rows import CheckpointScore, System, SystemScore
from ssmttm.tables import SCHEMAS


@dataclass(frozen=True)
class Collected:
    """The tables of a study, whose columns are in `ssmttm.tables`, and the parts of its summary."""

    tables: dict[str, pd.DataFrame]
    """Comparison, progress, differences, stages and curves."""
    runs: dict[str, RunSummary]
    baselines: dict[str, BaselineSummary]
    metrics: dict[str, dict[str, MetricSummary]]
    replicates: dict[Key, np.ndarray]
    """Scores over resampled captions, which no table has."""
    trained: list[Trained]
    """The runs with what they left, in the order of their rows."""


def collect(
    study: str,
    runs: dict[Path, str],
    baselines: list[Path],
    evaluation: EvaluationSettings,
    changes: Mapping[Path, str] | None = None,
) -> Collected:
    """Everything known of study `study`.

    `runs` are the folders of its runs with the names of their sizes, `changes` those with the overrides that make
    their designs others. Comparison: one row per system, embedder,
    metric and reference. Progress: the same for each checkpoint of each run. Differences: between runs of one
    budget. Stages: designs of one and of two stages. Curves: one row per run and step. Summaries: folders, manifests,
    outliers, copies of training clips and, for each metric, its definition, backend and interval.
    """
    rows: list[SystemScore] = []
    progress: list[CheckpointScore] = []
    curves, scored, staged, replicates = [], [], [], Replicates(evaluation)
    runs_read: list[Trained] = []
    of_systems: dict[str, list[ScoreFile]] = {}
    of_runs: dict[str, RunSummary] = {}
    of_baselines: dict[str, BaselineSummary] = {}
    for folder, size in runs.items():
        trained = read_trained(folder, size, (changes or {}).get(folder, ""))
        runs_read.append(trained)
        name = trained.run.system
        if name in of_runs:
            raise UserError(f"{folder}: run {name!r} is given twice")
        for checkpoint in trained.checkpoints(evaluation):
            files = read_scores(folder, evaluation, checkpoint)
            progress += [trained.at(checkpoint, score) for file in files for score, _ in file.numbers]
            replicates.add(name, checkpoint, files)
            staged.append(Staged(trained, checkpoint, files))
        rows += _rows(study, trained.run, files)  # of the last: the finished model
        scored.append((trained.run, files))
        curves.append(trained.curve.assign(run=name))
        of_runs[name] = {
            "folder": str(folder),
            "manifest": trained.manifest,
            "refiner": trained.refiner,
            **_remarks(files),
        }
    for folder in baselines:
        system = _baseline(folder)
        files = read_scores(folder, evaluation)
        rows += _rows(study, system, files)
        of_systems[folder.name] = files
        replicates.add(folder.name, FINAL, files)
        stated = {name: value for name, value in vars(system).items() if value is not None}
        of_baselines[folder.name] = {"folder": str(folder), "facts": stated, **_remarks(files)}
    if not curves:
        raise UserError(f"study {study!r} has no runs to compare")
    ranks = ranking(of_systems, evaluation)
    rows = [replace(row, ranks_real=ranks.get(row.key)) for row in rows]
    tables = {
        "comparison": frame_of(rows, "comparison"),
        "progress": frame_of(progress, "progress"),
        "differences": differences(scored, evaluation),
        "stages": stages(staged, evaluation),
        "curves": pd.concat(curves, ignore_index=True)[SCHEMAS["curves"].names],
    }
    return Collected(tables, of_runs, of_baselines, _metrics(rows), replicates.by_score, runs_read)


def _rows(study: str, system: System, files: list[ScoreFile]) -> list[SystemScore]:
    return [SystemScore(study=study, **vars(system), **vars(score)) for file in files for score, _ in file.numbers]


def _baseline(folder: Path) -> System:
    """A system that is no run; of one that is not of this project, what facts.json states."""
    path = folder / "generated" / "facts.json"
    stated = read_json(path) if path.is_file() else {}
    known = {name: stated.get(name) for name in ("parameters", "hours", "note")}
    return System(system=folder.name, kind=stated.get("kind") or "baseline", flops_spent=stated.get("flops"), **known)


class _Remarks(TypedDict):
    outliers: dict[str, list[Outlier]]
    copies: dict[str, list[Copy]]


def _remarks(files: list[ScoreFile]) -> _Remarks:
    """By embedder: the clips that are farthest from the originals, and those that copy training clips."""
    return {
        "outliers": {file.embedder: file.outliers for file in files if file.outliers is not None},
        "copies": {file.embedder: file.copies for file in files if file.copies is not None},
    }


def _metrics(rows: list[SystemScore]) -> dict[str, dict[str, MetricSummary]]:
    """How the scores of each embedder and metric were made; UserError unless they all were made alike."""
    metrics: dict[str, dict[str, MetricSummary]] = {}
    for row in rows:
        made: MetricSummary = {
            "definition": row.definition,
            "better": row.better,
            "backend": row.backend,
            "interval": row.interval,
        }
        others = metrics.setdefault(row.embedder, {}).setdefault(row.metric, made)
        if differing := [name for name, how in made.items() if how != others.get(name)]:
            raise UserError(f"{row.metric} of {row.system} differs from the other systems' in {', '.join(differing)}")
    return metrics
