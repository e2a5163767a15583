"""The tables of one study as the page needs them: their columns, and why one may be empty."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.files import read_json

_SCORE = ("embedder", "metric", "reference")
_INTERVAL = ("value", "low", "high")

COLUMNS: dict[str, tuple[str, ...]] = {
    "comparison": (
        "study", "system", "kind", *_SCORE, *_INTERVAL, "n", "windows", "better", "backend", "interval", "definition",
        "warnings", "confidence", "clip_s", "sample_rate", "channels", "variant", "layers", "d_model", "size",
        "budget_kind", "budget", "seed", "parameters", "steps", "tokens", "clips_seen", "flops_planned", "flops_spent",
        "seconds", "gpu_hours", "test_loss", "test_clips", "final_validation_loss",
    ),
    "curves": ("run", "step", "tokens", "flops", "seconds", "loss", "validation_loss"),
    "progress": (
        "run", "variant", "size", "seed", "budget_kind", "budget", "parameters", "checkpoint", "steps", "clips_seen",
        "flops", "gpu_hours", *_SCORE, *_INTERVAL, "n", "better",
    ),
    "differences": (
        *_SCORE, "budget_kind", "budget", "a", "b", "difference", "low", "high", "p_value", "p_adjusted", "confidence",
        "n", "better",
    ),
    "fits": (
        *_SCORE, "variant", "cost", "limit", "limit_low", "limit_high", "scale", "exponent", "exponent_low",
        "exponent_high", "points", "r2", "note",
    ),
    "fit_curves": (*_SCORE, "variant", "cost", "at", *_INTERVAL),
    "reach": (
        *_SCORE, "variant", "target", "target_value", "cost", *_INTERVAL, "note", "ratio", "ratio_low", "ratio_high",
    ),
    "scaling": (
        *_SCORE, "variant", "basis", "budget", "size", "parameters", "fraction", "core_fraction", "seeds", *_INTERVAL,
    ),
    "scaling_summary": (
        *_SCORE, "variant", "basis", "smaller", "fraction", "core_fraction", "slope", "slope_low", "slope_high",
        "slope_note", "difference", "low", "high", "paired",
    ),
    "seeds": (*_SCORE, "budget_kind", "budget", "size", "variant", "seeds", "mean", "low", "high"),
    "seed_tests": (
        *_SCORE, "budget_kind", "budget", "size", "a", "b", "difference", "low", "high", "p_value", "p_adjusted",
        "seeds",
    ),
}  # fmt: skip
"""The columns that the page reads of each table; a table may have more."""

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


@dataclass(frozen=True)
class Study:
    """The tables and the summary of one study's folder."""

    folder: Path
    summary: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    @property
    def embedders(self) -> list[str]:
        """The main one first, then the others in the order of the table."""
        found = list(dict.fromkeys(self.tables["comparison"]["embedder"]))
        first = [e for e in self.summary["evaluation"]["embedders"] if e in found]
        return [*first, *(e for e in found if e not in first)]


def read_frame(folder: Path, name: str) -> pd.DataFrame:
    """Table `name` of the study in `folder`; UserError if the file or a column is missing."""
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise UserError(f"{path}: no such file; `ssmttm compare` writes it")
    frame = pd.read_parquet(path)
    if missing := [c for c in COLUMNS[name] if c not in frame.columns]:
        raise UserError(f"{path}: lacks {', '.join(missing)}; compare the study again with this version")
    return frame


def read_study(folder: Path) -> Study:
    """All tables of the study in `folder`; UserError naming what is missing."""
    summary = read_json(folder / "summary.json")
    if not summary.get("evaluation", {}).get("embedders"):
        raise UserError(
            f"{folder / 'summary.json'}: lacks evaluation.embedders; compare the study again with this version"
        )
    return Study(folder, summary, {name: read_frame(folder, name) for name in COLUMNS})
