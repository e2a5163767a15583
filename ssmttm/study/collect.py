"""Tidy tables of one study: scores with intervals and costs, learning curves, and the manifests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ssmttm.choices import FINAL
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.statistics.noise import Key
from ssmttm.study.differences import differences
from ssmttm.study.replicates import Replicates
from ssmttm.study.scores import ScoreFile, read_scores, score_rows
from ssmttm.tables import read_table

_COSTS = (
    "parameters", "steps", "tokens", "flops_per_step", "flops_planned", "flops_spent", "seconds", "test_loss",
    "test_clips",
)  # fmt: skip

_LABELS = ("variant", "size", "seed", "budget_kind", "budget", "parameters")
_FIT = ("slope", "r_squared")
_FLOATS = ("low", "high", "bias", *_FIT)
_SCORE = ("embedder", "metric", "reference", "value", "low", "high", "n", "better", *_FIT)

_INTEGERS = (
    "channels",
    "sample_rate",
    "clips_seen",
    "parameters",
    "core_parameters",
    "steps",
    "test_clips",
    "tokens",
    "layers",
    "d_model",
    "seed",
    "n",
    "windows",
)


def budget_text(budget: dict[str, Any]) -> tuple[str, float]:
    """Kind and amount of a budget: ("iterations", 120) or ("flops", 6e12)."""
    if len(budget) != 1:
        raise UserError(f"expected one budget, iterations, flops or gpu_hours, found {budget}")
    kind, amount = next(iter(budget.items()))
    return kind, float(amount)


def _run_facts(manifest: dict[str, Any], curve: pd.DataFrame, size: str) -> dict[str, Any]:
    spec = manifest["spec"]
    kind, amount = budget_text(spec["budget"])
    return {
        "system": manifest["run"],
        "kind": "run",
        "variant": spec["variant"]["name"],
        **{k: spec["variant"][k] for k in ("mixer", "feedforward", "conditioning")},
        "size": size,
        "layers": spec["model"]["layers"],
        "d_model": spec["model"]["d_model"],
        "budget_kind": kind,
        "budget": amount,
        "seed": spec["seed"],
        **{k: manifest[k] for k in _COSTS},
        "core_parameters": _core(manifest),
        "clips_seen": manifest["steps"] * spec["training"]["batch_size"],
        "gpu_hours": manifest["device_hours"],
        "final_loss": float(curve["loss"].iloc[-1]),
        "final_validation_loss": float(curve["validation_loss"].dropna().iloc[-1]),
    }


def _core(manifest: dict[str, Any]) -> int | None:
    """Parameters outside embeddings and heads, if the manifest counts those apart."""
    groups = manifest.get("parameters_by_group", {})
    if not {"embeddings", "heads"} <= set(groups):
        return None
    return manifest["parameters"] - groups["embeddings"] - groups["heads"]


def _read_run(folder: Path, size: str) -> tuple[dict[str, Any], pd.DataFrame, dict[str, Any]]:
    manifest = read_json(folder / "manifest.json")
    missing = [k for k in ("run", "spec", "checkpoints", "device_hours", *_COSTS) if manifest.get(k) is None]
    if missing:
        raise UserError(f"{folder / 'manifest.json'}: lacks {', '.join(missing)}")
    curve = read_table(folder / "curve.parquet", "curve").to_pandas()
    if curve["validation_loss"].isna().all():
        raise UserError(f"{folder / 'curve.parquet'}: no validation loss was measured")
    return manifest, curve, _run_facts(manifest, curve, size)


def _at(facts: dict[str, Any], curve: pd.DataFrame, step: int) -> dict[str, Any]:
    """What a run had cost at optimizer step `step`."""
    row = curve[curve["step"] <= step].iloc[-1]
    share = float(row["seconds"]) / facts["seconds"] if facts["seconds"] else 0.0
    return {
        "steps": step,
        "clips_seen": round(facts["clips_seen"] * step / facts["steps"]),
        "tokens": int(row["tokens"]),
        "flops": float(row["flops"]),
        "seconds": float(row["seconds"]),
        "gpu_hours": facts["gpu_hours"] * share,
    }


def _checkpoints(manifest: dict[str, Any], evaluation: dict[str, Any]) -> list[str]:
    """Those that are scored, the finished model last."""
    kept = {Path(name).stem for name in manifest["checkpoints"]}
    asked = [f"{fraction:g}" for fraction in sorted(evaluation["checkpoints"])]
    return [*(name for name in asked if name in kept), FINAL]


def _progress(
    checkpoint: str, scores: list[dict[str, Any]], manifest: dict[str, Any], curve: pd.DataFrame, facts: dict[str, Any]
) -> list[dict[str, Any]]:
    """Scores at a checkpoint beside what it had cost."""
    steps = {Path(name).stem: step for name, step in manifest["checkpoints"].items()}
    common = {"run": facts["system"], **{k: facts[k] for k in _LABELS}, "checkpoint": checkpoint}
    common |= _at(facts, curve, steps.get(checkpoint, facts["steps"]))
    return [common | {k: score[k] for k in _SCORE} for score in scores]


@dataclass(frozen=True)
class Collected:
    """The tables of a study: their columns are in docs/evaluation.md."""

    comparison: pd.DataFrame
    progress: pd.DataFrame
    differences: pd.DataFrame
    curves: pd.DataFrame
    summary: dict[str, Any]
    replicates: dict[Key, np.ndarray]
    """Scores over resampled captions, which no table has."""


def collect(study: str, runs: dict[Path, str], baselines: list[Path], evaluation: dict[str, Any]) -> Collected:
    """Everything known of study `study`.

    `runs` are the folders of its runs with the names of their sizes; `evaluation` is that section
    of the config. Comparison: one row per system, embedder, metric and reference. Progress: the
    same for each checkpoint of each run. Differences: between runs of one budget. Curves: one row
    per run and step. Summary: folders, manifests, outliers, copies of training clips and, for each
    metric, its definition, backend and interval.
    """
    rows, curves, progress, known = [], [], [], []
    replicates = Replicates(evaluation)
    summary: dict[str, Any] = {"study": study, "runs": {}, "baselines": {}, "metrics": {}}
    for folder, size in runs.items():
        manifest, curve, facts = _read_run(folder, size)
        name = manifest["run"]
        if name in summary["runs"]:
            raise UserError(f"{folder}: run {name!r} is given twice")
        for checkpoint in _checkpoints(manifest, evaluation):
            files = read_scores(folder, evaluation, checkpoint)
            scores = score_rows(files, evaluation)
            progress += _progress(checkpoint, scores, manifest, curve, facts)
            replicates.add(name, checkpoint, files)
        rows += [{"study": study, **facts, **score} for score in scores]  # of the last: the finished model
        curves.append(curve.assign(run=name))
        known.append((facts, files))
        summary["runs"][name] = {"folder": folder, "manifest": manifest, **_remarks(files)}
    for folder in baselines:
        facts = {"system": folder.name, "kind": "baseline", **_external(folder)}
        files = read_scores(folder, evaluation)
        rows += [{"study": study, **facts, **score} for score in score_rows(files, evaluation)]
        replicates.add(folder.name, FINAL, files)
        summary["baselines"][folder.name] = {"folder": folder, "facts": facts, **_remarks(files)}
    if not curves:
        raise UserError(f"study {study!r} has no runs to compare")
    for row in rows:
        _agree(row, summary["metrics"])
    comparison = pd.DataFrame(rows).astype(dict.fromkeys(_INTEGERS, "Int64") | dict.fromkeys(_FLOATS, float))
    leading = ["study", "system", "kind", "embedder", "metric", "reference", "value", "low", "high", "bias", "n"]
    order = [*leading, *(c for c in comparison.columns if c not in leading)]
    columns = ["run", "step", "tokens", "flops", "seconds", "loss", "validation_loss", "learning_rate"]
    return Collected(
        comparison[order],
        pd.DataFrame(progress).astype(dict.fromkeys(("low", "high", *_FIT), float)),
        differences(known, evaluation),
        pd.concat(curves, ignore_index=True)[columns],
        summary,
        replicates.found,
    )


def _external(folder: Path) -> dict[str, Any]:
    """What is told of a system that is neither a run nor a baseline of this project."""
    path = folder / "generated" / "facts.json"
    if not path.is_file():
        return {}
    told = read_json(path)
    return {k: told[k] for k in ("kind", "parameters", "hours", "note") if told.get(k) is not None} | (
        {"flops_spent": told["flops"]} if told.get("flops") is not None else {}
    )


def _remarks(files: list[ScoreFile]) -> dict[str, Any]:
    """By embedder: the clips that are farthest from the originals, and those that copy training clips."""
    found: dict[str, Any] = {"outliers": {}, "copies": {}}
    for file in files:
        for entry in file.metrics.get("frechet", {}).get("entries", []):
            if entry["reference"] == "originals":
                found["outliers"][file.embedder] = entry.get("outliers", [])
        for entry in file.metrics.get("training_copies", {}).get("entries", []):
            found["copies"][file.embedder] = entry["copies"]
    return found


def _agree(row: dict[str, Any], metrics: dict[str, Any]) -> None:
    """Scores stand in one table only if they were made alike."""
    told = {k: row[k] for k in ("definition", "better", "backend", "interval")}
    known = metrics.setdefault(row["embedder"], {}).setdefault(row["metric"], told)
    if known != told:
        differing = ", ".join(k for k in told if told[k] != known[k])
        raise UserError(f"{row['metric']} of {row['system']} differs from the other systems' in {differing}")
