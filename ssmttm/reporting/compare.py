"""Tidy tables of one study: scores with intervals and costs, learning curves, and the manifests."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.spec import METRICS
from ssmttm.tables import read_table

REFERENCES = ("originals", "codec")

_COSTS = ("parameters", "steps", "tokens", "flops_per_step", "flops_planned", "flops_spent", "seconds", "test_loss")

_INTEGERS = ("parameters", "steps", "tokens", "layers", "d_model", "seed", "n", "windows")

_NUMBERS = ("value", "low", "high")


def read_scores(folder: Path) -> list[dict[str, Any]]:
    """One flat row per metric and reference of the system in `folder`, which has `scores/`.

    Raises UserError naming the file when a metric, a reference or a number is missing.
    """
    rows = []
    for metric in METRICS:
        path = folder / "scores" / f"{metric}.json"
        score = read_json(path)
        found = {e.get("reference") for e in score.get("entries", [])}
        if set(REFERENCES) - found:
            raise UserError(f"{path}: no entry for reference {', '.join(sorted(set(REFERENCES) - found))}")
        for entry in score["entries"]:
            common = {k: entry[k] for k in ("reference", "confidence", "n", "windows")}
            common |= {k: score[k] for k in ("better", "backend", "interval")}
            common["warnings"] = "; ".join(entry["warnings"])
            for part in ({**entry, "metric": metric, "definition": score["definition"]}, *entry.get("also", [])):
                row = {k: part[k] for k in ("metric", "definition", *_NUMBERS)}
                if not all(isinstance(row[k], int | float) and math.isfinite(row[k]) for k in _NUMBERS):
                    raise UserError(f"{path}: {row['metric']} against {entry['reference']}: a number is missing")
                rows.append({**row, "bias": part.get("bias"), **common})
    return rows


def budget_text(budget: dict[str, Any]) -> tuple[str, float]:
    """Kind and amount of a budget: ("iterations", 120) or ("flops", 6e12)."""
    if len(budget) != 1:
        raise UserError(f"expected one budget, iterations, flops or gpu_hours, found {budget}")
    kind, amount = next(iter(budget.items()))
    return kind, float(amount)


def _run_facts(manifest: dict[str, Any], curve: pd.DataFrame) -> dict[str, Any]:
    spec = manifest["spec"]
    kind, amount = budget_text(spec["budget"])
    return {
        "kind": "run",
        "variant": spec["variant"]["name"],
        **{k: spec["variant"][k] for k in ("mixer", "feedforward", "conditioning")},
        "layers": spec["model"]["layers"],
        "d_model": spec["model"]["d_model"],
        "budget_kind": kind,
        "budget": amount,
        "seed": spec["seed"],
        **{k: manifest[k] for k in _COSTS},
        "final_loss": float(curve["loss"].iloc[-1]),
        "final_validation_loss": float(curve["validation_loss"].dropna().iloc[-1]),
    }


def _read_run(folder: Path) -> tuple[dict[str, Any], pd.DataFrame, dict[str, Any]]:
    manifest = read_json(folder / "manifest.json")
    missing = [k for k in ("run", "spec", *_COSTS) if manifest.get(k) is None]
    if missing:
        raise UserError(f"{folder / 'manifest.json'}: lacks {', '.join(missing)}")
    curve = read_table(folder / "curve.parquet", "curve").to_pandas()
    if curve["validation_loss"].isna().all():
        raise UserError(f"{folder / 'curve.parquet'}: no validation loss was measured")
    return manifest, curve, _run_facts(manifest, curve)


def collect(study: str, runs: list[Path], baselines: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The comparison table, the curves and the summary of study `study`.

    Comparison: one row per system, metric and reference. Curves: one row per run and step.
    Summary: folders, manifests and, for each metric, its definition, backend and interval.
    """
    rows, curves = [], []
    summary: dict[str, Any] = {"study": study, "runs": {}, "baselines": {}, "metrics": {}}
    for folder in runs:
        manifest, curve, facts = _read_run(folder)
        name = manifest["run"]
        if name in summary["runs"]:
            raise UserError(f"{folder}: run {name!r} is given twice")
        rows += [{"study": study, "system": name, **facts, **score} for score in read_scores(folder)]
        curves.append(curve.assign(run=name))
        summary["runs"][name] = {"folder": folder, "manifest": manifest}
    for folder in baselines:
        rows += [{"study": study, "system": folder.name, "kind": "baseline", **score} for score in read_scores(folder)]
        summary["baselines"][folder.name] = {"folder": folder}
    if not curves:
        raise UserError(f"study {study!r} has no runs to compare")
    for row in rows:
        told = {k: row[k] for k in ("definition", "better", "backend", "interval")}
        known = summary["metrics"].setdefault(row["metric"], told)
        if known != told:
            differing = ", ".join(k for k in told if told[k] != known[k])
            raise UserError(f"{row['metric']} of {row['system']} differs from the other systems' in {differing}")
    comparison = pd.DataFrame(rows).astype(dict.fromkeys(_INTEGERS, "Int64"))
    leading = ["study", "system", "kind", "metric", "reference", "value", "low", "high", "bias", "n", "windows"]
    order = [*leading, *(c for c in comparison.columns if c not in leading)]
    columns = ["run", "step", "tokens", "flops", "seconds", "loss", "validation_loss", "learning_rate"]
    return comparison[order], pd.concat(curves, ignore_index=True)[columns], summary
