"""Every row of the comparison, each linked to its line of the CSV, and the backend of every number."""

from typing import Any

import pandas as pd

from ssmttm.numbers import REFERENCE_NAMES, audio_words, budget_name, known, metric_name, score_text, significant
from ssmttm.report.cells import between, system_name
from ssmttm.report.inputs import Study
from ssmttm.report.scoreboard import MAIN, cautions

HEADER_LINES = 1


def rows(study: Study) -> list[dict[str, Any]]:
    """One entry per row of the comparison: main metrics and embedders first, otherwise as in the table."""
    table = study["comparison"].reset_index(drop=True)
    embedders = study.embedders
    metrics = [*MAIN, *(m for m in dict.fromkeys(table["metric"]) if m not in MAIN)]
    order = sorted(
        table.itertuples(), key=lambda r: (metrics.index(r.metric), embedders.index(r.embedder), r.reference, r.Index)
    )
    return [_entry(row) for row in order]


def _entry(row: Any) -> dict[str, Any]:
    return {
        "line": row.Index + 1 + HEADER_LINES,
        "system": row.system,
        "kind": row.kind,
        "name": system_name(row.system) if row.kind != "run" else row.system,
        "budget": budget_name(row.budget_kind, row.budget) if known(row.budget) else "–",
        "metric": metric_name(row.metric),
        "key": row.metric,
        "embedder": row.embedder,
        "reference": REFERENCE_NAMES[row.reference],
        "better": row.better,
        "value": float(row.value),
        "text": score_text(row.metric, row.value),
        "interval": between(row.low, row.high, lambda v: score_text(row.metric, v)) or "no interval",
        "fit": fit_text(row),
        "n": int(row.n),
        "windows": int(row.windows) if known(row.windows) else None,
        "audio": audio_text(row),
        "warnings": [w for w in cautions(row.system, row.metric, row.warnings).split("; ") if w],
    }


def audio_text(row: Any) -> str:
    """Length, sample rate and channels of the clips behind a row: `10 s, 24 kHz, mono`."""
    return audio_words(row.clip_s, *([v] if known(v) else [] for v in (row.sample_rate, row.channels)))


def fit_text(row: Any) -> str:
    """The fit behind an extrapolated distance: `fit a + b/n: b = 1,234, R² = 0.987`; empty for other scores."""
    slope: Any = getattr(row, "slope", None)
    r_squared: Any = getattr(row, "r_squared", None)
    if not known(slope) or not known(r_squared):
        return ""
    return f"fit a + b/n: b = {significant(slope)}, R² = {significant(r_squared)}"


def backends(comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """For each metric and embedder, what computed it, its definition and its interval."""
    keys = ["metric", "embedder", "backend", "definition", "interval", "better"]
    found = comparison.groupby(keys, sort=False)["system"].nunique().reset_index()
    present = list(dict.fromkeys(found["metric"]))
    rank = [*(m for m in MAIN if m in present), *(m for m in present if m not in MAIN)]
    ordered = sorted(found.to_dict("records"), key=lambda r: rank.index(r["metric"]))
    return [{**r, "name": metric_name(r["metric"])} for r in ordered]
