"""Scores that others published, read from `published.tsv`, as rows that can be drawn beside a study's own.

They are not comparable with a study's scores unless embedder, captions and clip length are the
same, and rows keep what is known of that. The file says where its points are from.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.study.frames import frame_of

FILE = Path(__file__).with_suffix(".tsv")

PAPER = "arXiv 2601.14786, figure scores_vertical_2stage"
CARD = "model card of facebook/musicgen-small and its larger siblings"

SOURCES = {
    "figure": {
        "source": PAPER,
        "how": "read off a figure by its pixels; embedder, direction of the KL divergence and the Transformer's size, "
        "and so its FLOPs, are inferred",
    },
    "card": {"source": CARD, "how": "rounded as printed"},
}
"""What the file's column source stands for."""

BATCH = 128
"""Clips per optimizer step of the paper."""

TABLE = ["system", "variant", "embedder", "metric", "reference", "steps", "value", "error", "better", "source", "how"]

PROGRESS = ["run", "variant", "size", "seed", "budget_kind", "budget", "parameters", "checkpoint", "steps"]
PROGRESS += ["clips_seen", "tokens", "flops", "seconds", "gpu_hours", "embedder", "metric", "reference"]
PROGRESS += ["value", "low", "high", "n", "better", "error", "source", "how"]


_FILE = ["system", "variant", "embedder", "metric", "steps", "value", "error", "better", "source"]


def published(path: Path = FILE) -> pd.DataFrame:
    """Every published point: the columns `TABLE`.

    `error` is that of reading or rounding; no interval of any score is known. `steps` is missing for
    final models whose card names none, `variant` for systems that are no design of the paper. Scores
    are of captions of MusicCaps. Raises UserError, with the line, for a file that isn't such a table.
    """
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    (_, head), *rows = [(n, line.split("\t")) for n, line in lines if line and not line.startswith("#")] or [(1, [])]
    if head != _FILE:
        raise UserError(f"{path}: the columns are {', '.join(head)}; they must be {', '.join(_FILE)}")
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for number, cells in rows:
        row = _point(f"{path}, line {number}", cells)
        key = tuple(cells[:5])
        if key in found:
            raise UserError(f"{path}, line {number}: {' '.join(filter(None, key))} is there twice; take one out")
        found[key] = row
    return frame_of(found.values(), TABLE)


def _point(where: str, cells: list[str]) -> dict[str, Any]:
    """One row of the file; raises UserError if a cell is missing or isn't what its column holds."""
    row: dict[str, Any] = dict(zip(_FILE, cells))
    if len(cells) != len(_FILE):
        raise UserError(f"{where}: {len(cells)} cells; there must be {len(_FILE)}, with tabs between them")
    if missing := [name for name in _FILE if not row[name] and name not in ("variant", "steps")]:
        raise UserError(f"{where}: {', '.join(missing)} is empty; only variant and steps may be")
    if row["better"] not in ("lower", "higher") or row["source"] not in SOURCES:
        raise UserError(f"{where}: better must be lower or higher, and source {' or '.join(SOURCES)}")
    try:
        numbers: dict[str, Any] = {"value": float(row["value"]), "error": float(row["error"])}
        numbers["steps"] = int(row["steps"]) if row["steps"] else None
    except ValueError as error:
        raise UserError(f"{where}: value, error and steps must be numbers: {error}") from None
    if not (math.isfinite(numbers["value"]) and 0 <= numbers["error"] < math.inf):
        raise UserError(f"{where}: value must be finite, and error at least 0")
    return {**row, "variant": row["variant"] or None, **numbers, "reference": "originals", **SOURCES[row["source"]]}


def paper_progress(costs: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The paper's points in the shape of progress.parquet: the columns `PROGRESS`, three of which it hasn't.

    Args:
        costs: for each design (prefix-simba, cross-transformer) parameters, flops_per_step and
            tokens_per_step, as `ssmttm.accounting.claims_of_designs.paper_costs` counts them at the paper's size
            and batch of 128 clips.

    FLOPs are this project's count of the language model alone. Hours, seeds and intervals aren't published.
    """
    rows = []
    for point in published().to_dict("records"):
        cost = costs.get(point["variant"])
        if cost is None or point["source"] != PAPER:
            continue
        steps = int(point["steps"])
        last = 400_000 if point["variant"] == "cross-transformer" else 100_000
        kept = ("variant", "embedder", "metric", "reference", "value", "error", "better", "source", "how")
        rows.append(
            {
                **{k: point[k] for k in kept},
                "run": point["system"],
                "size": "paper",
                "budget_kind": "iterations",
                "budget": last,
                "parameters": cost["parameters"],
                "checkpoint": "final" if steps == last else f"{steps / last:g}",
                "steps": steps,
                "clips_seen": steps * BATCH,
                "tokens": steps * cost["tokens_per_step"],
                "flops": steps * cost["flops_per_step"],
            }
        )
    return frame_of(rows, PROGRESS)
