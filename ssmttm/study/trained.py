"""A run as it lies in its folder: its language model, its refiner if it has one, and what both cost together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from ssmttm.choices import FINAL
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.settings import Budget, EvaluationSettings, GenerationSettings
from ssmttm.study.folder import GenerationRecord, RefinerManifest, RunManifest
from ssmttm.study_rows import CheckpointScore, Run, Score
from ssmttm.tables import read_table

_SPENT = ("parameters", "steps", "tokens", "flops_planned", "flops_spent", "seconds", "device_hours")
"""What a manifest counts of a model, of whichever stage; the costs of a run are its stages' sums."""

_LABELS = ("variant", "size", "seed", "budget_kind", "budget", "parameters")
_SCORE = ("embedder", "metric", "reference", "value", "low", "high", "n", "better", "slope", "r_squared")


def kind_and_amount(budget: Budget) -> tuple[str, float]:
    """Kind and amount of a budget: ("iterations", 120) or ("flops", 6e12)."""
    if len(budget) != 1:
        raise UserError(f"expected one budget, iterations, flops or gpu_hours, found {budget}")
    ((kind, amount),) = cast(Mapping[str, float], budget).items()
    return kind, float(amount)


@dataclass(frozen=True)
class Trained:
    """A run with the files that it left."""

    run: Run
    manifest: RunManifest
    refiner: RefinerManifest | None
    curve: pd.DataFrame
    """Of the language model."""

    def checkpoints(self, evaluation: EvaluationSettings) -> list[str]:
        """Those that are scored, the finished model last: fractions at which all stages were kept."""
        kept = {Path(name).stem for name in self.manifest["checkpoints"]}
        if self.refiner is not None:
            kept &= {Path(name).stem for name in self.refiner["checkpoints"]}
        asked = [f"{fraction:g}" for fraction in sorted(evaluation["checkpoints"])]
        return [*(name for name in asked if name in kept), FINAL]

    def at(self, checkpoint: str, score: Score) -> CheckpointScore:
        """A score of a checkpoint beside what the run had cost by then, in all its stages."""
        run, whole = self.run, self.manifest
        steps = _step(whole, checkpoint)
        row = self.curve[self.curve["step"] <= steps].iloc[-1]
        share = float(row["seconds"]) / whole["seconds"] if whole["seconds"] else 0.0
        spent: dict[str, Any] = {
            "steps": steps,
            "clips_seen": steps * whole["spec"]["training"]["batch_size"],
            "tokens": int(row["tokens"]),
            "flops": float(row["flops"]),
            "seconds": float(row["seconds"]),
            "gpu_hours": whole["device_hours"] * share,
        }
        if self.refiner is not None:
            spent = {key: amount + _by_then(self.refiner, checkpoint)[key] for key, amount in spent.items()}
        return CheckpointScore(
            run=run.system,
            **{name: getattr(run, name) for name in _LABELS},
            checkpoint=checkpoint,
            **spent,
            **{name: getattr(score, name) for name in _SCORE},
        )


def _step(manifest: RunManifest | RefinerManifest, checkpoint: str) -> int:
    return {Path(name).stem: step for name, step in manifest["checkpoints"].items()}.get(checkpoint, manifest["steps"])


def _by_then(refiner: RefinerManifest, checkpoint: str) -> dict[str, int | float]:
    """What a refiner had cost at a checkpoint; every step costs the same, and takes about as long."""
    steps = _step(refiner, checkpoint)
    share = steps / refiner["steps"]
    return {
        "steps": steps,
        "clips_seen": steps * refiner["spec"]["training"]["batch_size"],
        "tokens": round(refiner["tokens"] * share),
        "flops": refiner["flops_spent"] * share,
        "seconds": refiner["seconds"] * share,
        "gpu_hours": refiner["device_hours"] * share,
    }


def read_trained(folder: Path, size: str, changes: str = "") -> Trained:
    """The run in `folder`, whose size has the name `size`; UserError for what is missing or doesn't fit.

    `changes` are the overrides that make its design another one (`ssmttm.spec.design_changes`), and are in its name.
    """
    path = folder / "manifest.json"
    content = _read(path, "run", "flops_per_step", "test_loss", "test_clips")
    manifest = cast(RunManifest, content)
    curve = read_table(folder / "curve.parquet", "curve").to_pandas()
    if curve["validation_loss"].isna().all():
        raise UserError(f"{folder / 'curve.parquet'}: no validation loss was measured")
    record = _record(folder)
    refiner = _refiner(folder, record)
    spec, stages = manifest["spec"], [manifest, *([refiner] if refiner else [])]
    kind, amount = _budget(spec["budget"], refiner["spec"]["budget"] if refiner else None)
    total: dict[str, Any] = {name: sum(stage[name] for stage in stages) for name in _SPENT}  # type: ignore[literal-required]
    settings, codebooks = record["generation"], spec["model"]["codebooks"]
    run = Run(
        system=manifest["run"],
        kind="run",
        variant=_design(spec["variant"]["name"], refiner, settings, changes, with_steps=True),
        family=_design(spec["variant"]["name"], refiner, settings, changes, with_steps=False),
        mixer=spec["variant"]["mixer"],
        feedforward=spec["variant"]["feedforward"],
        conditioning=spec["variant"]["conditioning"],
        size=size,
        layers=spec["model"]["layers"],
        d_model=spec["model"]["d_model"],
        budget_kind=kind,
        budget=amount,
        seed=spec["seed"],
        parameters=total["parameters"],
        steps=total["steps"],
        tokens=total["tokens"],
        flops_per_step=total["flops_spent"] / total["steps"],
        flops_planned=total["flops_planned"],
        flops_spent=total["flops_spent"],
        seconds=total["seconds"],
        test_loss=manifest["test_loss"],
        test_clips=manifest["test_clips"],
        core_parameters=None if refiner else _core(manifest),
        clips_seen=sum(stage["steps"] * stage["spec"]["training"]["batch_size"] for stage in stages),
        gpu_hours=total["device_hours"],
        final_loss=float(curve["loss"].iloc[-1]),
        final_validation_loss=float(curve["validation_loss"].dropna().iloc[-1]),
        stages=len(stages),
        codebooks=codebooks,
        levels=refiner["spec"]["refiner"]["levels"] if refiner else codebooks,
        **_second(refiner, settings),
        language_model_flops=manifest["flops_spent"],
        generation_seconds=record["seconds"] / record["audio_seconds"],
        generation_threads=record["threads"],
    )
    return Trained(run, manifest, refiner, curve)


def _budget(first: Budget, second: Budget | None) -> tuple[str, float]:
    """Kind and amount of a run's budget: of both stages where these can be added, else of the language model."""
    kind, amount = kind_and_amount(first)
    other, more = kind_and_amount(second) if second else (kind, 0.0)
    return kind, amount + more if kind == other and kind != "iterations" else amount


def _second(refiner: RefinerManifest | None, settings: GenerationSettings) -> dict[str, Any]:
    """The columns of a second stage; none for a run without one."""
    if refiner is None:
        return {}
    chosen = refiner["spec"]["refiner"]
    return {
        "backbone": chosen["backbone"],
        "objective": chosen["objective"],
        "sampler": None if chosen["objective"] == "masked" else settings["sampler"],
        "sampler_steps": settings["sampler_steps"],
        "refiner_parameters": refiner["parameters"],
        "refiner_flops": refiner["flops_spent"],
    }


def _design(
    variant: str, refiner: RefinerManifest | None, settings: GenerationSettings, changes: str, with_steps: bool
) -> str:
    """What a run is called beside others: `first-simba + unet flow (8 steps)`, `prefix-simba [model.dropout=0.3]`."""
    if refiner is not None:
        changes = "; ".join(change for change in changes.split("; ") if not change.startswith("model.codebooks="))
    changed = f" [{changes}]" if changes else ""
    if refiner is None:
        return f"{variant}{changed}"
    chosen = refiner["spec"]["refiner"]
    kind = "" if chosen["objective"] == "diffusion" else f" {chosen['objective']}"
    kind += " untrained" if refiner["steps"] == 1 else ""  # one step teaches nothing: no point of a trained one's curve
    steps = f" ({settings['sampler_steps']} steps)" if with_steps else ""
    return f"{variant} + {chosen['backbone']}{kind}{steps}{changed}"


def _core(manifest: RunManifest) -> int | None:
    """Parameters outside embeddings and heads, if the manifest counts those separately."""
    groups = manifest.get("parameters_by_group", {})
    if not {"embeddings", "heads"} <= set(groups):
        return None
    return manifest["parameters"] - groups["embeddings"] - groups["heads"]


def _read(path: Path, *more: str) -> dict[str, Any]:
    content = read_json(path)
    if missing := [key for key in (*more, "spec", "checkpoints", *_SPENT) if content.get(key) is None]:
        raise UserError(f"{path}: lacks {', '.join(missing)}")
    return content


def _record(folder: Path) -> GenerationRecord:
    """What generating with the finished run took."""
    path = folder / "generated" / f"{FINAL}.json"
    content = read_json(path)
    keys = ("seconds", "audio_seconds", "threads", "stages", "generation")
    if missing := [key for key in keys if not content.get(key)]:
        raise UserError(f"{path}: lacks {', '.join(missing)}; generate with the run again")
    return cast(GenerationRecord, content)


def _refiner(folder: Path, record: GenerationRecord) -> RefinerManifest | None:
    """The manifest of the refiner that the run generated with."""
    return None if record["stages"] == 1 else cast(RefinerManifest, _read(folder / "refiner.json"))
