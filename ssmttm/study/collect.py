"""Tidy tables of one study: scores with intervals and costs, learning curves, and the manifests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import pandas as pd

from ssmttm.choices import FINAL
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.settings import Budget, EvaluationSettings
from ssmttm.statistics.noise import Key
from ssmttm.study.differences import differences
from ssmttm.study.folder import BaselineSummary, Copy, MetricSummary, Outlier, RunManifest, RunSummary
from ssmttm.study.frames import frame_of
from ssmttm.study.replicates import Replicates
from ssmttm.study.scores import ScoreFile, read_scores
from ssmttm.study_rows import CheckpointScore, Run, Score, System, SystemScore
from ssmttm.tables import SCHEMAS, read_table

_COSTS = (
    "parameters", "steps", "tokens", "flops_per_step", "flops_planned", "flops_spent", "seconds", "test_loss",
    "test_clips",
)  # fmt: skip

_LABELS = ("variant", "size", "seed", "budget_kind", "budget", "parameters")
_SCORE = ("embedder", "metric", "reference", "value", "low", "high", "n", "better", "slope", "r_squared")


def kind_and_amount(budget: Budget) -> tuple[str, float]:
    """Kind and amount of a budget: ("iterations", 120) or ("flops", 6e12)."""
    if len(budget) != 1:
        raise UserError(f"expected one budget, iterations, flops or gpu_hours, found {budget}")
    ((kind, amount),) = cast(Mapping[str, float], budget).items()
    return kind, float(amount)


@dataclass(frozen=True)
class _Finished:
    """A run with the files that it left."""

    run: Run
    manifest: RunManifest
    curve: pd.DataFrame

    def at(self, checkpoint: str, score: Score) -> CheckpointScore:
        """A score of a checkpoint beside what the run had cost by then."""
        run, whole = self.run, self.manifest
        steps = {Path(name).stem: step for name, step in whole["checkpoints"].items()}.get(checkpoint, whole["steps"])
        row = self.curve[self.curve["step"] <= steps].iloc[-1]
        share = float(row["seconds"]) / whole["seconds"] if whole["seconds"] else 0.0
        return CheckpointScore(
            run=run.system,
            **{name: getattr(run, name) for name in _LABELS},
            checkpoint=checkpoint,
            steps=steps,
            clips_seen=round(run.clips_seen * steps / whole["steps"]),
            tokens=int(row["tokens"]),
            flops=float(row["flops"]),
            seconds=float(row["seconds"]),
            gpu_hours=whole["device_hours"] * share,
            **{name: getattr(score, name) for name in _SCORE},
        )


def _read_run(folder: Path, size: str) -> _Finished:
    path = folder / "manifest.json"
    content = read_json(path)
    missing = [k for k in ("run", "spec", "checkpoints", "device_hours", *_COSTS) if content.get(k) is None]
    if missing:
        raise UserError(f"{path}: lacks {', '.join(missing)}")
    manifest = cast(RunManifest, content)
    curve = read_table(folder / "curve.parquet", "curve").to_pandas()
    if curve["validation_loss"].isna().all():
        raise UserError(f"{folder / 'curve.parquet'}: no validation loss was measured")
    spec = manifest["spec"]
    kind, amount = kind_and_amount(spec["budget"])
    run = Run(
        system=manifest["run"],
        kind="run",
        variant=spec["variant"]["name"],
        mixer=spec["variant"]["mixer"],
        feedforward=spec["variant"]["feedforward"],
        conditioning=spec["variant"]["conditioning"],
        size=size,
        layers=spec["model"]["layers"],
        d_model=spec["model"]["d_model"],
        budget_kind=kind,
        budget=amount,
        seed=spec["seed"],
        **{name: content[name] for name in _COSTS},
        core_parameters=_core(manifest),
        clips_seen=manifest["steps"] * spec["training"]["batch_size"],
        gpu_hours=manifest["device_hours"],
        final_loss=float(curve["loss"].iloc[-1]),
        final_validation_loss=float(curve["validation_loss"].dropna().iloc[-1]),
    )
    return _Finished(run, manifest, curve)


def _core(manifest: RunManifest) -> int | None:
    """Parameters outside embeddings and heads, if the manifest counts those separately."""
    groups = manifest.get("parameters_by_group", {})
    if not {"embeddings", "heads"} <= set(groups):
        return None
    return manifest["parameters"] - groups["embeddings"] - groups["heads"]


def _checkpoints(manifest: RunManifest, evaluation: EvaluationSettings) -> list[str]:
    """Those that are scored, the finished model last."""
    kept = {Path(name).stem for name in manifest["checkpoints"]}
    asked = [f"{fraction:g}" for fraction in sorted(evaluation["checkpoints"])]
    return [*(name for name in asked if name in kept), FINAL]


@dataclass(frozen=True)
class Collected:
    """The tables of a study, whose columns are in `ssmttm.tables`, and the parts of its summary."""

    tables: dict[str, pd.DataFrame]
    """Comparison, progress, differences and curves."""
    runs: dict[str, RunSummary]
    baselines: dict[str, BaselineSummary]
    metrics: dict[str, dict[str, MetricSummary]]
    replicates: dict[Key, np.ndarray]
    """Scores over resampled captions, which no table has."""


def collect(study: str, runs: dict[Path, str], baselines: list[Path], evaluation: EvaluationSettings) -> Collected:
    """Everything known of study `study`.

    `runs` are the folders of its runs with the names of their sizes. Comparison: one row per system, embedder,
    metric and reference. Progress: the same for each checkpoint of each run. Differences: between runs of one
    budget. Curves: one row per run and step. Summaries: folders, manifests, outliers, copies of training clips
    and, for each metric, its definition, backend and interval.
    """
    rows: list[SystemScore] = []
    progress: list[CheckpointScore] = []
    curves, scored, replicates = [], [], Replicates(evaluation)
    of_runs: dict[str, RunSummary] = {}
    of_baselines: dict[str, BaselineSummary] = {}
    for folder, size in runs.items():
        finished = _read_run(folder, size)
        name = finished.run.system
        if name in of_runs:
            raise UserError(f"{folder}: run {name!r} is given twice")
        for checkpoint in _checkpoints(finished.manifest, evaluation):
            files = read_scores(folder, evaluation, checkpoint)
            progress += [finished.at(checkpoint, score) for file in files for score, _ in file.numbers]
            replicates.add(name, checkpoint, files)
        rows += _rows(study, finished.run, files)  # of the last: the finished model
        scored.append((finished.run, files))
        curves.append(finished.curve.assign(run=name))
        of_runs[name] = {"folder": str(folder), "manifest": finished.manifest, **_remarks(files)}
    for folder in baselines:
        system = _baseline(folder)
        files = read_scores(folder, evaluation)
        rows += _rows(study, system, files)
        replicates.add(folder.name, FINAL, files)
        stated = {name: value for name, value in vars(system).items() if value is not None}
        of_baselines[folder.name] = {"folder": str(folder), "facts": stated, **_remarks(files)}
    if not curves:
        raise UserError(f"study {study!r} has no runs to compare")
    tables = {
        "comparison": frame_of(rows, "comparison"),
        "progress": frame_of(progress, "progress"),
        "differences": differences(scored, evaluation),
        "curves": pd.concat(curves, ignore_index=True)[SCHEMAS["curves"].names],
    }
    return Collected(tables, of_runs, of_baselines, _metrics(rows), replicates.by_score)


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
